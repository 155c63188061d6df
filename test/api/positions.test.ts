import t from 'tap'
import { status } from '@grpc/grpc-js'
import type { StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import { START, ulr } from '../lib/sightings.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { attachments, Bench, idsOf, TestStream } from './bench.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

type Start = StreamConfiguration['startPosition']

const OLDEST: Start = { $case: 'startAtOldestPossible', value: {} }
const atId = (id: number): Start => ({ $case: 'startAtId', value: BigInt(id) })
const atTime = (ms: number): Start => ({ $case: 'startAtTimestamp', value: { seconds: BigInt(Math.floor(ms / 1000)), nanos: ms % 1000 * 1e6 } })
const named = (customName: string): Partial<StreamConfiguration> => ({ streamType: { $case: 'durableQueue', value: { customName } } })
const REGULAR: Partial<StreamConfiguration> = { streamType: { $case: 'regular', value: {} } }

/** A log of ten first attachments, each recorded an hour after the one before. */
async function tenHours (bench: Bench): Promise<void> {
  for (let n = 1; n <= 10; n++) {
    await bench.see(...attachments(1, n))
    bench.clock.advance(HOUR_MS)
  }
}

t.test('a queue begins where it was told to, if it has no position', async t => {
  const bench = await Bench.start(t)
  const begin = bench.clock.now()
  await tenHours(bench)
  const first = async (name: string, startPosition: Start): Promise<number> => {
    const stream = new TestStream(t, bench.address, 'first-attachment', { ...named(name), startPosition })
    t.same((await stream.ready).get('landfall-start-position'), [], 'it is used')
    return idsOf([await stream.next()])[0]!
  }
  t.equal(await first('oldest', OLDEST), 1)
  t.equal(await first('id', atId(7)), 7)
  t.equal(await first('time', atTime(begin + 3 * HOUR_MS)), 4, 'recorded at that moment')
  t.equal(await first('between', atTime(begin + 3 * HOUR_MS + 1)), 5)
  const fresh = new TestStream(t, bench.address, 'first-attachment', { ...named('new'), startPosition: { $case: 'startAtNew', value: {} } })
  await fresh.ready
  const next = new TestStream(t, bench.address, 'first-attachment', { ...named('next'), startPosition: atId(11) })
  await next.ready
  await bench.see(...attachments(1, 11))
  t.same(idsOf([await fresh.next(), await next.next()]), [11, 11], 'the one after the newest is a position, too')
})

t.test('a start position that is not used is said, and the stored one counts', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory)
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  await bench.see(...attachments(3))
  const [event] = await stream.take(3)
  await stream.ack(event!)
  await bench.stop()
  const after = await Bench.start(t, directory)
  const again = new TestStream(t, after.address, 'first-attachment', { startPosition: OLDEST })
  t.same((await again.ready).get('landfall-start-position'), ['unused'])
  t.same(idsOf(await again.take(2)), [2, 3])
})

t.test('positions that are not held are refused with the oldest id', async t => {
  const bench = await Bench.start(t)
  const begin = bench.clock.now()
  await tenHours(bench)
  await bench.retain({ before: begin + 4 * HOUR_MS, maxBytes: Infinity })
  const refusal = async (startPosition: Start, code: status, oldest: string[], details: RegExp): Promise<void> => {
    const end = await new TestStream(t, bench.address, 'first-attachment', { startPosition }).ended
    t.match([end.code, end.details], [code, details])
    t.same(end.metadata?.get('landfall-oldest-id'), oldest)
  }
  await refusal(atId(4), status.OUT_OF_RANGE, ['5'], /event 4 is no longer held: the oldest is 5/)
  await refusal(atId(12), status.OUT_OF_RANGE, ['5'], /start_at_id is 12, and the newest event is 10/)
  await refusal(atTime(begin + 3 * HOUR_MS), status.OUT_OF_RANGE, ['5'], /no longer held.*The oldest event is 5/)
  await refusal(atId(0), status.INVALID_ARGUMENT, [], /ids begin at 1/)
  await refusal({ $case: 'startAtTimestamp', value: { seconds: 0n, nanos: -1 } }, status.INVALID_ARGUMENT, [], /no time of the years/)
  t.same(bench.dispatcher.queues(), [], 'no queue was made')
  const oldest = new TestStream(t, bench.address, 'first-attachment', { startPosition: OLDEST })
  t.same(idsOf([await oldest.next()]), [5])
  const later = new TestStream(t, bench.address, 'first-attachment', { ...named('later'), startPosition: atTime(begin + 3 * HOUR_MS + 1) })
  t.same(idsOf([await later.next()]), [5], 'nothing after that moment is gone')
})

t.test('what retention takes from a stored position is counted and told', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory)
  const begin = bench.clock.now()
  await tenHours(bench)
  // Opened only now: a stream ends at its age, and these hours are more than that.
  const stream = new TestStream(t, bench.address, 'first-attachment', { maxInFlight: 2, startPosition: OLDEST })
  const [, second] = await stream.take(2)
  t.ok(await stream.ack(second!))
  await bench.retain({ before: begin + 4 * HOUR_MS, maxBytes: Infinity })
  t.match(bench.dispatcher.queues(), [{ missed: 3 }], 'the first, third and fourth')
  for (const restarted of [false, true]) {
    if (restarted) await bench.stop()
    const now = restarted ? await Bench.start(t, directory) : bench
    const again = new TestStream(t, now.address, 'first-attachment')
    const headers = await again.ready
    t.same([headers.get('landfall-missed-events'), headers.get('landfall-missed-up-to-id')], [['3'], ['4']])
  }
})

t.test('retention by size takes the oldest first', async t => {
  const bench = await Bench.start(t)
  await bench.see(...attachments(2_000))
  await bench.retain({ before: 0, maxBytes: 1 << 30 })
  const oldest = new TestStream(t, bench.address, 'first-attachment', { ...REGULAR, startPosition: OLDEST })
  t.same(idsOf([await oldest.next()]), [1])
  await bench.retain({ before: 0, maxBytes: 0 })
  const end = await new TestStream(t, bench.address, 'first-attachment', { ...REGULAR, startPosition: atId(1) }).ended
  t.match(end, { code: status.OUT_OF_RANGE })
})

t.test('every regular stream sees every event, and is forgotten when it ends', async t => {
  const bench = await Bench.start(t)
  await bench.see(...attachments(2))
  const streams = [new TestStream(t, bench.address, 'first-attachment', REGULAR), new TestStream(t, bench.address, 'first-attachment', { ...REGULAR, startPosition: OLDEST })]
  for (const stream of streams) await stream.ready
  await bench.see(...attachments(2, 3))
  const [events, all] = [await streams[0]!.take(2), await streams[1]!.take(4)]
  t.same([idsOf(events), idsOf(all)], [[3, 4], [1, 2, 3, 4]])
  t.ok(await streams[0]!.ack(events[0]!))
  bench.clock.advance(30_000)
  t.match((await streams[0]!.next()).metadata, { eventId: 4n, isRedelivered: true }, 'what is not acknowledged comes again')
  t.match(bench.dispatcher.queues(), [{ durable: false }, { durable: false }])
  streams[0]!.close()
  while (bench.dispatcher.queues().length > 1) await new Promise(resolve => setImmediate(resolve))
  t.ok(await streams[1]!.ack(events[1]!), 'a token that outlives its stream is fine')
  const again = new TestStream(t, bench.address, 'first-attachment', REGULAR)
  await again.ready
  await bench.see(...attachments(1, 5))
  t.same(idsOf([await again.next()]), [5], 'nothing is remembered')
})

t.test('a queue that nobody reads is forgotten after its time, and not before', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory, { delivery: { idle_queue_hours: 2 } })
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  bench.clock.advance(66 * 60_000 + 1)
  t.equal((await stream.ended).code, status.UNAVAILABLE, 'the stream has reached its age')
  await bench.see(...attachments(1))
  bench.clock.advance(HOUR_MS)
  t.equal(bench.dispatcher.queues().length, 1)
  await bench.stop()

  const after = await Bench.start(t, directory, { delivery: { idle_queue_hours: 2 } })
  after.clock.jump(DAY_MS)
  after.clock.advance(59 * 60_000)
  t.equal(after.dispatcher.queues().length, 1, 'a clock that jumps ahead does not shorten it')
  const back = new TestStream(t, after.address, 'first-attachment')
  t.same(idsOf([await back.next()]), [1], 'a client back within the hour has lost nothing')
  back.close()
  while (after.dispatcher.queues()[0]!.connections > 0) await new Promise(resolve => setImmediate(resolve))
  after.clock.advance(2 * HOUR_MS + 60_000)
  t.same(after.dispatcher.queues(), [])
})

t.test('a paused queue is kept, sends nothing, and goes on where it was', async t => {
  const bench = await Bench.start(t, undefined, { delivery: { idle_queue_hours: 1 } })
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  const name = { tenant: 1, client: 'local', kind: 'first-attachment' as const, name: '' }
  t.ok(await bench.dispatcher.pause(name, true))
  await bench.see(...attachments(2))
  t.match(bench.dispatcher.queues(), [{ state: 'paused', waiting: 2, connections: 1 }])
  stream.close()
  bench.clock.advance(DAY_MS)
  const again = new TestStream(t, bench.address, 'first-attachment')
  await again.ready
  t.equal(again.pending, 0)
  t.ok(await bench.dispatcher.pause(name, false))
  t.same(idsOf(await again.take(2)), [1, 2])
  t.notOk(await bench.dispatcher.pause({ ...name, name: 'other' }, true), 'there is no such queue')
})

t.test('streams that differ share one queue', async t => {
  const bench = await Bench.start(t)
  const small = new TestStream(t, bench.address, 'first-attachment', { maxInFlight: 1 })
  const large = new TestStream(t, bench.address, 'first-attachment', {
    maxInFlight: 100, acknowledgeOption: { $case: 'customAckTimeout', value: { seconds: 600n, nanos: 0 } }
  })
  await small.ready
  await large.ready
  await bench.see(...attachments(11))
  t.same([(await small.take(1)).length, (await large.take(10)).length], [1, 10])
  bench.clock.advance(30_000)
  t.equal((await small.next()).metadata!.isRedelivered, true)
  t.equal(large.pending, 0, 'its timeout is its own')
})

t.test('streams end after their age, each at its own moment, and what was in flight comes again at once', async t => {
  const bench = await Bench.start(t)
  const streams = Array.from({ length: 20 }, () => new TestStream(t, bench.address, 'first-attachment', named('aged')))
  for (const stream of streams) await stream.ready
  await bench.see(ulr({ time: START }))
  const ends = Promise.all(streams.map(async stream => await stream.ended))
  bench.clock.advance(54 * 60_000 - 1)
  t.equal(bench.dispatcher.queues()[0]!.connections, 20, 'none ends before 54 minutes')
  bench.clock.advance(6 * 60_000)
  const half = bench.dispatcher.queues()[0]!.connections
  t.ok(half > 0 && half < 20, `${half} of 20 are left after an hour`)
  bench.clock.advance(6 * 60_000 + 1)
  t.ok((await ends).every(({ code, details }) => code === status.UNAVAILABLE && details.includes('connect again')))
  t.match(bench.dispatcher.queues(), [{ waiting: 1, inFlight: 0, state: 'no connection' }])
})
