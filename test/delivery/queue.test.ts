import t from 'tap'
import { Queue, type Delivery } from '../../agent/delivery/queue.ts'
import { random, seed } from '../lib/seed.ts'

const SETTINGS = { window: 2, ackTimeoutMs: 30_000 }

/** A queue that began at the start of a log of `head` events, with its first ids reserved. */
function queueOf (head: number): Queue {
  const queue = new Queue({ floor: 0, ranges: [], reserved: 0 }, head)
  queue.saved(queue.position())
  return queue
}

/** Everything that can be sent now. */
function drain (queue: Queue, now: number): Delivery[] {
  const sent: Delivery[] = []
  for (let delivery; (delivery = queue.next(now)) !== undefined;) sent.push(delivery)
  return sent
}

t.test('sends in order up to the window, and more as acknowledgements come', async t => {
  const queue = queueOf(3)
  queue.open(1, SETTINGS)
  t.same(drain(queue, 0).map(({ id, redelivered }) => [id, redelivered]), [[1, false], [2, false]])
  t.equal(queue.ack(1), 'acknowledged')
  t.equal(queue.ack(1), 'already')
  t.equal(queue.ack(3), 'unknown', 'it was not delivered yet')
  t.same(drain(queue, 0).map(({ id }) => id), [3])
})

t.test('sends again after the deadline and not before, redeliveries first', async t => {
  const queue = queueOf(3)
  queue.open(1, SETTINGS)
  drain(queue, 0)
  t.equal(queue.deadline, 30_000)
  queue.expire(29_999)
  t.same(drain(queue, 29_999), [])
  queue.expire(30_000)
  t.same(drain(queue, 30_000), [
    { stream: 1, id: 1, attempt: 2, redelivered: true },
    { stream: 1, id: 2, attempt: 2, redelivered: true }
  ])
})

t.test('a stream that ends gives back what it had, at once', async t => {
  const queue = queueOf(4)
  queue.open(1, SETTINGS)
  queue.open(2, SETTINGS)
  const first = drain(queue, 0)
  t.same(first.map(({ stream, id }) => [stream, id]), [[1, 1], [2, 2], [1, 3], [2, 4]], 'streams share')
  queue.close(1)
  t.equal(queue.ack(2), 'acknowledged')
  t.same(drain(queue, 1), [{ stream: 2, id: 1, attempt: 2, redelivered: true }])
  t.equal(queue.ack(3), 'acknowledged', 'a late acknowledgement counts')
  t.equal(queue.ack(4), 'acknowledged')
  t.same(drain(queue, 1), [], 'and is not sent again')
  t.equal(queue.position().floor, 0)
  t.same(queue.position().ranges, [{ from: 2, to: 4 }])
})

t.test('after a crash, what may have been seen is sent again and marked', async t => {
  const queue = queueOf(10)
  queue.open(1, { ...SETTINGS, window: 200 })
  drain(queue, 0)
  queue.ack(1)
  queue.ack(3)
  const position = queue.position()
  const loaded = new Queue(position, 10)
  t.equal(loaded.ack(2), 'acknowledged', 'its token is still good')
  loaded.open(1, { ...SETTINGS, window: 3 })
  t.same(drain(loaded, 0).map(({ id, redelivered }) => [id, redelivered]), [[4, true], [5, true], [6, true]])
})

t.test('after an orderly stop, what was never sent is not marked', async t => {
  const queue = queueOf(10)
  queue.open(1, SETTINGS)
  drain(queue, 0)
  queue.close(1)
  const loaded = new Queue(queue.restingPosition(), 10)
  loaded.saved(loaded.position())
  loaded.open(1, { ...SETTINGS, window: 3 })
  t.same(drain(loaded, 0).map(({ id, redelivered }) => [id, redelivered]), [[1, true], [2, true], [3, false]])
})

t.test('nothing is sent that is not reserved on disk', async t => {
  const queue = new Queue({ floor: 0, ranges: [], reserved: 0 }, 5)
  queue.open(1, SETTINGS)
  t.same(drain(queue, 0), [])
  t.ok(queue.unsaved)
  queue.saved(queue.position())
  t.equal(drain(queue, 0).length, 2)
})

t.test('a blocked stream gets nothing, others go on', async t => {
  const queue = queueOf(4)
  queue.open(1, SETTINGS)
  queue.open(2, SETTINGS)
  queue.block(1, true)
  t.same(drain(queue, 0).map(({ stream }) => stream), [2, 2])
  queue.block(1, false)
  t.same(drain(queue, 0).map(({ stream }) => stream), [1, 1])
})

/**
 * Random histories against the promises: no window is overrun, nothing acknowledged is sent again, nothing is sent again before its
 * deadline unless its stream ended, and in the end everything has been delivered.
 */
t.test('a hundred thousand steps of random histories keep every promise', async t => {
  const next = random(seed(t))
  const below = (limit: number): number => next() % limit
  for (let history = 0; history < 1_000; history++) {
    let queue = new Queue({ floor: 0, ranges: [], reserved: 0 }, 0)
    let stored = queue.position()
    let head = 0
    let now = 0
    let streams = 0
    const open = new Map<number, { window: number, timeout: number }>()
    const flying = new Map<number, { stream: number, at: number }>()
    const acknowledged = new Set<number>()
    const fail = (what: string): never => { throw new Error(`history ${history}: ${what}`) }
    const deliver = (): void => {
      queue.expire(now)
      for (const [id, { stream, at }] of flying) if (now - at >= open.get(stream)!.timeout) flying.delete(id)
      for (let delivery; (delivery = queue.next(now)) !== undefined;) {
        const { stream, id } = delivery
        if (acknowledged.has(id)) fail(`${id} was sent after its acknowledgement`)
        if (flying.has(id)) fail(`${id} was sent twice within its deadline`)
        if (id > head) fail(`${id} does not exist`)
        flying.set(id, { stream, at: now })
        const inFlight = [...flying.values()].filter(flight => flight.stream === stream).length
        if (inFlight > open.get(stream)!.window) fail(`stream ${stream} has ${inFlight} in flight`)
      }
    }
    for (let step = 0; step < 100; step++) {
      switch (below(8)) {
        case 0: head += below(20); queue.grew(head); break
        case 1: {
          const settings = { window: 1 + below(5), timeout: 10_000 * (1 + below(3)) }
          open.set(++streams, settings)
          queue.open(streams, { window: settings.window, ackTimeoutMs: settings.timeout })
          break
        }
        case 2: {
          const stream = [...open.keys()][0]
          if (stream === undefined) break
          open.delete(stream)
          queue.close(stream)
          for (const [id, flight] of flying) if (flight.stream === stream) flying.delete(id)
          break
        }
        case 3: now += below(15_000); break
        case 4: queue.saved(stored = queue.position()); break
        case 5:
          if (below(10) !== 0) break
          queue = new Queue(stored, head)
          open.clear()
          flying.clear()
          acknowledged.clear()
          for (let id = 1; id <= stored.floor; id++) acknowledged.add(id)
          for (const { from, to } of stored.ranges) for (let id = from; id <= to; id++) acknowledged.add(id)
          break
        default: {
          const ids = [...flying.keys()]
          const id = ids[below(ids.length + 1)]
          if (id === undefined) break
          if (queue.ack(id) !== 'acknowledged') fail(`${id} was in flight and its acknowledgement did not count`)
          acknowledged.add(id)
          flying.delete(id)
        }
      }
      deliver()
    }
    queue.open(++streams, { window: 200, ackTimeoutMs: 10_000 })
    open.set(streams, { window: 200, timeout: 10_000 })
    for (let round = 0; acknowledged.size < head; round++) {
      if (round > 1_000) fail(`${head - acknowledged.size} events never come`)
      now += 60_000
      queue.saved(queue.position())
      deliver()
      for (const id of [...flying.keys()]) { queue.ack(id); acknowledged.add(id); flying.delete(id) }
    }
    if (queue.position().floor !== head) fail('the floor is not at the head')
  }
  t.pass('every history ended with everything acknowledged once')
})
