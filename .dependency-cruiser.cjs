/**
 * The rule of imports: data flows capture → transport → diameter → location → store → delivery → api, and no stage imports a later one.
 * Only the joining files know several rooms.
 */
const rooms = ['capture', 'transport', 'diameter', 'location', 'store', 'delivery', 'sms', 'api', 'cli', 'observe', 'config']
const room = name => `^agent/${name}/`
const not = allowed => `^agent/(${rooms.filter(name => !allowed.includes(name)).join('|')})/`

/** What each room may import, besides itself and lib. */
const allowed = {
  capture: [],
  transport: ['capture'],
  diameter: ['transport'],
  location: ['diameter'],
  store: ['location', 'diameter'],
  delivery: ['store'],
  sms: ['store', 'diameter'],
  api: ['delivery', 'sms', 'store', 'location'],
  observe: [],
  config: []
}

module.exports = {
  forbidden: [
    ...Object.entries(allowed).map(([name, may]) => ({
      name: `${name}-imports`,
      severity: 'error',
      comment: `${name} may import ${may.length === 0 ? 'lib only' : may.join(', ')}`,
      from: { path: room(name) },
      to: { path: not([name, ...may]) }
    })),
    {
      name: 'sgd-only-knows-diameter',
      severity: 'error',
      comment: 'of sms only the link over SGd speaks Diameter',
      from: { path: '^agent/sms/', pathNot: '^agent/sms/sgd[a-z-]*\\.ts$' },
      to: { path: '^agent/diameter/' }
    },
    { name: 'lib-knows-nothing', severity: 'error', from: { path: '^agent/lib/' }, to: { path: '^agent/(?!lib/)' } },
    { name: 'cli-by-main-only', severity: 'error', from: { path: '^agent/', pathNot: ['^agent/main.ts', '^agent/cli/'] }, to: { path: '^agent/cli/' } },
    {
      name: 'rooms-do-not-join',
      severity: 'error',
      comment: 'only ingest and serve join rooms',
      from: { path: '^agent/[a-z]+/', pathNot: '^agent/cli/' },
      to: { path: '^agent/[a-z-]+\\.ts$' }
    },
    { name: 'lmdb-in-store-only', severity: 'error', from: { path: '^agent/', pathNot: '^agent/store/' }, to: { path: 'node_modules/lmdb/' } },
    {
      name: 'generated-in-api-and-cli',
      severity: 'error',
      comment: 'and where services are added to a server',
      from: { path: '^agent/', pathNot: ['^agent/(api|cli)/', '^agent/(serve|agent)\\.ts$'] },
      to: { path: '^gen/' }
    },
    { name: 'pino-in-observe-only', severity: 'error', from: { path: '^agent/', pathNot: '^agent/observe/' }, to: { path: 'node_modules/pino/' } },
    {
      name: 'pure-rooms',
      severity: 'error',
      comment: 'no clock, no logger, no node: module, so that they can be fuzzed, replayed and measured alone',
      from: { path: '^agent/(diameter|location|transport)/', pathNot: '^agent/diameter/peer' },
      to: { dependencyTypes: ['core'] }
    },
    {
      name: 'no-clock-in-pure-rooms',
      severity: 'error',
      from: { path: '^agent/(diameter|location)/', pathNot: '^agent/diameter/peer' },
      to: { path: '^agent/lib/clock.ts' }
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'agent-does-not-test', severity: 'error', from: { path: '^agent/' }, to: { path: '^(test|bench)/' } },
    { name: 'no-gpl-at-runtime', severity: 'error', from: { path: '^agent/' }, to: { path: 'node_modules/diameter/' } }
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.cjs'], exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] }
  }
}
