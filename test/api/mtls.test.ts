import { readFileSync } from 'node:fs'
import { credentials, status, type ChannelCredentials } from '@grpc/grpc-js'
import t from 'tap'
import { TestCa, type Issued } from '../lib/certificates.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { attachments, Bench, TestStream } from './bench.ts'

const FIRST = 'subscription.first_attachment:read'
const DAY_MS = 86_400_000

t.test('a client that shows its certificate needs no token, and may do what it is registered for and no more', async t => {
  const ca = await TestCa.make(t)
  const clock = new ManualClock(Date.now())
  const tls = { ...await ca.issue(), client_ca: ca.file, client_certificates: 'optional' }
  const bench = await Bench.start(t, undefined, { tls, access: {} }, { clock })
  const address = bench.address.replace('127.0.0.1', 'localhost')
  const channel = (shown?: Issued): ChannelCredentials => shown === undefined
    ? credentials.createSsl(readFileSync(ca.file))
    : credentials.createSsl(readFileSync(ca.file), readFileSync(shown.key), readFileSync(shown.certificate))
  const open = (kind: 'first-attachment' | 'country-change', shown?: Issued, token?: string): TestStream =>
    new TestStream(t, address, kind, {}, token, channel(shown))

  const billing = await ca.issue({ subject: '/C=NO/CN=billing' })
  const unknown = await ca.issue({ subject: '/CN=unknown' })
  await bench.addClient({ id: 'billing', scopes: [FIRST], certificates: ['CN=billing,C=NO'], withoutSecret: true })

  t.match(await open('first-attachment').ended, { code: status.UNAUTHENTICATED }, 'neither certificate nor token')
  t.match(await open('first-attachment', unknown).ended, { code: status.UNAUTHENTICATED }, 'a certificate that nobody is registered for')
  t.match(await open('first-attachment', billing, 'x.y.z').ended, { code: status.UNAUTHENTICATED }, 'a token that is shown must be good')
  t.match(await open('country-change', billing).ended, { code: status.PERMISSION_DENIED }, 'a scope that it was not given')
  const stream = open('first-attachment', billing)
  await stream.ready
  await bench.see(...attachments(2))
  const [event] = await stream.take(2)
  t.ok(await stream.ack(event!))
  t.match(bench.dispatcher.queues(), [{ queue: { client: 'billing' }, inFlight: 1 }])

  clock.jump(91 * DAY_MS)
  clock.advance(60_000)
  t.match(await stream.ended, { code: status.UNAVAILABLE }, 'its stream does not outlast the certificate')
  t.match(await open('first-attachment', billing).ended, { code: status.UNAUTHENTICATED })
})

t.test('a client that is removed loses its streams and its certificate\'s worth', async t => {
  const ca = await TestCa.make(t)
  const clock = new ManualClock(Date.now())
  const bench = await Bench.start(t, undefined, { tls: { ...await ca.issue(), client_ca: ca.file, client_certificates: 'required' }, access: {} }, { clock })
  const address = bench.address.replace('127.0.0.1', 'localhost')
  const box = await ca.issue({ subject: '/CN=box' })
  const channel = credentials.createSsl(readFileSync(ca.file), readFileSync(box.key), readFileSync(box.certificate))
  await bench.addClient({ id: 'box', scopes: [FIRST], certificates: ['CN=box'], withoutSecret: true })
  const stream = new TestStream(t, address, 'first-attachment', {}, undefined, channel)
  await stream.ready
  await bench.registry.remove('box')
  t.match(await stream.ended, { code: status.UNAVAILABLE, details: /client of this stream was removed/ })
  t.match(await new TestStream(t, address, 'first-attachment', {}, undefined, channel).ended, { code: status.UNAUTHENTICATED })
})
