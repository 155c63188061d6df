import type { Clock } from '../lib/clock.ts'
import type { ClientsStore, QueueChange, QueueName } from '../store/clients.ts'
import type { ReadEvent } from '../store/event-record.ts'
import { kindIndex, type EventLog } from '../store/event-log.ts'
import type { EventLogs } from '../store/event-logs.ts'
import type { ParkedEvent } from '../store/parked-record.ts'
import type { OpenStream } from './open-stream.ts'
import type { Saveable } from './position-saver.ts'
import type { Delivery, Queue, QueueSnapshot } from './queue.ts'

/** Which queue, and whether it is remembered: a regular stream has one of its own that ends with it. */
export interface QueueTarget {
  queue: QueueName
  durable: boolean
}

/** The log that a queue reads. */
export function logOf ({ tenant, kind }: QueueName): EventLog {
  return { tenant, kind: kindIndex(kind) }
}

/** What a live queue needs of its surroundings. */
export interface QueueSurroundings {
  reader: EventLogs
  clients: ClientsStore
  clock: Clock
}

/** One queue with its streams: joins the decisions of `Queue` to the store and the clock. */
export class LiveQueue implements Saveable {
  readonly target: QueueTarget
  /** The log that it reads. */
  readonly log: EventLog
  readonly queue: Queue
  readonly streams = new Map<number, OpenStream>()
  /** A turn of sending is under way; another is not begun meanwhile. */
  pumping = false
  readonly #surroundings: QueueSurroundings
  #told = 0
  readonly #snapshots = new WeakMap<QueueChange, QueueSnapshot>()
  /** Idle time before this process, and when this process saw its last stream end; `undefined` while it has one. */
  #idle: { beforeMs: number, since: number, wall: number } | undefined

  constructor (target: QueueTarget, queue: Queue, surroundings: QueueSurroundings, idleSince = 0) {
    this.target = target
    this.log = logOf(target.queue)
    this.queue = queue
    this.#surroundings = surroundings
    const { clock } = surroundings
    const wall = idleSince > 0 ? idleSince : clock.now()
    this.#idle = { beforeMs: Math.max(0, clock.now() - wall), since: clock.monotonic(), wall }
  }

  join (stream: OpenStream): void {
    this.streams.set(stream.number, stream)
    this.queue.open(stream.number, stream.load)
    this.#idle = undefined
  }

  leave (stream: OpenStream): void {
    const { clock } = this.#surroundings
    this.streams.delete(stream.number)
    this.queue.close(stream.number)
    if (this.streams.size === 0) this.#idle = { beforeMs: 0, since: clock.monotonic(), wall: clock.now() }
  }

  /**
   * For how long nobody has been connected: in all, and since this process began to watch. Only the first part of the first goes by the
   * wall clock, which may jump.
   */
  get idle (): { totalMs: number, watchedMs: number } {
    if (this.#idle === undefined) return { totalMs: 0, watchedMs: 0 }
    const watchedMs = this.#surroundings.clock.monotonic() - this.#idle.since
    return { totalMs: this.#idle.beforeMs + watchedMs, watchedMs }
  }

  /** Acknowledgements since the last call. */
  newAcknowledgements (): number {
    const { acknowledgements } = this.queue
    const count = acknowledgements - this.#told
    this.#told = acknowledgements
    return count
  }

  /** The event of a delivery; undefined when it is gone. One that is another client's is as a tombstone. */
  event ({ id, copied }: Pick<Delivery, 'id' | 'copied'>): ReadEvent | undefined {
    const { reader, clients } = this.#surroundings
    const stored = copied ? clients.parkedEvent(this.target.queue, id)?.event : reader.event(this.log, id)
    const isOthers = stored?.event?.kind === 'sms-delivery' && stored.event.client !== this.target.queue.client
    return isOthers ? { ...stored, event: undefined } : stored
  }

  change (): QueueChange {
    return this.#change(this.queue.snapshot(this.#idle?.wall))
  }

  /** What to write when nothing more will be sent. */
  lastChange (): QueueChange {
    return this.#change(this.queue.restingSnapshot(this.#idle?.wall ?? this.#surroundings.clock.now()))
  }

  saved (change: QueueChange): void {
    const snapshot = this.#snapshots.get(change)
    if (snapshot !== undefined) this.queue.saved(snapshot)
  }

  #change (snapshot: QueueSnapshot): QueueChange {
    const { reader, clients, clock } = this.#surroundings
    const parked: ParkedEvent[] = []
    for (const attempts of snapshot.park) {
      const event = reader.event(this.log, attempts.id) ?? clients.parkedEvent(this.target.queue, attempts.id)?.event
      if (event !== undefined) parked.push({ ...attempts, parkedAt: clock.now(), released: false, event })
      // Retention was quicker. This is told with the next change.
      else this.queue.miss(attempts.id)
    }
    for (const id of snapshot.released) {
      const stored = clients.parkedEvent(this.target.queue, id)
      if (stored !== undefined) parked.push({ ...stored, released: true })
    }
    const change = { queue: this.target.queue, position: snapshot.position, parked, unparked: snapshot.unpark }
    this.#snapshots.set(change, snapshot)
    return change
  }
}
