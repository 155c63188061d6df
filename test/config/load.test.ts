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

/** The commented examples that begin with such lines, each with what is indented below it, as YAML. */
function examples (path: string, begin: RegExp): string {
  let within = false
  return readFileSync(path, 'utf8').split('\n').filter(line => {
    within = begin.test(line) || (within && /^# {2}|^#$/.test(line))
    return within
  }).map(line => line.slice(1)).join('\n')
}

t.test('the commented examples of senders and links are sound, and show the defaults', async t => {
  const { sms } = parseConfig(`sms:\n${examples('config/landfall.yaml', /^# {2}senders:/)}`, 'x.yaml')
  t.match(sms.senders, [{ tenant: 'north', client: 'travel', senders: ['Landfall', '2442', '+4780*'], special: false }])
  const { smpp, sgd } = parseConfig('sms: { smpp: { host: a, system_id: b, password_file: c }, sgd: { host: a, origin_host: a.b, origin_realm: b.c, sc_address: "479" } }', 'x.yaml').sms
  const { host, port, tls, system_id: id, password_file: file, permanent_statuses: permanent, temporary_statuses: temporary, ...ofSmpp } = sms.smpp!
  t.match(smpp, ofSmpp)
  t.ok(host !== '' && port === smpp!.port && tls !== undefined && id !== '' && file !== '' && permanent.length + temporary.length === 2)
  const { utc_offset_minutes: offset, window, delivery_timer_seconds: timer, watchdog_seconds: watchdog, when_unknown: unknown } = sms.sgd!
  t.match(sgd, { utc_offset_minutes: offset, window, delivery_timer_seconds: timer, watchdog_seconds: watchdog, when_unknown: unknown })
})

t.test('the commented examples of tenants and access are sound, and show the defaults', async t => {
  const text = examples('config/landfall.yaml', /^#(access:|tenants:)/)
  const { access, tenants } = parseConfig(text, 'x.yaml')
  t.match(tenants, [{ name: 'north', imsi_prefixes: ['24201', '24202'], country_change_damping_minutes: 30, home_country: 'NO', country_change_imsi: false }])
  t.same(Object.keys(access!), ['calls_per_second', 'clock_skew_seconds', 'issuer', 'jwks', 'introspection'])
  const { issuer, ...defaults } = parseConfig('access: { issuer: {} }', 'x.yaml').access!
  t.match(access, { ...defaults, issuer: { listen: issuer!.listen, token_minutes: issuer!.token_minutes } })
})

t.test('mistakes about access are named with their place', async t => {
  const problems = problemsOf([
    'access:',
    '  isuer: {}',
    '  issuer: { listen: anywhere, token_minuts: 1 }',
    '  jwks: { url: http://id.example.com/keys, issuer: x, audience: y }',
    '  introspection: { url: ftp://x, client_id: a, client_secret_file: b }'
  ].join('\n'))
  t.match(problems.find(line => line.includes('isuer')), 'x.yaml:2:3: unknown key "access.isuer"; did you mean "issuer"?')
  t.match(problems.find(line => line.includes('listen')), /^x\.yaml:3:21: access\.issuer\.listen: must be an address and a port/)
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
  t.equal(problems.length, 5)
  t.match(problems.find(line => line.includes('plaintext')), /^x\.yaml:1:9: listen: can be reached from the network and would be plaintext/)
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

t.test('damping is of whole minutes, up to a day', async t => {
  t.equal(parseConfig('tracker: { country_change_damping_minutes: 1440 }', 'x').tracker.country_change_damping_minutes, 1440)
  for (const wrong of ['1441', '-1', '0.5', '1h']) t.equal(problemsOf(`tracker: { country_change_damping_minutes: ${wrong} }`).length, 1, wrong)
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
    t.match(problemsOf(`\n${listen}\naccess: {}`), [/^x\.yaml:2:9: listen: can be reached from the network.*"tls\.certificate".*"insecure: true"/], address)
    t.match(problemsOf(`${listen}\ninsecure: false\naccess: {}`), [/insecure/], address)
    t.same(problemsOf(`${listen}\ninsecure: true\naccess: {}`), [], address)
    t.same(problemsOf(`${listen}\ntls: { certificate: a.pem, key: a.key }\naccess: {}`), [], address)
    t.match(problemsOf(`${listen}\ntls: { certificate: a.pem, key: a.key }`), [/nobody who calls would be checked/], address)
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

t.test('tokens and secrets do not cross the network in plaintext', async t => {
  const access = 'access: { issuer: { listen: "0.0.0.0:7119" } }'
  t.match(problemsOf(access), [/^x\.yaml:1:\d+: access\.issuer\.listen: can be reached from the network/])
  t.same(problemsOf(`${access}\ntls: { certificate: a.pem, key: a.key }`), [])
  t.same(problemsOf(`${access}\ninsecure: true`), [])
})
