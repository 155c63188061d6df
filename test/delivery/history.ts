import { Queue, type Delivery, type QueueSnapshot } from '../../agent/delivery/queue.ts'
import { StreamLoad, type StreamSettings } from '../../agent/delivery/stream-load.ts'
import { positionAfter, type QueuePosition } from '../../agent/store/queue-record.ts'
import { random } from '../lib/seed.ts'

/** What the model knows of one event. Exactly one of these, always. */
type Fate =
  { is: 'new' } |
  { is: 'flying', stream: number, due: number } |
  { is: 'waiting' } |
  { is: 'held', until: number } |
  { is: 'parked' } |
  { is: 'done' }

const STEPS = 120
const DAY_MS = 86_400_000

/** Broken on purpose: see `runHistory`. */
export type Sabotage = 'forgets acknowledgements' | 'window too wide' | 'resends early'

class Broken extends Error {}

/** One queue and what ought to be true of it. */
class Modelled {
  queue: Queue
  head = 0
  readonly fates = new Map<number, Fate>()
  /** Acknowledgements that were answered: they stand whatever happens. */
  readonly answered = new Set<number>()
  #acknowledged: number[] = []
  #stored: QueuePosition = positionAfter(0)
  readonly #copies = new Map<number, { id: number, released: boolean }>()
  missed = 0

  constructor () {
    this.queue = new Queue(this.#stored, 0)
    this.save()
  }

  fate (id: number): Fate { return this.fates.get(id)! }

  grow (count: number): void {
    for (let n = 0; n < count; n++) this.fates.set(++this.head, { is: 'new' })
    this.queue.grew(this.head)
  }

  done (id: number): void {
    this.fates.set(id, { is: 'done' })
    this.#acknowledged.push(id)
  }

  /** One commit: everything acknowledged before it is answered. */
  save (): void {
    const snapshot = this.queue.snapshot()
    this.#store(snapshot)
    this.queue.saved(snapshot)
    for (const id of this.#acknowledged.splice(0)) this.answered.add(id)
  }

  #store ({ position, park, released, unpark }: QueueSnapshot): void {
    this.#stored = position
    for (const { id } of park) this.#copies.set(id, { id, released: false })
    for (const id of released) if (this.#copies.has(id)) this.#copies.set(id, { id, released: true })
    for (const id of unpark) this.#copies.delete(id)
  }

  /** The process ends without a word: what was not stored never was. */
  crash (): void {
    this.queue = new Queue(this.#stored, this.head, [...this.#copies.values()].sort((a, b) => a.id - b.id))
    this.#acknowledged = []
    const { floor, ranges } = this.#stored
    for (const [id, fate] of this.fates) {
      const stood = id <= floor || ranges.some(({ from, to }) => id >= from && id <= to)
      if (stood) this.fates.set(id, { is: 'done' })
      else if (this.#copies.get(id)?.released === false) this.fates.set(id, { is: 'parked' })
      else if (fate.is !== 'new') this.fates.set(id, { is: 'waiting' })
    }
    this.missed = this.#stored.missed
  }

  retain (oldest: number): void {
    let expected = 0
    for (let id = 1; id < oldest; id++) {
      if (this.fate(id).is === 'done' || this.#copied(id)) continue
      this.fates.set(id, { is: 'done' })
      expected++
    }
    const missed = this.queue.retained(oldest)
    if (missed !== expected) throw new Broken(`retention took ${expected} events and ${missed} were counted`)
    this.missed += missed
    if (this.queue.missed.count !== this.missed) throw new Broken(`${this.missed} events were missed and ${this.queue.missed.count} are told`)
  }

  /** Whether the queue has a copy, stored or about to be. */
  #copied (id: number): boolean { return this.fate(id).is === 'parked' || this.#copies.has(id) }
}

/**
 * One random history of two queues and the streams that read them, one or both, checked at every step. Throws where a promise is broken:
 * the window of a stream is never overrun, resends and all queues included; every event is exactly one of acknowledged, parked, in flight,
 * waiting or not sent; nothing comes again before its deadline, or once its acknowledgement was answered, a crash between or not; who is
 * least loaded is served; in the end everything was delivered. `sabotage` breaks the queue's surroundings, to see that the checks see.
 */
export function runHistory (seed: number, sabotage?: Sabotage): void {
  const next = random(seed)
  const below = (limit: number): number => next() % limit
  const queues = [new Modelled(), new Modelled()]
  const open = new Map<number, { load: StreamLoad, settings: StreamSettings, reads: Modelled[] }>()
  let now = 0
  let streams = 0

  const fail = (what: string): never => { throw new Broken(`seed ${seed}: ${what}`) }
  const inFlight = (stream: number): number => {
    let count = 0
    for (const queue of queues) for (const fate of queue.fates.values()) if (fate.is === 'flying' && fate.stream === stream) count++
    return count
  }
  /** What an event becomes that comes back. */
  const back = (settings: StreamSettings, attempts: number): Fate =>
    settings.maxDeliveries > 0 && attempts >= settings.maxDeliveries ? { is: 'parked' } : { is: 'waiting' }
  const attempts = new Map<Modelled, Map<number, number>>(queues.map(queue => [queue, new Map()]))

  const check = (queue: Modelled, delivery: Delivery): void => {
    const { id, stream, attempt } = delivery
    const fate = queue.fate(id)
    if (id > queue.head) fail(`event ${id} does not exist`)
    if (queue.answered.has(id)) fail(`event ${id} came again after its acknowledgement was answered`)
    if (fate.is !== 'new' && fate.is !== 'waiting') fail(`event ${id} was sent while it is ${fate.is}`)
    if (fate.is === 'waiting' && !delivery.redelivered) fail(`event ${id} came again without a mark`)
    const before = attempts.get(queue)!.get(id)
    if (before !== undefined && attempt !== before + 1) fail(`event ${id} counts ${attempt} after ${before} deliveries`)
    attempts.get(queue)!.set(id, attempt)
    const { settings, load } = open.get(stream)!
    const share = (inFlight(stream)) / settings.window
    for (const [other, { settings: theirs, load: loaded, reads }] of open) {
      if (other === stream || !reads.includes(queue) || (!loaded.free && loaded !== load)) continue
      if (inFlight(other) < theirs.window && inFlight(other) / theirs.window < share) fail(`stream ${stream} was served before ${other}, which has less`)
    }
    queue.fates.set(id, { is: 'flying', stream, due: now + settings.ackTimeoutMs })
    if (inFlight(stream) > settings.window) fail(`stream ${stream} has ${inFlight(stream)} in flight`)
  }

  const deliver = (): void => {
    for (const queue of queues) {
      for (const [id, fate] of queue.fates) {
        if (fate.is === 'held' && fate.until <= now) queue.fates.set(id, { is: 'waiting' })
        if (fate.is === 'flying' && fate.due <= now) queue.fates.set(id, back(open.get(fate.stream)!.settings, attempts.get(queue)!.get(id)!))
      }
      queue.queue.expire(sabotage === 'resends early' ? now + 5_000 : now)
    }
    for (let more = true; more;) {
      more = false
      for (const queue of queues) {
        for (let turn = 0; turn < 3; turn++) {
          const delivery = queue.queue.next(now, DAY_MS + now)
          if (delivery === undefined) break
          check(queue, delivery)
          more = true
        }
      }
    }
  }

  const pick = <T>(items: readonly T[]): T | undefined => items[below(items.length + 1)]
  const flyingIn = (queue: Modelled): [number, Fate & { is: 'flying' }][] =>
    [...queue.fates].filter((entry): entry is [number, Fate & { is: 'flying' }] => entry[1].is === 'flying')

  const steps: ((queue: Modelled) => void)[] = [
    queue => { queue.grow(below(20)) },
    queue => {
      const settings = { window: 1 + below(6), ackTimeoutMs: 10_000 * (1 + below(3)), maxDeliveries: below(3) === 0 ? 1 + below(4) : 0 }
      const load = new StreamLoad(sabotage === 'window too wide' ? { ...settings, window: settings.window + 1 } : settings)
      const reads = below(2) === 0 ? queues : [queue]
      open.set(++streams, { load, settings, reads })
      for (const read of reads) read.queue.open(streams, load)
    },
    () => {
      const stream = pick([...open.keys()])
      if (stream === undefined) return
      const { settings, reads } = open.get(stream)!
      for (const read of reads) {
        for (const [id, fate] of read.fates) {
          if (fate.is === 'flying' && fate.stream === stream) read.fates.set(id, back(settings, attempts.get(read)!.get(id)!))
        }
        read.queue.close(stream)
      }
      open.delete(stream)
    },
    () => { now += below(15_000) },
    queue => { queue.save() },
    queue => {
      if (below(8) !== 0) return
      for (const queue of queues) queue.crash()
      open.clear()
      for (const counts of attempts.values()) counts.clear()
      if (sabotage === 'forgets acknowledgements') queue.queue = new Queue({ ...positionAfter(0), reserved: queue.head }, queue.head)
    },
    queue => {
      const flight = pick(flyingIn(queue))
      if (flight === undefined) return
      const [id, { stream }] = flight
      const delay = below(3) * 7_000
      if (queue.queue.nack(stream, id, delay, now) !== 'done') fail(`event ${id} could not be given back`)
      const becomes = back(open.get(stream)!.settings, attempts.get(queue)!.get(id)!)
      queue.fates.set(id, becomes.is === 'waiting' && delay > 0 ? { is: 'held', until: now + delay } : becomes)
    },
    queue => {
      const flight = pick(flyingIn(queue))
      if (flight === undefined) return
      const [id, { stream }] = flight
      if (queue.queue.extend(stream, id, 20_000, now) !== 'done') fail(`event ${id} got no more time`)
      queue.fates.set(id, { is: 'flying', stream, due: now + 20_000 })
    },
    queue => { if (below(6) === 0 && queue.head > 0) queue.retain(1 + below(queue.head)) },
    queue => {
      const parked = pick([...queue.fates].filter(([, fate]) => fate.is === 'parked'))
      if (parked === undefined) return
      const [id] = parked
      if (below(2) === 0) {
        if (!queue.queue.release(id)) fail(`event ${id} is parked and was not put back`)
        queue.fates.set(id, { is: 'waiting' })
        attempts.get(queue)!.delete(id)
      } else {
        if (!queue.queue.drop(id)) fail(`event ${id} is parked and was not dropped`)
        queue.done(id)
      }
    },
    queue => { queue.queue.paused = below(4) === 0 },
    () => {
      const stream = pick([...open.values()])
      stream?.load.block(below(3) === 0)
    }
  ]

  for (let step = 0; step < STEPS; step++) {
    const queue = queues[below(2)]!
    const which = below(steps.length + 5)
    const act = steps[which]
    if (act !== undefined) act(queue)
    else {
      const flight = pick(flyingIn(queue))
      if (flight !== undefined) {
        if (queue.queue.ack(flight[0], below(2) === 0) !== 'acknowledged') fail(`event ${flight[0]} was in flight and its acknowledgement did not count`)
        queue.done(flight[0])
      }
    }
    deliver()
    for (const { queue, fates, head } of queues) {
      const { inFlight, waiting, parked } = queue.stats()
      const count = (...are: Fate['is'][]): number => [...fates.values()].filter(fate => are.includes(fate.is)).length
      if (inFlight !== count('flying')) fail(`${inFlight} are in flight, the model has ${count('flying')}`)
      if (parked !== count('parked')) fail(`${parked} are parked, the model has ${count('parked')}`)
      if (waiting !== count('new', 'waiting', 'held')) fail(`${waiting} of ${head} wait, the model has ${count('new', 'waiting', 'held')}`)
    }
  }
  finish(queues, open, deliver, fail, ++streams, ms => { now += ms })
}

/** Lets everything run to its end: with one patient reader all that is not parked must come. */
function finish (
  queues: readonly Modelled[],
  open: Map<number, { load: StreamLoad, settings: StreamSettings, reads: Modelled[] }>,
  deliver: () => void,
  fail: (what: string) => never,
  stream: number,
  wait: (ms: number) => void
): void {
  const settings = { window: 200, ackTimeoutMs: 10_000, maxDeliveries: 0 }
  const load = new StreamLoad(settings)
  open.set(stream, { load, settings, reads: [...queues] })
  for (const { load } of open.values()) load.block(false)
  for (const { queue } of queues) {
    queue.paused = false
    queue.open(stream, load)
  }
  const left = (): number => queues.reduce((sum, { fates }) => sum + [...fates.values()].filter(({ is }) => is !== 'done' && is !== 'parked').length, 0)
  for (let round = 0; left() > 0; round++) {
    if (round > 1_000) fail(`${left()} events never come`)
    wait(60_000)
    for (const queue of queues) queue.save()
    deliver()
    for (const queue of queues) {
      for (const [id, fate] of [...queue.fates]) {
        if (fate.is !== 'flying') continue
        queue.queue.ack(id)
        queue.done(id)
      }
    }
  }
}
