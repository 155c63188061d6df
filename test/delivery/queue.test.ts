import t from 'tap'
import { Queue, type Delivery } from '../../agent/delivery/queue.ts'
import { StreamLoad, type StreamSettings } from '../../agent/delivery/stream-load.ts'
import { positionAfter } from '../../agent/store/queue-record.ts'
import { seed } from '../lib/seed.ts'
import { runHistory } from './history.ts'

/** Wall clock of every delivery here. */
const WALL = 1_000

/** A stream, by default with a window of 2 and 30 s to acknowledge. */
function load (settings: Partial<StreamSettings> = {}): StreamLoad {
  return new StreamLoad({ window: 2, ackTimeoutMs: 30_000, maxDeliveries: 0, ...settings })
}

/** A queue that began at the start of a log of `head` events, with its first ids reserved. */
function queueOf (head: number): Queue {
  const queue = new Queue(positionAfter(0), head)
  queue.saved(queue.snapshot())
  return queue
}

/** Everything that can be sent now. */
function drain (queue: Queue, now: number): Delivery[] {
  const sent: Delivery[] = []
  for (let delivery; (delivery = queue.next(now, WALL)) !== undefined;) sent.push(delivery)
  return sent
}

t.test('sends in order up to the window, and more as acknowledgements come', async t => {
  const queue = queueOf(3)
  queue.open(1, load())
  t.same(drain(queue, 0).map(({ id, redelivered }) => [id, redelivered]), [[1, false], [2, false]])
  t.equal(queue.ack(1), 'acknowledged')
  t.equal(queue.ack(1), 'already')
  t.equal(queue.ack(3), 'unknown', 'it was not delivered yet')
  t.same(drain(queue, 0).map(({ id }) => id), [3])
})

t.test('sends again after the deadline and not before, redeliveries first', async t => {
  const queue = queueOf(3)
  queue.open(1, load())
  drain(queue, 0)
  t.equal(queue.deadline, 30_000)
  queue.expire(29_999)
  t.same(drain(queue, 29_999), [])
  queue.expire(30_000)
  t.same(drain(queue, 30_000), [
    { stream: 1, id: 1, attempt: 2, firstAt: WALL, redelivered: true, copied: false },
    { stream: 1, id: 2, attempt: 2, firstAt: WALL, redelivered: true, copied: false }
  ])
})

t.test('what a stream let expire goes to another one that has as little to do', async t => {
  const queue = queueOf(2)
  queue.open(1, load())
  t.same(drain(queue, 0).map(({ stream, id }) => [stream, id]), [[1, 1], [1, 2]])
  queue.open(2, load())
  queue.ack(2)
  queue.expire(30_000)
  t.same(drain(queue, 30_000).map(({ stream, id }) => [stream, id]), [[2, 1]])
})

t.test('a stream that ends gives back what it had, at once', async t => {
  const queue = queueOf(4)
  queue.open(1, load())
  queue.open(2, load())
  const first = drain(queue, 0)
  t.same(first.map(({ stream, id }) => [stream, id]), [[1, 1], [2, 2], [1, 3], [2, 4]], 'streams share')
  queue.close(1)
  t.equal(queue.ack(2), 'acknowledged')
  t.match(drain(queue, 1), [{ stream: 2, id: 1, attempt: 2, redelivered: true }])
  t.equal(queue.ack(3), 'acknowledged', 'a late acknowledgement counts')
  t.equal(queue.ack(4), 'acknowledged')
  t.same(drain(queue, 1), [], 'and is not sent again')
  t.equal(queue.snapshot().position.floor, 0)
  t.same(queue.snapshot().position.ranges, [{ from: 2, to: 4 }])
})

t.test('after a crash, what may have been seen is sent again and marked', async t => {
  const queue = queueOf(10)
  queue.open(1, load({ window: 200 }))
  drain(queue, 0)
  queue.ack(1)
  queue.ack(3)
  const { position } = queue.snapshot()
  const loaded = new Queue(position, 10)
  t.equal(loaded.ack(2), 'acknowledged', 'its token is still good')
  loaded.open(1, load({ window: 3 }))
  t.same(drain(loaded, 0).map(({ id, redelivered }) => [id, redelivered]), [[4, true], [5, true], [6, true]])
})

t.test('after an orderly stop, what was never sent is not marked', async t => {
  const queue = queueOf(10)
  queue.open(1, load())
  drain(queue, 0)
  queue.close(1)
  const loaded = new Queue(queue.restingSnapshot().position, 10)
  loaded.saved(loaded.snapshot())
  loaded.open(1, load({ window: 3 }))
  t.same(drain(loaded, 0).map(({ id, redelivered }) => [id, redelivered]), [[1, true], [2, true], [3, false]])
})

t.test('nothing is sent that is not reserved on disk', async t => {
  const queue = new Queue(positionAfter(0), 5)
  queue.open(1, load())
  t.same(drain(queue, 0), [])
  t.ok(queue.unsaved)
  queue.saved(queue.snapshot())
  t.equal(drain(queue, 0).length, 2)
})

t.test('a blocked stream gets nothing, others go on', async t => {
  const queue = queueOf(4)
  const first = load()
  queue.open(1, first)
  queue.open(2, load())
  first.block(true)
  t.same(drain(queue, 0).map(({ stream }) => stream), [2, 2])
  first.block(false)
  t.same(drain(queue, 0).map(({ stream }) => stream), [1, 1])
})

t.test('an event that is given back comes again at once, or after its delay', async t => {
  const queue = queueOf(2)
  queue.open(1, load())
  drain(queue, 0)
  t.equal(queue.nack(1, 1, 0, 100), 'done')
  t.same(drain(queue, 100).map(({ id, attempt }) => [id, attempt]), [[1, 2]])
  t.equal(queue.nack(1, 2, 5_000, 100), 'done')
  queue.expire(5_099)
  t.same(drain(queue, 5_099), [])
  queue.expire(5_100)
  t.same(drain(queue, 5_100).map(({ id, firstAt }) => [id, firstAt]), [[2, WALL]])
  t.equal(queue.nack(2, 2, 0, 6_000), 'unknown', 'another stream cannot')
})

t.test('an extended deadline holds', async t => {
  const queue = queueOf(1)
  queue.open(1, load())
  drain(queue, 0)
  t.equal(queue.extend(1, 1, 60_000, 20_000), 'done')
  queue.expire(79_999)
  t.same(drain(queue, 79_999), [])
  queue.expire(80_000)
  t.equal(drain(queue, 80_000).length, 1)
  t.equal(queue.extend(1, 7, 60_000, 80_000), 'unknown')
})

t.test('an event sent too often is parked, and can be put back or dropped', async t => {
  const queue = queueOf(2)
  queue.open(1, load({ maxDeliveries: 2 }))
  drain(queue, 0)
  queue.expire(30_000)
  drain(queue, 30_000)
  queue.expire(60_000)
  t.same(drain(queue, 60_000), [])
  const { park, position } = queue.snapshot()
  t.same(park, [{ id: 1, attempts: 2, firstAt: WALL }, { id: 2, attempts: 2, firstAt: WALL }])
  t.same([position.floor, queue.stats().parked], [0, 2])
  t.equal(queue.retained(3), 0, 'retention does not take them')
  t.ok(queue.release(1))
  t.match(drain(queue, 60_001), [{ id: 1, redelivered: true, copied: true }])
  t.ok(queue.drop(2))
  t.equal(queue.ack(1), 'acknowledged')
  const after = queue.snapshot()
  t.same([after.position.floor, [...after.unpark].sort()], [2, [1, 2]])
})

t.test('an event that is parked again and put back at once keeps its copy', async t => {
  const queue = queueOf(1)
  queue.open(1, load({ maxDeliveries: 1 }))
  drain(queue, 0)
  queue.expire(30_000)
  queue.snapshot()
  t.ok(queue.release(1))
  drain(queue, 30_000)
  queue.expire(60_000)
  t.equal(queue.stats().parked, 1)
  t.ok(queue.release(1), 'before the second parking was stored')
  t.equal(queue.retained(2), 0)
  t.match(drain(queue, 60_000), [{ id: 1, copied: true }])
})

t.test('what retention takes is counted, once', async t => {
  const queue = queueOf(10)
  queue.open(1, load({ window: 3 }))
  drain(queue, 0)
  queue.ack(2)
  t.equal(queue.retained(6), 4)
  t.equal(queue.retained(6), 0)
  t.same(queue.missed, { count: 4, upTo: 5 })
  t.same(drain(queue, 1).map(({ id }) => id), [6, 7, 8])
  t.match(new Queue(queue.snapshot().position, 10).missed, { count: 4, upTo: 5 })
})

t.test('a paused queue sends nothing and takes acknowledgements', async t => {
  const queue = queueOf(3)
  queue.open(1, load())
  drain(queue, 0)
  queue.paused = true
  t.equal(queue.ack(1), 'acknowledged')
  t.same(drain(queue, 1), [])
  t.equal(queue.stats().state, 'paused')
  const loaded = new Queue(queue.snapshot().position, 3)
  t.ok(loaded.paused, 'over a restart, too')
  queue.paused = false
  t.same(drain(queue, 1).map(({ id }) => id), [3])
})

t.test('why a queue does not move is said', async t => {
  const queue = queueOf(0)
  t.equal(queue.stats().state, 'nothing waits')
  queue.grew(5)
  t.equal(queue.stats().state, 'no connection')
  const one = load()
  queue.open(1, one)
  t.equal(queue.stats().state, 'moving')
  one.block(true)
  t.equal(queue.stats().state, 'client does not read')
  one.block(false)
  drain(queue, 0)
  t.equal(queue.stats().state, 'window full')
})

t.test('one stream on two queues has one window', async t => {
  const queues = [queueOf(5), queueOf(5)] as const
  const shared = load({ window: 3 })
  for (const queue of queues) queue.open(1, shared)
  t.same([drain(queues[0], 0).length, drain(queues[1], 0).length], [3, 0])
  queues[0].ack(2)
  t.same([drain(queues[1], 0).length, drain(queues[0], 0).length], [1, 0])
})

t.test('an id alone acknowledges only what this process has sent', async t => {
  const loaded = new Queue({ ...positionAfter(0), reserved: 5 }, 3)
  t.equal(loaded.ack(2, false), 'unknown')
  t.equal(loaded.ack(4), 'unknown', 'it does not exist yet')
  t.equal(loaded.ack(2), 'acknowledged', 'a token proves it')
})

t.test('thousands of random histories keep every promise', async t => {
  const first = seed(t)
  const count = Number(process.env.HISTORIES ?? 2_000)
  for (let n = 0; n < count; n++) runHistory(first + n)
  t.pass(`${count} histories`)
})

t.test('the check of histories sees a queue that breaks its promises', async t => {
  for (const sabotage of ['forgets acknowledgements', 'window too wide', 'resends early'] as const) {
    let seen = 0
    for (let seed = 1; seed <= 50; seed++) try { runHistory(seed, sabotage) } catch { seen++ }
    t.ok(seen > 5, `${sabotage}: seen in ${seen} of 50`)
  }
})

t.test('deadlines of very many events in flight cost what is due, not what is there', async t => {
  const events = 100_000
  const ackTimeoutMs = 600_000
  const queue = new Queue(positionAfter(0), events)
  queue.saved({ ...queue.snapshot(), position: { ...positionAfter(0), reserved: events } })
  queue.open(1, load({ window: events, ackTimeoutMs }))
  // One deadline after the other, a millisecond apart.
  for (let now = 0; now < events; now++) queue.next(now, WALL)
  const again: number[] = []
  const start = performance.now()
  for (let now = 0; now < events; now++) {
    queue.expire(ackTimeoutMs + now)
    again.push(queue.next(ackTimeoutMs + now, WALL)?.id ?? 0)
  }
  // Looking at all of them each time takes minutes.
  t.ok(performance.now() - start < 10_000)
  t.ok(again.every((id, index) => id === index + 1), 'each comes again when it is due')
})
