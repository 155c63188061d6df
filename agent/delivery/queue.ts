import type { QueuePosition } from '../store/queue-record.ts'
import { Acknowledged } from './acknowledged.ts'

/** What one open stream asked for. Streams of one queue may differ. */
export interface StreamSettings {
  /** How many events may be sent and not acknowledged on this stream. */
  window: number
  /** Time from sending an event to sending it again. */
  ackTimeoutMs: number
}

/** One event to send on one stream. */
export interface Delivery {
  stream: number
  id: number
  /** 1 the first time since the queue was loaded. */
  attempt: number
  /** Whether the client may have seen it before. */
  redelivered: boolean
}

/** What an acknowledgement found. */
export type AckOutcome = 'acknowledged' | 'already' | 'unknown'

interface Stream extends StreamSettings {
  inFlight: number
  /** The transport takes no more for now. */
  blocked: boolean
  /** Turn of the last delivery, so that equals are served in turn. */
  served: number
}

interface InFlight { stream: number, deadline: number, attempt: number }

/** How many ids ahead of what is sent are reserved on disk, so that not every delivery needs a commit. */
const RESERVE_STEP = 1_000

/**
 * One queue: who gets which event when. It holds no clock, reads nothing and writes nothing: time and news come in by its
 * methods, what to send comes out of `next`, what to store out of `position`.
 *
 * Invariant: every id up to the head is exactly one of acknowledged, in flight, returned (to be sent again), or not yet sent
 * (`#next` and beyond).
 */
export class Queue {
  readonly #acknowledged: Acknowledged
  readonly #streams = new Map<number, Stream>()
  readonly #inFlight = new Map<number, InFlight>()
  /** Ids to send again, ascending, with the attempts made. */
  #returned: { id: number, attempts: number }[] = []
  #next: number
  #head: number
  /** Up to here ids may have been sent before the queue was loaded. */
  readonly #seenBefore: number
  /** Up to here ids may be sent: so much is reserved on disk. */
  #reserved: number
  #dirty = false
  #turn = 0
  /** No deadline is earlier than this. */
  #earliestDeadline = Infinity

  constructor (position: QueuePosition, head: number) {
    this.#acknowledged = new Acknowledged(position.floor, position.ranges)
    this.#next = position.floor + 1
    this.#head = head
    this.#seenBefore = position.reserved
    this.#reserved = position.reserved
  }

  open (stream: number, settings: StreamSettings): void {
    this.#streams.set(stream, { ...settings, inFlight: 0, blocked: false, served: 0 })
  }

  /** A stream has ended: what it had in flight goes back at once. */
  close (stream: number): void {
    this.#streams.delete(stream)
    for (const [id, flight] of this.#inFlight) {
      if (flight.stream === stream) this.#return(id, flight.attempt)
    }
  }

  /** The stream's transport is full (true) or takes more again (false). */
  block (stream: number, blocked: boolean): void {
    const found = this.#streams.get(stream)
    if (found !== undefined) found.blocked = blocked
  }

  /** The log has grown. */
  grew (head: number): void {
    this.#head = Math.max(this.#head, head)
  }

  ack (id: number): AckOutcome {
    if (this.#acknowledged.has(id)) return 'already'
    if (id >= this.#next && id > this.#seenBefore) return 'unknown'
    this.#settle(id)
    return 'acknowledged'
  }

  /** Passes over an event that is no more (erased, or taken by retention). */
  skip (id: number): void {
    this.#settle(id)
  }

  /** Returns to the queue what was not acknowledged in time. `now` and deadlines are monotonic milliseconds. */
  expire (now: number): void {
    if (now < this.#earliestDeadline) return
    let earliest = Infinity
    for (const [id, flight] of this.#inFlight) {
      if (flight.deadline <= now) {
        this.#land(id, flight)
        this.#return(id, flight.attempt)
      } else if (flight.deadline < earliest) earliest = flight.deadline
    }
    this.#earliestDeadline = earliest
  }

  /** When `expire` should be called next, at the latest. Infinity when nothing is in flight. */
  get deadline (): number { return this.#earliestDeadline }

  /** Takes the next event to send, redeliveries first, to the least loaded stream; undefined when nothing can be sent now. */
  next (now: number): Delivery | undefined {
    const again = this.#returned[0]
    const id = again?.id ?? this.#acknowledged.nextOpen(this.#next)
    if (again === undefined && (id > this.#head || id > this.#reserved)) return undefined
    const chosen = this.#leastLoaded()
    if (chosen === undefined) return undefined
    if (again === undefined) this.#next = id + 1
    else this.#returned.shift()
    const [number, stream] = chosen
    const attempt = (again?.attempts ?? 0) + 1
    const deadline = now + stream.ackTimeoutMs
    this.#inFlight.set(id, { stream: number, deadline, attempt })
    if (deadline < this.#earliestDeadline) this.#earliestDeadline = deadline
    stream.inFlight++
    stream.served = ++this.#turn
    return { stream: number, id, attempt, redelivered: attempt > 1 || id <= this.#seenBefore }
  }

  /** Whether something should be stored: acknowledgements, or room to send more. */
  get unsaved (): boolean {
    return this.#dirty || (this.#head > this.#reserved && this.#next + RESERVE_STEP / 2 > this.#reserved && this.#streams.size > 0)
  }

  /** Whether something waits that is reserved and could be sent, given a stream with room. */
  get canSend (): boolean {
    const next = this.#acknowledged.nextOpen(this.#next)
    return this.#returned.length > 0 || (next <= this.#head && next <= this.#reserved)
  }

  /** What to store now; tell `saved` once it is on disk. */
  position (): QueuePosition {
    this.#dirty = false
    return { ...this.restingPosition(), reserved: Math.max(this.#reserved, this.#next - 1 + RESERVE_STEP) }
  }

  /** What to store when nothing more will be sent. */
  restingPosition (): QueuePosition {
    return { floor: this.#acknowledged.floor, ranges: this.#acknowledged.ranges(), reserved: Math.max(this.#seenBefore, this.#next - 1) }
  }

  /** A position has reached the disk: ids that it reserved may be sent. */
  saved (position: QueuePosition): void {
    this.#reserved = Math.max(this.#reserved, position.reserved)
  }

  /** Figures for people. */
  stats (): { waiting: number, inFlight: number, returned: number, streams: number } {
    const open = Math.max(0, this.#head - this.#acknowledged.nextOpen(this.#next) + 1)
    return { waiting: open + this.#returned.length, inFlight: this.#inFlight.size, returned: this.#returned.length, streams: this.#streams.size }
  }

  #settle (id: number): void {
    if (!this.#acknowledged.add(id)) return
    this.#dirty = true
    const flight = this.#inFlight.get(id)
    if (flight !== undefined) this.#land(id, flight)
    else this.#returned = this.#returned.filter(other => other.id !== id)
  }

  /** Takes an id out of the air and gives its place in the window back. */
  #land (id: number, flight: InFlight): void {
    this.#inFlight.delete(id)
    const stream = this.#streams.get(flight.stream)
    if (stream !== undefined) stream.inFlight--
  }

  #return (id: number, attempts: number): void {
    this.#inFlight.delete(id)
    let place = this.#returned.length
    while (place > 0 && this.#returned[place - 1]!.id > id) place--
    this.#returned.splice(place, 0, { id, attempts })
  }

  /** The stream with the most room in proportion to its window; among equals, the one served longest ago. */
  #leastLoaded (): [number, Stream] | undefined {
    let best: [number, Stream] | undefined
    for (const entry of this.#streams) {
      const stream = entry[1]
      if (stream.blocked || stream.inFlight >= stream.window) continue
      if (best === undefined) { best = entry; continue }
      const load = stream.inFlight / stream.window - best[1].inFlight / best[1].window
      if (load < 0 || (load === 0 && stream.served < best[1].served)) best = entry
    }
    return best
  }
}
