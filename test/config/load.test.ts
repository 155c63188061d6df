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
  t.match(problems.find(line => line.includes('listen')), /^x\.yaml:1:9: listen: can be reached from the network and would be plaintext/)
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

t.test('where to listen is an address and a port, or a unix socket', async t => {
  const good = ['127.0.0.1:1', '127.9.9.9:7118', 'localhost:7118', 'LOCALHOST:7118', '[::1]:7118', '[::ffff:127.0.0.1]:7118', 'unix:/run/x.sock', 'unix:x']
  for (const address of good) t.same(problemsOf(`listen: "${address}"`), [], address)
  const bad = ['', '7118', ':7118', '127.0.0.1', '127.0.0.1:', '127.0.0.1:70000', '::1:7118', '[::1]', '[::g]:7118', '[127.0.0.1]:7118', 'unix:', '*:7118',
    '256.0.0.1:7118', '127.1:7118', 'a_b:7118', 'http://a:7118', 'a:7118x', '-a:7118', `${'a'.repeat(64)}:7118`]
  for (const address of bad) t.match(problemsOf(`region: x\nlisten: "${address}"`), [/^x\.yaml:2:9: listen: must be an address and a port/], address)
})

t.test('what the network can reach needs TLS, or "insecure: true" in so many words', async t => {
  for (const address of ['0.0.0.0:7118', '[::]:7118', '10.0.0.1:7118', 'agent.example.net:7118', 'localhost.example.net:7118', '128.0.0.1:1', '[::ffff:10.0.0.1]:1']) {
    const listen = `listen: "${address}"`
    t.match(problemsOf(`\n${listen}`), [/^x\.yaml:2:9: listen: can be reached from the network.*"tls\.certificate".*"insecure: true"/], address)
    t.match(problemsOf(`${listen}\ninsecure: false`), [/insecure/], address)
    t.same(problemsOf(`${listen}\ninsecure: true`), [], address)
    t.same(problemsOf(`${listen}\ntls: { certificate: a.pem, key: a.key }`), [], address)
  }
  t.match(problemsOf('listen: 10.0.0.1:7118\ninsecure: "true"'), [/^x\.yaml:2:11: insecure: /], 'a word is not yes')
})

t.test('the settings of TLS fit each other', async t => {
  const pair = 'certificate: a.pem, key: a.key'
  t.match(problemsOf('tls:\n  certificate: a.pem'), [/^x\.yaml:2:16: tls\.certificate: needs its private key/])
  t.match(problemsOf('tls:\n  key: a.key'), [/^x\.yaml:2:8: tls\.key: needs its certificate/])
  t.match(problemsOf(`tls: { ${pair}, client_certificates: required }`), [/tls\.client_certificates: .*"tls\.client_ca"/])
  t.match(problemsOf('tls: { client_ca: ca.pem, client_certificates: optional }'), [/tls\.client_certificates: can only be asked for over TLS/])
  t.match(problemsOf(`tls: { ${pair}, client_ca: ca.pem }`), [/tls\.client_ca: is not used/])
  t.same(problemsOf(`tls: { ${pair}, client_ca: ca.pem, client_certificates: required }`), [])
  t.match(problemsOf(`tls: { ${pair}, client_certificates: always }`), [/tls\.client_certificates: /])
})
