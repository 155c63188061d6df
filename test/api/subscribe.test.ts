import { credentials, status } from '@grpc/grpc-js'
import t from 'tap'
import {
  EventKind,
  EventServiceClient,
  OutcomeResult,
  SubscribeSettings,
  type Event
} from '../../gen/landfall/v1/events.ts'
import { START, ulr } from '../lib/sightings.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { attachments, Bench, idsOf, TestStream } from './bench.ts'
import { Subscriber, type Settings } from './subscriber.ts'

const { EVENT_KIND_FIRST_ATTACHMENT: FIRST, EVENT_KIND_PERIODIC_COUNTRY: PERIODIC, EVENT_KIND_COUNTRY_CHANGE: COUNTRY } = EventKind
const { OUTCOME_RESULT_ACKNOWLEDGED, OUTCOME_RESULT_ALREADY, OUTCOME_RESULT_UNKNOWN, OUTCOME_RESULT_RETURNED, OUTCOME_RESULT_EXTENDED } = OutcomeResult

const ids = (...numbers: number[]): bigint[] => numbers.map(BigInt)
const eventIds = (events: readonly Event[]): number[] => events.map(({ id }) => Number(id))

t.test('several kinds come in one stream, with what they say', async t => {
  const bench = await Bench.start(t)
  const client = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }, { kind: PERIODIC }, { kind: COUNTRY }] })
  t.match(await client.opened, { kinds: [{ kind: FIRST, startPositionUsed: true, missedEvents: 0n }, { kind: PERIODIC }, { kind: COUNTRY }] })
  const before = bench.clock.now()
  await bench.see(ulr(), ulr({ time: START + 1000, plmn: '24001' }))
  const events = await client.take(4)
  t.same(new Set(events.map(({ event }) => event!.$case)), new Set(['firstAttachmentEvent', 'periodicCountryEvent', 'countryChangeEvent']))
  t.match(events.find(({ kind }) => kind === COUNTRY), {
    id: 1n,
    deliveryAttempt: 1,
    isRedelivered: false,
    firstDelivered: { seconds: BigInt(before / 1000) },
    timestamp: { seconds: BigInt(START / 1000 + 1) },
    identifier: { subscriptionIdentifier: { value: /^[0-9a-f]{128}$/ } },
    event: { $case: 'countryChangeEvent', value: { previous: { code: 'NO' }, current: { code: 'SE' } } }
  })
})

t.test('acknowledgements go back in the stream, many at a time, each with its outcome', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory)
  const client = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }, { kind: PERIODIC }] })
  await client.opened
  await bench.see(...attachments(5))
  await client.take(10)
  t.same(await client.ask({ acknowledge: [{ kind: FIRST, ids: ids(1, 2, 9) }, { kind: PERIODIC, ids: ids(4) }] }),
    [[OUTCOME_RESULT_ACKNOWLEDGED, [1, 2]], [OUTCOME_RESULT_UNKNOWN, [9]], [OUTCOME_RESULT_ACKNOWLEDGED, [4]]])
  t.same(await client.ask({ acknowledge: [{ kind: FIRST, ids: ids(2, 3) }] }), [[OUTCOME_RESULT_ALREADY, [2]], [OUTCOME_RESULT_ACKNOWLEDGED, [3]]])
  t.same(await client.ask({ acknowledge: [{ kind: COUNTRY, ids: ids(1) }] }), [[OUTCOME_RESULT_UNKNOWN, [1]]], 'a kind that the stream does not read')
  await bench.stop()
  t.match(await client.ended, { code: status.UNAVAILABLE, details: /stopping/ })
  const after = await Bench.start(t, directory)
  const again = new Subscriber(t, after.address, { kinds: [{ kind: FIRST }, { kind: PERIODIC }] })
  const returned = await again.take(6)
  t.same(eventIds(returned.filter(({ kind }) => kind === FIRST)), [4, 5])
  t.same(eventIds(returned.filter(({ kind }) => kind === PERIODIC)), [1, 2, 3, 5])
  t.ok(returned.every(({ isRedelivered, deliveryAttempt }) => isRedelivered && deliveryAttempt === 2))
})

t.test('events are given back, at once or later, and get more time', async t => {
  const bench = await Bench.start(t)
  const client = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }] })
  await client.opened
  await bench.see(...attachments(3))
  await client.take(3)
  t.same(await client.ask({ return: [{ kind: FIRST, ids: ids(1) }] }), [[OUTCOME_RESULT_RETURNED, [1]]])
  t.match(await client.take(1), [{ id: 1n, deliveryAttempt: 2, isRedelivered: true }])
  const both = { return: [{ kind: FIRST, ids: ids(2), delay: { seconds: 50n, nanos: 0 } }], extend: [{ kind: FIRST, ids: ids(3), ackTimeout: { seconds: 40n, nanos: 0 } }] }
  t.same(await client.ask(both), [[OUTCOME_RESULT_RETURNED, [2]], [OUTCOME_RESULT_EXTENDED, [3]]])
  bench.clock.advance(30_000)
  t.same(eventIds(await client.take(1)), [1])
  bench.clock.advance(10_000)
  t.same(eventIds(await client.take(1)), [3])
  bench.clock.advance(10_000)
  t.same(eventIds(await client.take(1)), [2])
  t.same(await client.ask({ extend: [{ kind: FIRST, ids: ids(77), ackTimeout: { seconds: 40n, nanos: 0 } }] }), [[OUTCOME_RESULT_UNKNOWN, [77]]])
})

t.test('the window counts all kinds together, and no kind starves', async t => {
  const bench = await Bench.start(t)
  const client = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }, { kind: PERIODIC }], maxInFlight: 10 })
  await client.opened
  await bench.see(...attachments(100))
  const seen = { [FIRST]: 0, [PERIODIC]: 0 } as Record<number, number>
  for (let left = 200; left > 0;) {
    const events = await client.take(Math.min(10, left))
    t.equal(client.events.length, 0, 'never more than the window')
    for (const { kind } of events) seen[kind]!++
    left -= events.length
    if (left === 100) t.ok(seen[FIRST]! >= 30 && seen[PERIODIC]! >= 30, `${seen[FIRST]} and ${seen[PERIODIC]} of the first hundred`)
    await client.ask({ acknowledge: events.map(({ kind, id }) => ({ kind, ids: [id] })) })
  }
  t.same([seen[FIRST], seen[PERIODIC]], [100, 100])
})

t.test('an event that fails too often is parked; it can be listed, sent again and dropped', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory)
  const client = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }], maxDeliveries: 2 })
  await client.opened
  await bench.see(...attachments(2))
  for (let attempt = 1; attempt <= 2; attempt++) {
    t.ok((await client.take(2)).every(({ deliveryAttempt }) => deliveryAttempt === attempt))
    await client.ask({ return: [{ kind: FIRST, ids: ids(1, 2) }] })
  }
  const name = { tenant: 1, client: 'local', kind: 'first-attachment' as const, name: '' }
  t.match(bench.dispatcher.queues(), [{ parked: 2, waiting: 0, inFlight: 0, oldestAgeMs: undefined }])
  await bench.retain({ before: Infinity, maxBytes: 0 })
  t.match(bench.dispatcher.queues(), [{ parked: 2, missed: 0 }], 'retention leaves them')
  await bench.stop()

  const after = await Bench.start(t, directory)
  t.match(after.dispatcher.parked(name), [{ id: 1, attempts: 2 }, { id: 2, attempts: 2, event: { event: { imsi: '242010000000002' } } }])
  t.equal(await after.dispatcher.dropParked(name, [1, 1, 99]), 1)
  t.equal(await after.dispatcher.releaseParked(name, [2]), 1)
  const again = new Subscriber(t, after.address, { kinds: [{ kind: FIRST }] })
  t.match(await again.take(1), [{ id: 2n, isRedelivered: true, event: { value: { imsi: { value: '242010000000002' } } } }], 'from its copy')
  t.same(await again.ask({ acknowledge: [{ kind: FIRST, ids: ids(2) }] }), [[OUTCOME_RESULT_ACKNOWLEDGED, [2]]])
  await after.stop()
  const last = await Bench.start(t, directory)
  t.match([last.dispatcher.parked(name), last.dispatcher.queues()], [[], [{ parked: 0, waiting: 0 }]])
})

t.test('the queue is the same one that the contract reads', async t => {
  const bench = await Bench.start(t)
  const old = new TestStream(t, bench.address, 'first-attachment', { streamType: { $case: 'durableQueue', value: { customName: 'q' } }, maxInFlight: 1 })
  await old.ready
  const client = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }], queue: { $case: 'durableQueue', value: 'q' } })
  t.match(await client.opened, { kinds: [{ startPositionUsed: false }] })
  await bench.see(...attachments(3))
  const oldEvent = await old.next()
  const events = await client.take(2)
  t.same([...idsOf([oldEvent]), ...eventIds(events)].sort(), [1, 2, 3])
  client.cancel()
  t.ok(await old.ack(oldEvent))
  t.same(idsOf([await old.next()]), [Math.min(...eventIds(events))], 'what one leaves the other gets')
})

t.test('a regular subscription has a position of its own', async t => {
  const bench = await Bench.start(t)
  await bench.see(...attachments(2))
  const client = new Subscriber(t, bench.address, {
    kinds: [{ kind: FIRST, startPosition: { $case: 'startAtOldestPossible', value: {} } }], queue: { $case: 'regular', value: {} }
  })
  t.same(eventIds(await client.take(2)), [1, 2])
  t.same(await client.ask({ acknowledge: [{ kind: FIRST, ids: ids(1) }] }), [[OUTCOME_RESULT_ACKNOWLEDGED, [1]]])
  t.match(bench.dispatcher.queues(), [{ durable: false, waiting: 0, inFlight: 1 }])
})

t.test('bad requests end the stream with the field and its bound, and leave nothing behind', async t => {
  const bench = await Bench.start(t)
  const refusal = async (settings: Settings): Promise<string> => {
    const { code, details } = await new Subscriber(t, bench.address, settings).ended
    t.equal(code, status.INVALID_ARGUMENT)
    return details
  }
  t.match(await refusal({}), /settings\.kinds is empty/)
  t.match(await refusal({ kinds: [{ kind: FIRST }, { kind: FIRST }] }), /names a kind twice/)
  t.match(await refusal({ kinds: [{ kind: FIRST }, { kind: 9 as EventKind }] }), /kinds\[1\]\.kind is 9, which is no kind/)
  t.match(await refusal({ kinds: [{ kind: FIRST }], maxInFlight: 1_001 }), /max_in_flight is 1001, it may be 1 to 1000/)
  t.match(await refusal({ kinds: [{ kind: FIRST }], maxDeliveries: 1_001 }), /max_deliveries is 1001/)
  t.match(await refusal({ kinds: [{ kind: FIRST }], ackTimeout: { seconds: 1n, nanos: 0 } }), /ack_timeout is 1 s, it may be 10 s to 600 s/)
  const tooFar = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }, { kind: COUNTRY, startPosition: { $case: 'startAtId', value: 5n } }] })
  t.match(await tooFar.ended, { code: status.OUT_OF_RANGE })
  t.same(bench.dispatcher.queues(), [], 'no queue was made for either kind')
  const unsettled = new Subscriber(t, bench.address, undefined)
  unsettled.say({ acknowledge: [{ kind: FIRST, ids: ids(1) }] })
  t.match(await unsettled.ended, { code: status.INVALID_ARGUMENT, details: /settings is missing/ })
  const twice = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }] })
  await twice.opened
  twice.say({ settings: SubscribeSettings.fromPartial({ kinds: [{ kind: FIRST }] }) })
  t.match(await twice.ended, { code: status.INVALID_ARGUMENT, details: /first message only/ })
  const greedy = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }] })
  await greedy.opened
  greedy.say({ acknowledge: [{ kind: FIRST, ids: Array.from({ length: 10_001 }, (_, id) => BigInt(id)) }] })
  t.match(await greedy.ended, { code: status.INVALID_ARGUMENT, details: /10001 ids/ })
  const slow = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }] })
  await slow.opened
  slow.say({ return: [{ kind: FIRST, ids: ids(1), delay: { seconds: 3_601n, nanos: 0 } }] })
  t.match(await slow.ended, { code: status.INVALID_ARGUMENT, details: /return\[0\]\.delay is 3601 s, it may be 0 s to 3600 s/ })
})

t.test('a client that says nothing is not waited for', async t => {
  const bench = await Bench.start(t)
  const silent = new Subscriber(t, bench.address, undefined)
  const other = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }] })
  await other.opened
  bench.clock.advance(10_000)
  t.match(await silent.ended, { code: status.INVALID_ARGUMENT, details: /no settings came within 10 s/ })
})

t.test('before the server ends a stream, what it has read is committed and answered', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory)
  const client = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }], maxInFlight: 200 })
  await client.opened
  await bench.see(...attachments(200))
  const events = await client.take(200)
  for (const { id } of events) client.say({ acknowledge: [{ kind: FIRST, ids: [id] }] })
  // The first answer shows that the server reads; the end comes in the middle of the others.
  while (client.outcomes.length === 0) await new Promise(resolve => setImmediate(resolve))
  await bench.stop()
  t.match(await client.ended, { code: status.UNAVAILABLE })
  const answered = client.outcomes.flat().filter(({ result }) => result === OUTCOME_RESULT_ACKNOWLEDGED).flatMap(({ ids }) => ids.map(Number))
  const after = await Bench.start(t, directory)
  const [report] = after.dispatcher.queues()
  t.equal(report!.waiting, 200 - answered.length, `${answered.length} were answered, and just those are stored`)
})

t.test('a stream that the client ends, ends well', async t => {
  const bench = await Bench.start(t)
  const client = new Subscriber(t, bench.address, { kinds: [{ kind: FIRST }] })
  await client.opened
  await bench.see(...attachments(1))
  await client.take(1)
  client.say({ acknowledge: [{ kind: FIRST, ids: ids(1) }] })
  client.finish()
  t.match(await client.ended, { code: status.OK })
  t.match(client.outcomes, [[{ result: OUTCOME_RESULT_ACKNOWLEDGED, ids: [1n] }]], 'its last word was answered')
})

t.test('tokens of the contract are acknowledged by the hundred, in one commit', async t => {
  const bench = await Bench.start(t)
  const stream = new TestStream(t, bench.address, 'first-attachment', { maxInFlight: 200 })
  await stream.ready
  await bench.see(...attachments(150))
  const tokens = (await stream.take(150)).map(({ metadata }) => metadata!.ackInfo!.value)
  const client = new EventServiceClient(bench.address, credentials.createInsecure())
  t.teardown(() => { client.close() })
  const acknowledge = async (tokens: string[]): Promise<OutcomeResult[]> => await new Promise((resolve, reject) => {
    client.acknowledge({ tokens }, (error, answer) => { if (error === null) resolve(answer.results); else reject(error) })
  })
  t.same(new Set(await acknowledge(tokens)), new Set([OUTCOME_RESULT_ACKNOWLEDGED]))
  t.same(await acknowledge([tokens[7]!]), [OUTCOME_RESULT_ALREADY])
  t.match(bench.dispatcher.queues(), [{ waiting: 0, inFlight: 0 }])
  await t.rejects(acknowledge([]), { code: status.INVALID_ARGUMENT, details: /0 entries, it may have 1 to 1000/ })
  await t.rejects(acknowledge(['x']), { code: status.INVALID_ARGUMENT, details: /not a token of this server/ })
})
