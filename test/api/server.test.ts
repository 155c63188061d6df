import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { credentials, makeGenericClientConstructor, Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { service } from 'grpc-health-check'
import t from 'tap'
import { SubscriptionEventServiceClient } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { AckTokens } from '../../agent/delivery/token.ts'
import { readIdentity } from '../../agent/store/identity.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { attachments, Bench, TestStream } from './bench.ts'

const run = promisify(execFile)

/** Resolves when the socket is closed, with what it had received. */
async function closed (socket: Socket): Promise<void> {
  socket.resume()
  socket.on('error', () => {})
  await new Promise<void>(resolve => { socket.once('close', () => { resolve() }) })
}

async function connected (address: string): Promise<Socket> {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host)
  await new Promise(resolve => { socket.once('connect', resolve) })
  return socket
}

t.test('health is told, overall and for each service', async t => {
  const bench = await Bench.start(t)
  const client = new (makeGenericClientConstructor(service, 'Health'))(bench.address, credentials.createInsecure())
  t.teardown(() => { client.close() })
  const check = async (name: string): Promise<unknown> => await new Promise((resolve, reject) => {
    const call = client['check'] as (request: object, done: (error: ServiceError | null, answer: unknown) => void) => void
    call.call(client, { service: name }, (error, answer) => { if (error === null) resolve(answer); else reject(error) })
  })
  for (const name of ['', 'wgtwo.subscription.v1.SubscriptionEventService', 'wgtwo.sms.v1.SmsService', 'landfall.v1.EventService']) {
    t.match(await check(name), { status: 'SERVING' }, name)
  }
  await t.rejects(check('weather'), { code: status.NOT_FOUND })
})

t.test('a client without a schema finds its way by reflection, in both versions', async t => {
  const bench = await Bench.start(t)
  for (const version of ['grpc-v1', 'grpc-v1alpha']) {
    const { stdout } = await run('node_modules/.bin/buf', ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '--reflect-protocol', version,
      '--list-methods', `http://${bench.address}`])
    t.match(stdout, /wgtwo\.subscription\.v1\.SubscriptionEventService\/StreamCountryChangeEvents/, version)
    t.match(stdout, /landfall\.v1\.EventService\/Subscribe/, version)
    t.notMatch(stdout, /control/, 'the command line\'s own service is not here')
  }
})

t.test('a connection that says nothing is closed, one that speaks stays', async t => {
  const bench = await Bench.start(t)
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  const silent = await Promise.all(Array.from({ length: 50 }, async () => await connected(bench.address)))
  const halfSaid = await connected(bench.address)
  halfSaid.write('PRI * HTTP/2.0')
  // The server greets a later connection: by then it has seen those that came before.
  const later = connectHttp2(`http://${bench.address}`)
  t.teardown(() => { later.destroy() })
  await new Promise(resolve => { later.once('remoteSettings', resolve) })
  const all = Promise.all([...silent, halfSaid].map(closed))
  bench.clock.advance(10_000)
  await all
  await bench.see(...attachments(1))
  t.ok(await Promise.race([stream.next(), stream.ended]))
})

t.test('connections are bounded', async t => {
  const bench = await Bench.start(t, undefined, { delivery: { connections: 2 } })
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  const second = await connected(bench.address)
  t.teardown(() => { second.destroy() })
  await closed(await connected(bench.address))
  await bench.see(...attachments(1))
  t.ok(await stream.next(), 'those inside do not notice')
})

t.test('too much metadata and too large a message are refused, and the service stays up', async t => {
  const bench = await Bench.start(t)
  const client = new SubscriptionEventServiceClient(bench.address, credentials.createInsecure())
  t.teardown(() => { client.close() })
  const ack = async (value: string, metadata = new Metadata()): Promise<ServiceError> => await new Promise(resolve => {
    client.ackCountryChangeEvent({ ackInfo: { value } }, metadata, error => { resolve(error!) })
  })
  const large = new Metadata()
  large.set('x-large', 'x'.repeat(20_000))
  t.match(await ack('x', large), { code: status.RESOURCE_EXHAUSTED, details: /metadata have \d+ bytes, they may have 16384/ })
  const huge = new Metadata()
  huge.set('x-huge', 'x'.repeat(200_000))
  t.ok((await ack('x', huge)).code)
  const many = new Metadata()
  for (let n = 0; n < 500; n++) many.set(`x-${n}`, 'x')
  t.ok((await ack('x', many)).code)
  t.match(await ack('x'.repeat(4 * 1024 * 1024)), { code: status.RESOURCE_EXHAUSTED })
  t.match(await ack('x'), { code: status.INVALID_ARGUMENT }, 'it is still there')
})

t.test('a unix socket serves as well', async t => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'grpc.sock')
  const bench = await Bench.start(t, undefined, { listen: `unix:${path}` })
  t.equal(statSync(path).mode & 0o777, 0o660)
  const stream = new TestStream(t, `unix:${path}`, 'first-attachment')
  await stream.ready
  await bench.see(...attachments(1))
  t.ok(await stream.ack(await stream.next()))
})

t.test('a token that was given to another client is refused', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory)
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  await bench.see(...attachments(1))
  const event = await stream.next()
  const { tokenKey, incarnation } = readIdentity(directory)
  const tokens = new AckTokens(tokenKey, incarnation)
  const foreign = tokens.make({ queue: { tenant: 1, client: 'other', kind: 'first-attachment', name: '' }, durable: true, id: 1 })
  await t.rejects(stream.ack({ ...event, metadata: { ...event.metadata!, ackInfo: { value: foreign } } }), { code: status.PERMISSION_DENIED })
  const future = tokens.make({ queue: { tenant: 1, client: 'local', kind: 'first-attachment', name: '' }, durable: true, id: 2 })
  t.notOk(await stream.ack({ ...event, metadata: { ...event.metadata!, ackInfo: { value: future } } }), 'what was never delivered cannot be acknowledged')
})
