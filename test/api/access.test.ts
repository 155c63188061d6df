import { readFileSync } from 'node:fs'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import { credentials, Metadata, status, type ChannelCredentials } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { EventKind, EventServiceService, type SubscribeSettings } from '../../gen/landfall/v1/events.ts'
import { SubscriptionEventServiceService as METHODS } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { SmsServiceService } from '../../gen/wgtwo/sms/v1/sms.ts'
import { guard } from '../../agent/api/access.ts'
import type { BearerTokens } from '../../agent/api/bearer.ts'
import { callerOf, localCaller } from '../../agent/api/caller.ts'
import { Callers } from '../../agent/api/callers.ts'
import { readDescriptorSet } from '../../agent/api/descriptors.ts'
import { listen } from '../../agent/api/listener.ts'
import { MethodScopes } from '../../agent/api/method-scopes.ts'
import { makeServer } from '../../agent/api/server.ts'
import { smsHandlers } from '../../agent/api/sms-service.ts'
import { systemClock } from '../../agent/lib/clock.ts'
import { Tenants } from '../../agent/store/tenant.ts'
import { TestCa } from '../lib/certificates.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { ulr } from '../lib/sightings.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { Rpc } from '../lib/rpc.ts'
import { attachments, Bench, idsOf, TestStream } from './bench.ts'
import { Subscriber } from './subscriber.ts'

const FIRST = 'subscription.first_attachment:read'
const COUNTRY = 'subscription.country_change:read'
const PERIODIC = 'subscription.periodic_country:read'
const SECOND_MS = 1_000
const MINUTE_MS = 60_000

const OWN_ISSUER = { issuer: { listen: '127.0.0.1:0', url: 'https://own.example/', token_minutes: 10 } }

/** An agent with its own issuer. */
async function start (t: Test, access: object = {}, directory = temporaryDirectory(t), delivery: object = {}): Promise<Bench> {
  return await Bench.start(t, directory, { access: { ...OWN_ISSUER, ...access }, delivery })
}

/** A client with these scopes, and a token for all of them. */
async function client (bench: Bench, id: string, scopes: string[] = [FIRST], other: object = {}): Promise<string> {
  return await bench.token(id, await bench.addClient({ id, scopes, ...other }), scopes.join(' '))
}

t.test('an open stream ends with UNAVAILABLE when its token expires, and a call that comes then is UNAUTHENTICATED', async t => {
  const bench = await start(t)
  const token = await client(bench, 'shop')
  const stream = new TestStream(t, bench.address, 'first-attachment', {}, token)
  const subscription = new Subscriber(t, bench.address, { kinds: [{ kind: EventKind.EVENT_KIND_FIRST_ATTACHMENT }], queue: { $case: 'regular', value: {} } }, token)
  await Promise.all([stream.ready, subscription.opened])
  bench.clock.advance(10 * MINUTE_MS - 1)
  await bench.see(...attachments(1))
  const event = await stream.next()
  t.ok(await stream.ack(event), 'until then it counts')
  bench.clock.advance(1)
  t.match(await stream.ended, { code: status.UNAVAILABLE, details: /token of this stream has expired/ })
  t.match(await subscription.ended, { code: status.UNAVAILABLE, details: /token of this stream has expired/ })
  await t.rejects(stream.ack(event), { code: status.UNAUTHENTICATED, details: /has expired: get a new one/ })
  t.match(await new TestStream(t, bench.address, 'first-attachment', {}, token).ended, { code: status.UNAUTHENTICATED })
})

t.test('a wall clock that is set ahead ends streams within a minute, one that is set back does not end them early', async t => {
  const bench = await start(t)
  const token = await client(bench, 'shop')
  const stream = new TestStream(t, bench.address, 'first-attachment', {}, token)
  await stream.ready
  bench.clock.jump(-5 * MINUTE_MS)
  bench.clock.advance(12 * MINUTE_MS)
  await bench.see(...attachments(1))
  t.ok(await Promise.race([stream.next(), stream.ended.then(() => undefined)]))
  bench.clock.jump(60 * MINUTE_MS)
  bench.clock.advance(MINUTE_MS)
  t.match(await stream.ended, { code: status.UNAVAILABLE, details: /expired/ })
})

t.test('a token that outlives the stream changes nothing, and no alarm of it is left', async t => {
  const bench = await start(t, { issuer: { ...OWN_ISSUER.issuer, token_minutes: 600 } }, undefined, { stream_minutes: 10 })
  const stream = new TestStream(t, bench.address, 'first-attachment', {}, await client(bench, 'shop'))
  await stream.ready
  bench.clock.advance(11 * MINUTE_MS)
  t.match(await stream.ended, { code: status.UNAVAILABLE, details: /age limit/ })
})

t.test('a client that is removed loses its streams with UNAVAILABLE, its calls are UNAUTHENTICATED, and others do not notice', async t => {
  const directory = temporaryDirectory(t)
  const bench = await start(t, {}, directory)
  const [gone, stays] = [await client(bench, 'gone'), await client(bench, 'stays')]
  const [stream, other] = [gone, stays].map(token => new TestStream(t, bench.address, 'first-attachment', {}, token)) as [TestStream, TestStream]
  const subscription = new Subscriber(t, bench.address, { kinds: [{ kind: EventKind.EVENT_KIND_FIRST_ATTACHMENT }] }, gone)
  const unopened = new Subscriber(t, bench.address, undefined, gone)
  await Promise.all([stream.ready, other.ready, subscription.opened])
  await bench.see(...attachments(1))
  const event = await Promise.race([stream.next(), subscription.take(1).then(() => undefined)])
  await bench.registry.remove('gone')
  t.match(await stream.ended, { code: status.UNAVAILABLE, details: /client of this stream was removed/ })
  t.match(await subscription.ended, { code: status.UNAVAILABLE, details: /client of this stream was removed/ })
  unopened.say({ settings: { kinds: [{ kind: EventKind.EVENT_KIND_FIRST_ATTACHMENT }] } as SubscribeSettings })
  t.match(await unopened.ended, { code: status.UNAVAILABLE }, 'a call that came before and had asked for nothing yet')
  if (event !== undefined) await t.rejects(stream.ack(event), { code: status.UNAUTHENTICATED, details: /client of this token was removed/ })
  t.match(await new TestStream(t, bench.address, 'first-attachment', {}, gone).ended, { code: status.UNAUTHENTICATED })
  t.ok(await other.ack(await other.next()))
  await t.rejects(bench.registry.remove('gone'), { code: status.NOT_FOUND })

  await bench.stop()
  const after = await start(t, {}, directory)
  t.same(after.registry.list().map(({ id }) => id), ['stays'], 'it stays removed')
  const again = new TestStream(t, after.address, 'first-attachment', {}, stays)
  await again.ready
  t.match(await new TestStream(t, after.address, 'first-attachment', {}, gone).ended, { code: status.UNAUTHENTICATED })
  await client(after, 'gone')
  t.match(await new TestStream(t, after.address, 'first-attachment', {}, gone).ended, { code: status.UNAUTHENTICATED }, 'nor does the old token count for a new client of that name')
})

t.test('each kind in a Subscribe needs the scope of its stream, and so does each token in an Acknowledge', async t => {
  const bench = await start(t)
  const token = await client(bench, 'shop', [FIRST, PERIODIC])
  const subscribe = (...kinds: EventKind[]): Subscriber => new Subscriber(t, bench.address, { kinds: kinds.map(kind => ({ kind })) }, token)
  const { EVENT_KIND_FIRST_ATTACHMENT, EVENT_KIND_PERIODIC_COUNTRY, EVENT_KIND_COUNTRY_CHANGE } = EventKind
  const both = subscribe(EVENT_KIND_FIRST_ATTACHMENT, EVENT_KIND_PERIODIC_COUNTRY)
  t.equal((await both.opened).kinds.length, 2)
  t.match(await subscribe(EVENT_KIND_FIRST_ATTACHMENT, EVENT_KIND_COUNTRY_CHANGE).ended, {
    code: status.PERMISSION_DENIED, details: /^reading country-change events needs the scope "subscription\.country_change:read"/
  })
  const all = await client(bench, 'all', [FIRST, COUNTRY])
  const streams = [new TestStream(t, bench.address, 'first-attachment', {}, all), new TestStream(t, bench.address, 'country-change', {}, all)]
  await Promise.all(streams.map(async stream => await stream.ready))
  await bench.see(ulr(), ulr({ time: ulr().time + 1, plmn: '24001' }))
  const tokens = (await Promise.all(streams.map(async stream => await stream.next()))).map(event => event.metadata!.ackInfo!.value)
  const rpc = new Rpc(t, bench.address)
  const narrow = await bench.token('narrow', await bench.addClient({ id: 'narrow', scopes: [FIRST] }), FIRST)
  t.match(await rpc.call(EventServiceService.acknowledge, { tokens }, `Bearer ${narrow}`), { code: status.PERMISSION_DENIED, details: /given to another client/ })
  await bench.registry.remove('all')
  const less = await client(bench, 'all', [FIRST])
  t.match(await rpc.call(EventServiceService.acknowledge, { tokens }, `Bearer ${less}`), {
    code: status.PERMISSION_DENIED, details: /^acknowledging country-change events needs the scope/
  })
  t.match(await rpc.call(EventServiceService.acknowledge, { tokens: tokens.slice(0, 1) }, `Bearer ${less}`), { code: status.OK })
})

t.test('each client has its own queues, and clients of one sector know a SIM by the same name', async t => {
  const bench = await start(t)
  const tokens = [await client(bench, 'a', [FIRST], { sector: 'product' }), await client(bench, 'b', [FIRST], { sector: 'product' }), await client(bench, 'c')]
  const streams = tokens.map(token => new TestStream(t, bench.address, 'first-attachment', {}, token))
  await Promise.all(streams.map(async stream => await stream.ready))
  await bench.see(...attachments(1))
  const events = await Promise.all(streams.map(async stream => await stream.next()))
  const [a, b, c] = events.map(({ metadata }) => metadata!.identifier!.subscriptionIdentifier!)
  t.equal(a!.value, b!.value)
  t.not(a!.value, c!.value)
  t.equal(a!.wg2rn, c!.wg2rn, 'the resource name is one for all')
  t.ok(await streams[0]!.ack(events[0]!))
  await t.rejects(streams[1]!.ack(events[0]!), { code: status.PERMISSION_DENIED, details: /given to another client/ })
  t.same(bench.dispatcher.queues().map(({ queue, inFlight }) => `${queue.client} ${inFlight}`).sort(), ['a 0', 'b 1', 'c 1'])
})

t.test('a client that calls too often is told when to come again', async t => {
  const bench = await start(t, { calls_per_second: 2 })
  const rpc = new Rpc(t, bench.address)
  const [token, other] = [await client(bench, 'shop'), await client(bench, 'other')]
  const ack = async (token: string): Promise<{ code: status, metadata: Metadata, details: string }> =>
    await rpc.call(METHODS.ackFirstAttachmentEvent, { ackInfo: { value: 'x' } }, `Bearer ${token}`)
  for (let n = 0; n < 2; n++) t.equal((await ack(token)).code, status.INVALID_ARGUMENT, 'it got through to the handler')
  const refused = await ack(token)
  t.match(refused, { code: status.RESOURCE_EXHAUSTED, details: /"shop" makes more than 2 calls a second/ })
  t.same(refused.metadata.get('grpc-retry-pushback-ms'), ['500'])
  t.same(retryInfo(refused.metadata), { code: 8, type: 'type.googleapis.com/google.rpc.RetryInfo', seconds: 0, nanos: 500_000_000 })
  t.equal((await ack(other)).code, status.INVALID_ARGUMENT, 'others do not pay for it')
  bench.clock.advance(SECOND_MS / 2)
  t.equal((await ack(token)).code, status.INVALID_ARGUMENT)
  t.equal((await ack(token)).code, status.RESOURCE_EXHAUSTED)
})

/** Calls of a client on a connection of their own. */
class Connection {
  readonly #rpc: Rpc

  constructor (t: Test, address: string, channel?: ChannelCredentials) {
    // Channels to one address share a connection otherwise.
    this.#rpc = new Rpc(t, address, { 'grpc.use_local_subchannel_pool': 1 }, channel)
  }

  /** Makes a call that a handler refuses; so whatever else comes of it was said before it got there. */
  async call (token?: string): Promise<{ code: status, metadata: Metadata, details: string }> {
    return await this.#rpc.call(METHODS.ackFirstAttachmentEvent, { ackInfo: { value: 'x' } }, token === undefined ? undefined : `Bearer ${token}`)
  }

  close (): void { this.#rpc.close() }
}

t.test('the connections of a client are bounded, whoever else is on them, and one that closes makes room', async t => {
  const socket = `unix:${temporaryDirectory(t)}/grpc.sock`
  for (const listen of ['127.0.0.1:0', socket]) {
    const bench = await Bench.start(t, undefined, { listen, access: { ...OWN_ISSUER, calls_per_second: 1_000_000 }, delivery: { connections_per_client: 2 } })
    const open = (): Connection => new Connection(t, listen === socket ? socket : bench.address)
    const [token, other] = [await client(bench, 'shop'), await client(bench, 'other')]
    const [first, second, third] = [open(), open(), open()]
    for (const connection of [first, second, first, second]) t.equal((await connection.call(token)).code, status.INVALID_ARGUMENT, 'it got through to the handler')
    const refused = await third.call(token)
    t.match(refused, { code: status.RESOURCE_EXHAUSTED, details: /^the client "shop" has as many connections open as it may have \(2\)/ })
    t.same(refused.metadata.get('grpc-retry-pushback-ms'), ['5000'])
    t.match(retryInfo(refused.metadata), { code: 8, seconds: 5, nanos: 0 })
    t.equal((await third.call('x.y.z')).code, status.UNAUTHENTICATED, 'nobody counts who was not known')
    t.equal((await third.call(other)).code, status.INVALID_ARGUMENT, 'another client has places of its own')
    t.equal((await first.call(other)).code, status.INVALID_ARGUMENT, 'on a connection of several clients too')
    t.equal((await second.call(other)).code, status.RESOURCE_EXHAUSTED)
    t.equal((await third.call(token)).code, status.RESOURCE_EXHAUSTED)
    first.close()
    // The agent hears of it a moment later.
    while ((await third.call(token)).code === status.RESOURCE_EXHAUSTED);
    t.equal((await second.call(other)).code, status.INVALID_ARGUMENT, 'for all that were on it')
    t.equal((await open().call(token)).code, status.RESOURCE_EXHAUSTED, 'and for no more')
    await bench.stop()
  }
})

t.test('connections with certificates are counted for whom they prove, and where nobody is checked none is', async t => {
  const ca = await TestCa.make(t)
  const clock = new ManualClock(Date.now())
  const tls = { ...await ca.issue(), client_ca: ca.file, client_certificates: 'optional' }
  const bench = await Bench.start(t, undefined, { tls, access: { calls_per_second: 1_000_000 }, delivery: { connections_per_client: 1 } }, { clock })
  await bench.addClient({ id: 'box', scopes: [FIRST], certificates: ['CN=box'], withoutSecret: true })
  const shown = await ca.issue({ subject: '/CN=box' })
  const open = (): Connection => new Connection(t, bench.address.replace('127.0.0.1', 'localhost'),
    credentials.createSsl(readFileSync(ca.file), readFileSync(shown.key), readFileSync(shown.certificate)))
  const first = open()
  t.equal((await first.call()).code, status.INVALID_ARGUMENT)
  const second = open()
  t.match(await second.call(), { code: status.RESOURCE_EXHAUSTED, details: /"box" has as many connections open/ })
  first.close()
  while ((await second.call()).code === status.RESOURCE_EXHAUSTED);
  const unchecked = await Bench.start(t, undefined, { delivery: { connections_per_client: 1 } })
  for (let n = 0; n < 3; n++) t.equal((await new Connection(t, unchecked.address).call()).code, status.INVALID_ARGUMENT)
})

/** Reads the google.rpc.Status with its google.rpc.RetryInfo. */
function retryInfo (metadata: Metadata): object {
  const fields = (bytes: Uint8Array): Map<number, unknown> => {
    const reader = new BinaryReader(bytes)
    const found = new Map<number, unknown>()
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag()
      found.set(number, wire === 0 ? reader.uint32() : reader.bytes())
    }
    return found
  }
  const outer = fields(metadata.get('grpc-status-details-bin')[0] as Buffer)
  const any = fields(outer.get(3) as Uint8Array)
  const delay = fields(fields(any.get(2) as Uint8Array).get(1) as Uint8Array)
  return { code: outer.get(1), type: Buffer.from(any.get(1) as Uint8Array).toString(), seconds: delay.get(1), nanos: delay.get(2) }
}

const EVERYBODY = localCaller({ number: 1, name: 'local' })

t.test('a method that names no scope serves nobody, and a guard that fails lets nobody in', async t => {
  const failures: unknown[] = []
  const failed = (error: unknown): void => { failures.push(error) }
  const callAt = async (parts: Parameters<typeof guard>[0]): Promise<{ code: status, details: string }> => {
    const server = makeServer(1024, guard(parts))
    server.addService(SmsServiceService, smsHandlers(undefined))
    const { port, close } = await listen(server, { address: '127.0.0.1:0', connections: 10, clock: systemClock })
    t.teardown(() => { close(); server.forceShutdown() })
    const method = SmsServiceService.sendTextToSubscriber
    return await new Rpc(t, `127.0.0.1:${port}`).call(method, method.requestDeserialize(Buffer.alloc(0)))
  }
  const scopes = new MethodScopes(readDescriptorSet())
  t.match(await callAt({ scopes, callers: EVERYBODY, audit: () => {}, failed }), { code: status.UNIMPLEMENTED }, 'the handler is reached')
  t.match(await callAt({ scopes: new MethodScopes(new Uint8Array()), callers: EVERYBODY, audit: () => {}, failed }), { code: status.PERMISSION_DENIED, details: /nobody may call/ })
  t.same(failures, [])
  const broken = { identify: async () => { throw new TypeError('a secret') } } as unknown as Callers
  t.match(await callAt({ scopes, callers: broken, audit: () => {}, failed }), { code: status.INTERNAL, details: 'the call could not be checked' })
  t.match(failures, [{ message: 'a secret' }])
  t.throws(() => callerOf({ metadata: new Metadata() }), { code: status.PERMISSION_DENIED })
})

t.test('without access nobody is checked, whatever a call comes with', async t => {
  const bench = await Bench.start(t)
  for (const token of [undefined, 'x.y.z']) {
    const stream = new TestStream(t, bench.address, 'first-attachment', {}, token)
    await stream.ready
    stream.close()
  }
  t.match(bench.dispatcher.queues(), [{ queue: { client: 'local', tenant: 1 } }])
})

t.test('a certificate whose name is registered is as good as a token', async t => {
  const bench = await start(t)
  await bench.addClient({ id: 'box', scopes: [FIRST], certificates: ['CN=box.example', 'DNS:box.example'], withoutSecret: true })
  const tokens = { verify: async () => { throw new Error('a token is looked at') } } as unknown as BearerTokens
  const callers = new Callers({ tokens, registry: bench.registry, tenants: new Tenants([{ tenant: { number: 1, name: 'local' }, prefixes: [] }], undefined), callsPerSecond: 1000 })
  const caller = await callers.identify([], { names: ['DNS:other.example', 'DNS:box.example'], expiresAt: 4_000_000_000_000 })
  t.match([caller.client, [...caller.scopes!], caller.expiresAt, caller.removed!.aborted], ['box', [FIRST], 4_000_000_000_000, false])
  await t.rejects(callers.identify(['Bearer x'], { names: ['DNS:box.example'], expiresAt: 4_000_000_000_000 }), /a token is looked at/, 'a token goes before it')
  await t.rejects(bench.addClient({ id: 'thief', certificates: ['DNS:box.example'] }), /is another client's already/)
  await bench.registry.remove('box')
  t.ok(caller.removed!.aborted)
  t.equal(await bench.addClient({ id: 'heir', certificates: ['DNS:box.example'], withoutSecret: true }), '', 'what it had is free again')
  await bench.registry.remove('heir')
  await t.rejects(callers.identify([], { names: ['DNS:box.example'], expiresAt: 4_000_000_000_000 }), /a token is looked at/)
})

t.test('changes of a client do not undo each other, and none brings back one that is removed', async t => {
  const directory = temporaryDirectory(t)
  const bench = await start(t, {}, directory)
  await client(bench, 'shop')
  const [first, second] = await Promise.allSettled([bench.registry.update('shop', { scopes: [COUNTRY] }), bench.registry.update('shop', { scopes: [PERIODIC] })])
  t.match([first, second], [{ status: 'fulfilled' }, { status: 'rejected', reason: { code: status.ABORTED, details: /try again/ } }])
  t.match(bench.registry.list(), [{ id: 'shop', scopes: [COUNTRY] }])
  await Promise.all([bench.registry.update('shop', { scopes: [FIRST] }), bench.registry.remove('shop')])
  t.same(bench.registry.list(), [])
  await t.rejects(bench.registry.update('shop', { scopes: [FIRST] }), { code: status.NOT_FOUND })
  await bench.stop()
  t.same((await start(t, {}, directory)).registry.list(), [], 'nor after a restart')
})

t.test('names are bounded, and have neither control characters nor broken UTF-8', async t => {
  const bench = await start(t)
  const token = await client(bench, 'shop')
  const refused = async (customName: string): Promise<string> => {
    const { code, details } = await new TestStream(t, bench.address, 'first-attachment', { streamType: { $case: 'durableQueue', value: { customName } } }, token).ended
    t.equal(code, status.INVALID_ARGUMENT)
    return details
  }
  t.match(await refused('a\nb'), /custom_name has control characters/)
  t.match(await refused('\u0000'), /custom_name has control characters/)
  t.match(await refused('a\u0085'), /custom_name has control characters/)
  t.match(await refused('\ud800'), /custom_name is not UTF-8/)
  t.match(await refused('ø'.repeat(65)), /custom_name has more than 128 bytes/)
  const good = new TestStream(t, bench.address, 'first-attachment', { streamType: { $case: 'durableQueue', value: { customName: 'ø'.repeat(64) } } }, token)
  await good.ready
  await bench.see(...attachments(1))
  t.same(idsOf([await good.next()]), [1])
  for (const wish of [{ id: '' }, { id: 'a b' }, { id: 'a:b' }, { id: 'a\n' }, { id: 'ø' }, { id: 'x'.repeat(129) }, { id: 'x', sector: ' ' }, { id: 'x', tenant: 'y' },
    { id: 'x', scopes: ['nothing'] }, { id: 'x', scopes: ['"'] }, { id: 'x', scopes: Array.from({ length: 65 }, (_, n) => `${n}`) },
    { id: 'x', certificates: ['\n'] }, { id: 'x', certificates: ['x'.repeat(257)] }]) {
    await t.rejects(bench.addClient(wish), new RegExp(`"code":${status.INVALID_ARGUMENT}`), JSON.stringify(wish))
  }
  t.match(await bench.addClient({ id: '!'.repeat(128), scopes: [FIRST] }), /^[\w-]{43}$/)
})
