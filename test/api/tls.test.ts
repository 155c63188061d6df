import { createPrivateKey } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { credentials } from '@grpc/grpc-js'
import t from 'tap'
import { TestCa } from '../lib/certificates.ts'
import { attachments } from './bench.ts'
import { LOOK_MS, replace, TlsBench } from './tls-bench.ts'

const DAY_MS = 86_400_000

t.test('an event stream over TLS 1.2 and 1.3, and nothing older', async t => {
  const served = await TlsBench.start(t)
  for (const [index, version] of (['TLSv1.2', 'TLSv1.3'] as const).entries()) {
    const context = createSecureContext({ ca: served.ca.pem, minVersion: version, maxVersion: version })
    const stream = served.stream(t, credentials.createFromSecureContext(context))
    await stream.ready
    await served.bench.see(...attachments(1, 1 + index))
    t.ok(await stream.ack(await stream.next()), version)
    stream.close()
    const socket = await served.connect(t, { minVersion: version, maxVersion: version })
    t.same([socket.getProtocol(), socket.alpnProtocol], [version, 'h2'])
  }
  t.equal((await served.connect(t)).getProtocol(), 'TLSv1.3', 'the better one where there is a choice')
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
  await t.rejects(served.connect(t, old), { message: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  await t.rejects(served.connect(t, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA' }),
    { message: /ALERT_HANDSHAKE_FAILURE$/ }, 'nor what HTTP/2 forbids')
})

t.test('a renewed certificate is shown to new connections, and an open stream goes on', async t => {
  const served = await TlsBench.start(t)
  const stream = served.stream(t)
  await stream.ready
  const before = await served.shown(t)
  served.log.take('this certificate')
  replace(served.files, await served.ca.issue({ until: 100 }))
  served.clock.advance(LOOK_MS)
  t.equal(await served.shown(t), before, 'it may still be being written')
  served.clock.advance(LOOK_MS)
  const renewed = await served.shown(t)
  t.not(renewed, before)
  t.match(served.log.take('this certificate'), [{ level: 'info', fields: { until: Date } }])
  await served.bench.see(...attachments(1))
  t.ok(await stream.ack(await stream.next()), 'on the connection from before')

  const third = await served.ca.issue()
  for (const name of ['certificate', 'key'] as const) {
    symlinkSync(third[name], `${served.files[name]}.link`)
    renameSync(`${served.files[name]}.link`, served.files[name])
  }
  served.look()
  t.notOk([before, renewed].includes(await served.shown(t)), 'by symbolic links as well')
  await served.bench.see(...attachments(1, 2))
  t.ok(await stream.ack(await stream.next()))
  served.look()
  t.same(served.log.lines.filter(({ level }) => level !== 'info'), [])
})

t.test('a pair that cannot be used is named once, and the earlier one serves on', async t => {
  const served = await TlsBench.start(t)
  const { files } = served
  const good = { certificate: readFileSync(files.certificate), key: readFileSync(files.key) }
  const before = await served.shown(t)
  const other = await served.ca.issue()
  const encrypted = createPrivateKey(good.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  const breaks: [string, RegExp, () => void | Promise<void>][] = [
    ['the certificate alone', /does not belong to the first certificate/, () => { replace(files, { certificate: other.certificate }) }],
    ['the CA\'s first', /does not belong/, () => { writeFileSync(files.certificate, Buffer.concat([served.ca.pem, good.certificate])) }],
    ['half a certificate', /ends within a certificate/, () => { writeFileSync(files.certificate, good.certificate.subarray(0, 300)) }],
    ['a damaged one', /damaged certificate/, () => { writeFileSync(files.certificate, good.certificate.toString().replace(/\nMII/, '\nAAA')) }],
    ['nothing', /holds no certificate/, () => { writeFileSync(files.certificate, '') }],
    ['no file', /cannot be read .*ENOENT/, () => { rmSync(files.certificate) }],
    ['half a key', /no private key that can be used/, () => { writeFileSync(files.key, good.key.subarray(0, 100)) }],
    ['an encrypted key', /encrypted: give it without a passphrase/, () => { writeFileSync(files.key, encrypted) }],
    ['one that has ended', /has ended on \d{4}-\d\d-\d\d: renew it/, async () => { replace(files, await served.ca.issue({ from: -9, until: -2 })) }],
    ['one of tomorrow', /begins on \d{4}-\d\d-\d\d/, async () => { replace(files, await served.ca.issue({ from: 1 })) }]
  ]
  for (const [name, problem, damage] of breaks) {
    await damage()
    served.look()
    t.match(served.log.take('cannot be used'), [{ level: 'error', fields: { problem } }], name)
    served.look()
    t.same(served.log.take('cannot be used'), [], 'once')
    t.equal(await served.shown(t), before)
    writeFileSync(files.certificate, good.certificate)
    writeFileSync(files.key, good.key)
    served.look()
  }
  replace(files, { certificate: other.certificate })
  served.clock.advance(LOOK_MS)
  replace(files, { key: other.key })
  served.look()
  t.same(served.log.take('cannot be used'), [], 'what was only being written is no problem')
  t.not(await served.shown(t), before)
})

t.test('a certificate that ends within 14 days is told daily, and one that has ended as an error', async t => {
  const served = await TlsBench.start(t, { wish: { until: 15.5 } })
  t.same(served.log.take('ends soon'), [])
  served.clock.jump(2 * DAY_MS)
  served.look()
  t.match(served.log.take('ends soon'), [{ level: 'warn', fields: { days: 13 } }])
  served.look()
  t.same(served.log.take('ends soon'), [], 'not twice a day')
  served.clock.jump(DAY_MS)
  served.look()
  t.match(served.log.take('ends soon'), [{ fields: { days: 12 } }])
  served.clock.jump(14 * DAY_MS)
  served.look()
  t.match(served.log.take('has ended'), [{ level: 'error', fields: { days: -2 } }])
})

t.test('a start with files that cannot be used is refused; a key that everybody can read is told', async t => {
  const ca = await TestCa.make(t)
  const issued = await ca.issue()
  const start = async (files: object): Promise<unknown> => await TlsBench.start(t, { ca, tls: { ...issued, ...files } })
  await t.rejects(start({ key: '/nowhere/tls.key' }), { name: 'TlsFilesError', message: /\/nowhere\/tls\.key cannot be read .*"tls" in the configuration/ })
  await t.rejects(start({ certificate: '/dev/zero' }), { message: /\/dev\/zero is no PEM file/ })
  await t.rejects(start({ key: (await ca.issue()).key }), { message: /does not belong/ })
  await t.rejects(start({ client_ca: issued.key, client_certificates: 'optional' }), { message: /holds no certificate/ })
  chmodSync(issued.key, 0o644)
  t.match((await TlsBench.start(t, { ca, tls: issued })).log.take('chmod'), [{ level: 'warn', fields: { key: issued.key } }])
})

t.test('each connection proves itself anew: no session is resumed', async t => {
  const served = await TlsBench.start(t)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await served.connect(t, { maxVersion: version })
    const session = await new Promise<Buffer | undefined>(resolve => {
      first.once('session', resolve)
      first.once('data', () => { resolve(first.getSession()) })
    })
    const again = await served.connect(t, { maxVersion: version, ...(session !== undefined && { session }) })
    t.equal(again.isSessionReused(), false, version)
  }
})
