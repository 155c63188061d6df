import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { ConfigError, loadConfig, parseConfig } from '../../agent/config/load.ts'
import { configSchema } from '../../agent/config/schema.ts'

/** The lines of a ConfigError. */
function problemsOf (text: string): readonly string[] {
  try {
    parseConfig(text, 'x.yaml')
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

t.test('an empty file is all defaults', async t => {
  t.same(parseConfig('', 'x.yaml'), configSchema.parse({}))
})

t.test('the commented example shows every setting with its default', async t => {
  const text = readFileSync('config/landfall.yaml', 'utf8')
  t.same(parse(text), configSchema.parse({}))
})

t.test('the commented examples of tenants and access are sound, and show the defaults', async t => {
  const text = readFileSync('config/landfall.yaml', 'utf8').split('\n').filter(line => /^#(access:|tenants:| {2})/.test(line)).map(line => line.slice(1)).join('\n')
  const { access, tenants } = parseConfig(text, 'x.yaml')
  t.match(tenants, [{ name: 'north', imsi_prefixes: ['24201', '24202'], home_country: 'NO', country_change_imsi: false }])
  t.same(Object.keys(access!), ['calls_per_second', 'clock_skew_seconds', 'issuer', 'jwks', 'introspection'])
  const { issuer, ...defaults } = parseConfig('access: { issuer: {} }', 'x.yaml').access!
  t.match(access, { ...defaults, issuer: { listen: issuer!.listen, token_minutes: issuer!.token_minutes } })
})

t.test('mistakes about access are named with their place', async t => {
  const problems = problemsOf([
    'access:',
    '  isuer: {}',
    '  issuer: { listen: 0.0.0.0:7119, token_minuts: 1 }',
    '  jwks: { url: http://id.example.com/keys, issuer: x, audience: y }',
    '  introspection: { url: ftp://x, client_id: a, client_secret_file: b }'
  ].join('\n'))
  t.match(problems.find(line => line.includes('isuer')), 'x.yaml:2:3: unknown key "access.isuer"; did you mean "issuer"?')
  t.match(problems.find(line => line.includes('listen')), /^x\.yaml:3:21: access\.issuer\.listen: must be a loopback address/)
  t.match(problems.find(line => line.includes('minuts')), /unknown key "access\.issuer\.token_minuts"; did you mean "token_minutes"\?$/)
  t.match(problems.find(line => line.includes('jwks')), /^x\.yaml:4:16: access\.jwks\.url: must be an https:/)
  t.match(problems.find(line => line.includes('introspection')), /access\.introspection\.url: must be an https:/)
  t.equal(problems.length, 5)
  for (const keys of ['', 'url: "https://x", file: y, ']) {
    t.match(problemsOf(`access: { jwks: { ${keys}issuer: x, audience: y } }`), [/access\.jwks: needs either "url" or "file"/])
  }
  t.match(problemsOf('access: { issuer: { url: "https://x" }, jwks: { url: "https://y", issuer: "https://x", audience: y } }'), [/^x\.yaml:1:9: access: needs different names/])
  for (const url of ['https://u:p@x/', 'http://127.0.0.1.evil.example/', 'http://[::1].evil/']) {
    t.equal(problemsOf(`access: { jwks: { url: "${url}", issuer: x, audience: y } }`).length, 1, url)
  }
})

t.test('the small configuration is sound', async t => {
  t.equal(loadConfig('config/small.yaml').state_directory, 'data')
})

t.test('every mistake is named at once, with its place', async t => {
  const problems = problemsOf([
    'listen: 0.0.0.0:7118',
    'capture:',
    '  ports: [3868, 70000]',
    '  prts: [1]',
    'log:',
    '  level: loud'
  ].join('\n'))
  t.equal(problems.length, 4)
  t.match(problems.find(line => line.includes('listen')), /^x\.yaml:1:9: listen: must be a loopback address/)
  t.match(problems.find(line => line.includes('ports.1')), /^x\.yaml:3:17: capture\.ports\.1: /)
  t.match(problems.find(line => line.includes('prts')), 'x.yaml:4:3: unknown key "capture.prts"; did you mean "ports"?')
  t.match(problems.find(line => line.includes('level')), /^x\.yaml:6:10: log\.level: /)
})

t.test('an unknown key that resembles nothing has no suggestion', async t => {
  t.same(problemsOf('zzzzzz: 1'), ['x.yaml:1:1: unknown key "zzzzzz"'])
})

t.test('a home country is two letters or none', async t => {
  t.equal(parseConfig('tracker: { home_country: NO }', 'x').tracker.home_country, 'NO')
  t.equal(problemsOf('tracker: { home_country: Norway }').length, 1)
})

t.test('what is not YAML is named with its place', async t => {
  t.match(problemsOf('log: [1')[0], /^x\.yaml:1:\d+: /)
})

t.test('mistakes about tenants are named with their place', async t => {
  const problems = problemsOf([
    'tenants:',
    '  - { name: north, imsi_prefixes: ["24201"] }',
    '  - { name: north, imsi_prefixes: ["24201", "x"], imsi_prefix: 1 }',
    'default_tenant: south'
  ].join('\n'))
  t.match(problems.find(line => line.includes('imsi_prefix"')), 'x.yaml:3:51: unknown key "tenants.1.imsi_prefix"; did you mean "imsi_prefixes"?')
  t.match(problems.find(line => line.includes('digits')), /^x\.yaml:3:45: tenants\.1\.imsi_prefixes\.1: must be 1 to 15 digits/)
  const sound = '{ name: north, imsi_prefixes: ["24201"] }'
  t.match(problemsOf(`tenants: [${sound}, ${sound}]`), [/two tenants "north"/, /"24201" is a prefix of "north" already/, /several tenants need "access"/])
  t.match(problemsOf(`tenants: [${sound}]\ndefault_tenant: south`), [/^x\.yaml:2:17: default_tenant: there is no tenant "south"/])
})
