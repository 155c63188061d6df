import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client, credentials, Server, ServerInterceptingCall, type ServerUnaryCall } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { listen } from '../../agent/api/listener.ts'
import { peerCertificate } from '../../agent/api/peer-certificate.ts'
import { TlsContext } from '../../agent/api/tls-context.ts'
import { TestCa, type Issued } from '../lib/certificates.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { attachments } from './bench.ts'
import { replace, TlsBench } from './tls-bench.ts'

const UNAVAILABLE = 14

/** Whether a client with such a certificate, or none, gets its events. */
async function served (t: Test, bench: TlsBench, shown?: Issued): Promise<boolean> {
  const stream = bench.stream(t, bench.channel(shown))
  const outcome = await Promise.race([stream.ready, stream.ended])
  stream.close()
  if ('code' in outcome) t.equal(outcome.code, UNAVAILABLE)
  return !('code' in outcome)
}

/** Why those who did not get in were refused, as the log tells it. */
const REASONS = {
  required: ['CERT_HAS_EXPIRED', 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  optional: ['CERT_HAS_EXPIRED', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  none: []
}

for (const mode of ['required', 'optional', 'none'] as const) {
  t.test(`client certificates ${mode}`, async t => {
    const clients = await TestCa.make(t)
    const asked = mode === 'none' ? {} : { client_ca: clients.file, client_certificates: mode }
    const bench = await TlsBench.start(t, { tls: asked })
    const strangers = await TestCa.make(t)
    t.ok(await served(t, bench, await clients.issue({ subject: '/CN=billing' })), 'the right CA')
    t.equal(await served(t, bench), mode !== 'required', 'no certificate')
    t.equal(await served(t, bench, await strangers.issue({ subject: '/CN=billing' })), mode === 'none', 'another CA')
    t.equal(await served(t, bench, await clients.issue({ from: -9, until: -1 })), mode === 'none', 'an expired one')
    bench.clock.advance(60_000)
    const reasons = new Set(bench.log.take('refused').flatMap(({ fields }) => Object.keys(fields['refused'] as object)))
    t.same([...reasons].sort(), REASONS[mode])
    t.match(bench.log.take('open'), [{ fields: { clientCertificates: mode } }])
  })
}

t.test('another client CA counts for new connections', async t => {
  const [before, after] = [await TestCa.make(t), await TestCa.make(t)]
  const file = join(temporaryDirectory(t), 'clients.pem')
  writeFileSync(file, before.pem)
  const bench = await TlsBench.start(t, { tls: { client_ca: file, client_certificates: 'required' } })
  const [old, fresh] = [await before.issue(), await after.issue()]
  const stream = bench.stream(t, bench.channel(old))
  await stream.ready
  t.notOk(await served(t, bench, fresh))
  replace({ certificate: file, key: '' }, { certificate: after.file })
  bench.look()
  t.ok(await served(t, bench, fresh))
  t.notOk(await served(t, bench, old))
  await bench.bench.see(...attachments(1))
  t.ok(await stream.next(), 'who is inside stays')
})

const METHOD = {
  path: '/test.Names/Names',
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes
} as const

/** A server that answers with the names of its client, as an interceptor and as a handler see them. */
async function namesServer (t: Test, ca: TestCa, clock: ManualClock): Promise<(shown?: Issued) => Promise<{ names: string[], intercepted: string[], expiresAt?: number }>> {
  const issued = await ca.issue()
  const tell = { serves: () => {}, unusable: () => {}, ends: () => {} }
  const tls = new TlsContext({ files: { ...issued, clientCa: ca.file }, clientCertificates: 'optional', clock, tell })
  let intercepted: readonly string[] = []
  const server = new Server({
    interceptors: [(_method, call) => new ServerInterceptingCall(call, {
      start: next => { intercepted = peerCertificate(call, clock.now())?.names ?? []; next() }
    })]
  })
  server.addService({ names: METHOD }, {
    names: (call: ServerUnaryCall<Buffer, Buffer>, answer: (error: null, bytes: Buffer) => void) => {
      answer(null, Buffer.from(JSON.stringify({ names: peerCertificate(call, clock.now())?.names ?? [], intercepted, expiresAt: peerCertificate(call, clock.now())?.expiresAt })))
    }
  })
  const door = await listen(server, { address: '127.0.0.1:0', connections: 10, tls, clock })
  t.teardown(() => { door.close(); tls.stop(); server.forceShutdown() })
  return async shown => {
    const pair = shown === undefined ? [] : [readFileSync(shown.key), readFileSync(shown.certificate)]
    const client = new Client(`localhost:${door.port}`, credentials.createSsl(ca.pem, ...pair))
    t.teardown(() => { client.close() })
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(METHOD.path, METHOD.requestSerialize, METHOD.responseDeserialize, Buffer.of(), (error, bytes) => {
        if (error === null) resolve(JSON.parse(bytes!.toString()) as { names: string[], intercepted: string[] })
        else reject(error)
      })
    })
  }
}

t.test('a verified client is known by its subject and its alternative names', async t => {
  const ca = await TestCa.make(t)
  const clock = new ManualClock(Date.now())
  const ask = await namesServer(t, ca, clock)
  t.match(await ask(), { names: [], intercepted: [] }, 'no certificate, no names')
  const billing = await ca.issue({ subject: '/C=NO/O=Ac,me \\+ Co/CN=billing', names: 'DNS:billing.example.net,URI:spiffe://example.net/billing,email:b@example.net,IP:192.0.2.1' })
  const names = ['CN=billing,O=Ac\\,me \\+ Co,C=NO', 'DNS:billing.example.net', 'URI:spiffe://example.net/billing', 'email:b@example.net']
  const { validTo } = new X509Certificate(readFileSync(billing.certificate))
  t.match(await ask(billing), { names, intercepted: names, expiresAt: Date.parse(validTo) })
  t.match(await ask(billing), { names }, 'and the next time')
  t.same((await ask(await ca.issue({ subject: '/', names: '' }))).names, [], 'who has no name has none')
  clock.jump(91 * 86_400_000)
  t.match(await ask(billing), { names: [], intercepted: [] }, 'a certificate may end while its connection goes on')
})

t.test('names cannot pretend to be two', async t => {
  const ca = await TestCa.make(t)
  const ask = await namesServer(t, ca, new ManualClock(Date.now()))
  const sections = `
[names]
URI.1 = http://x/?,URI:spiffe://admin
DNS.1 = sly
otherName.1 = 1.2.3.4;UTF8:x, DNS:admin
dirName.1 = directory
email.1 = b@example.net
[directory]
O = y, DNS:admin
`
  const sly = await ca.issue({ subject: '/O=Ac,me/CN=sly\nCN=admin', names: '@names', sections })
  const { names } = await ask(sly)
  t.same(names, ['CN=sly\\0ACN=admin,O=Ac\\,me', 'URI:http://x/?,URI:spiffe://admin', 'DNS:sly', 'email:b@example.net'])
  const { stdout } = await promisify(execFile)('openssl', ['x509', '-in', sly.certificate, '-noout', '-subject', '-nameopt', 'RFC2253,utf8,-esc_msb'])
  t.equal(stdout.trim(), `subject=${names[0]}`, 'the README\'s command prints what is to be configured')
})
