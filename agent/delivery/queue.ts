import { Heap } from '../lib/heap.ts'
import type { Attempts, QueuePosition } from '../store/queue-record.ts'
import { Acknowledged } from './acknowledged.ts'
import type { StreamLoad } from './stream-load.ts'

/** One event to send on one stream. */
export interface Delivery {
  stream: number
  id: number
  /** 1 the first time; at least 2 when it may have been sent by an earlier process. */
  attempt: number
  /** When it was sent first, ms since 1970; 0 when an earlier process sent it and that is not known. */
  firstAt: number
  /** Whether the client may have seen it before. */
  redelivered: boolean
  /** Whether the event lies in the queue's own copies, not in the log. */
  copied: boolean
}

/** What an acknowledgement found. */
export type AckOutcome = 'acknowledged' | 'already' | 'unknown'

/** What a return or an extension found: done; not in flight on that stream; or too many are held back already. */
export type LeaseOutcome = 'done' | 'unknown' | 'refused'

/** What is to be stored of a queue in one commit. */
export interface QueueSnapshot {
  position: QueuePosition
  /** Events to copy out of the log. */
  park: readonly Attempts[]
  /** Copies put back into the queue. */
  released: readonly number[]
  /** Copies to remove. */
  unpark: readonly number[]
}

/** Why a queue does not move, in the order in which reasons are named. */
export type QueueState = 'paused' | 'no connection' | 'client does not read' | 'window full' | 'moving' | 'nothing waits'

interface Reader {
  number: number
  load: StreamLoad
  /** What it has in flight of this queue. */
  ids: Set<number>
  /** Turn of the last delivery, so that equals are served in turn. */
  served: number
}

interface Entry {
  id: number
  /** The stream that has it in flight; `undefined`: it waits, for its turn or for `due`. */
  reader: Reader | undefined
  /** In flight: when it is sent again. Held back: from when on it may be. Monotonic ms. */
  due: number
  attempts: number
  firstAt: number
  bytes: number
}

/** How many ids ahead of what is sent are reserved on disk, so that not every delivery needs a commit. */
const RESERVE_STEP = 1_000

/** Events that may be held back by returns with a delay, so that nobody takes a whole log into memory that way. */
const MAX_HELD_BACK = 10_000

/** Attempts that a position records at most, the oldest events first; the others only lose their count at a crash. */
const MAX_TRIED = 1_000

/** What a queue may put aside; beyond it events go on being sent. */
const MAX_PARKED = 10_000

/**
 * One queue: who gets which event when. It holds no clock, reads nothing and writes nothing: time and news come in by its
 * methods, what to send comes out of `next`, what to store out of `snapshot`.
 *
 * Invariant: every id up to the head is exactly one of acknowledged (or missed), parked, in flight, waiting to be sent again, or not
 * yet sent (`#next` and beyond).
 */
export class Queue {
  readonly #acknowledged: Acknowledged
  readonly #readers = new Map<number, Reader>()
  /** The reader to serve next comes first. */
  readonly #order = new Heap<Reader>(servedBefore)
  /** Everything sent and not settled. */
  readonly #entries = new Map<number, Entry>()
  /** Those that are in flight or held back, the earliest deadline first. */
  readonly #deadlines = new Heap<Entry>((a, b) => a.due < b.due)
  /** Ids to send again now. */
  readonly #returned = new Heap<number>((a, b) => a < b)
  /** Ids that were sent again or wait for that: their attempts are worth a record. */
  readonly #tried = new Set<number>()
  readonly #parked = new Set<number>()
  /** Ids that have a copy, parked or put back: in the store, or with the next snapshot. */
  readonly #copies = new Set<number>()
  /** Those whose copy the store has. */
  readonly #stored = new Set<number>()
  /** What the store is to be told with the next snapshot. */
  readonly #news = { park: new Map<number, Attempts>(), released: new Set<number>(), unpark: new Set<number>() }
  #heldBack = 0
  #next: number
  #head: number
  /** Up to here ids may have been sent before the queue was loaded. */
  readonly #seenBefore: number
  /** Up to here ids may be sent: so much is reserved on disk. */
  #reserved: number
  #dirty = false
  #turn = 0
  #missed: number
  #missedUpTo: number
  #paused: boolean
  #redeliveries = 0
  #acknowledgements = 0

  constructor (position: QueuePosition, head: number, parked: readonly { id: number, released: boolean }[] = []) {
    this.#acknowledged = new Acknowledged(position.floor, position.ranges)
    this.#next = position.floor + 1
    this.#head = head
    this.#seenBefore = position.reserved
    this.#reserved = position.reserved
    this.#missed = position.missed
    this.#missedUpTo = position.missedUpTo
    this.#paused = position.paused
    for (const { id, released } of parked) {
      this.#copies.add(id)
      this.#stored.add(id)
      if (released) this.#wait(id, { attempts: 0, firstAt: 0 })
      else this.#parked.add(id)
    }
    for (const { id, attempts, firstAt } of position.tried) {
      if (!this.#parked.has(id) && !this.#acknowledged.has(id)) this.#wait(id, { attempts, firstAt })
    }
  }

  /** A queue that is not stored: it lasts as long as its stream, so nothing is reserved ahead. */
  static regular (position: QueuePosition, head: number): Queue {
    const queue = new Queue(position, head)
    queue.#reserved = Infinity
    return queue
  }

  open (stream: number, load: StreamLoad): void {
    const reader = { number: stream, load, ids: new Set<number>(), served: 0 }
    this.#readers.set(stream, reader)
    this.#order.put(reader)
    load.watch(() => { if (this.#order.has(reader)) this.#order.put(reader) })
    this.#dirty = true
  }

  /** A stream has ended: what it had in flight goes back at once. */
  close (stream: number): void {
    const reader = this.#readers.get(stream)
    if (reader === undefined) return
    this.#readers.delete(stream)
    this.#order.remove(reader)
    this.#dirty = true
    for (const id of [...reader.ids]) this.#return(id, this.#entries.get(id)!)
  }

  /** The log has grown. */
  grew (head: number): void {
    this.#head = Math.max(this.#head, head)
  }

  /** Retention has taken every event before `oldest`. What was not acknowledged of them is missed; gives how many. Copies stay. */
  retained (oldest: number): number {
    if (this.#acknowledged.nextOpen(0) >= oldest) return 0
    let missed = 0
    let from = 0
    const kept = [...this.#copies].filter(id => id < oldest).sort((a, b) => a - b)
    for (const id of [...kept, oldest]) {
      missed += this.#acknowledged.addRange(from, id - 1)
      from = id + 1
    }
    for (const [id, entry] of this.#entries) {
      if (id < oldest && !this.#copies.has(id)) this.#forget(id, entry)
    }
    if (missed > 0) this.#miss(missed, oldest - 1)
    return missed
  }

  /**
   * Acknowledges an event. `proven`: a token shows that it was delivered; without one, only what this process has sent counts, since
   * nobody remembers exactly what an earlier one did.
   */
  ack (id: number, proven = true): AckOutcome {
    if (id > this.#head || id < 1) return 'unknown'
    if (this.#acknowledged.has(id)) return 'already'
    const sent = this.#entries.has(id) || this.#parked.has(id)
    if (!sent && !(proven && id <= this.#seenBefore)) return 'unknown'
    this.#acknowledgements++
    this.#settle(id)
    return 'acknowledged'
  }

  /** The stream gives an event back, to be sent again (to anyone) `delayMs` from `now` on. */
  nack (stream: number, id: number, delayMs: number, now: number): LeaseOutcome {
    const entry = this.#flight(stream, id)
    if (entry === undefined) return 'unknown'
    if (delayMs > 0 && this.#heldBack >= MAX_HELD_BACK) return 'refused'
    this.#return(id, entry, delayMs > 0 ? now + delayMs : undefined)
    return 'done'
  }

  /** The stream needs more time: the event is sent again `byMs` from `now` on. */
  extend (stream: number, id: number, byMs: number, now: number): LeaseOutcome {
    const entry = this.#flight(stream, id)
    if (entry === undefined) return 'unknown'
    this.#due(entry, now + byMs)
    return 'done'
  }

  /** Passes over an event that was erased. */
  skip (id: number): void {
    this.#settle(id)
  }

  /** Passes over an event that retention has taken before anybody said so. */
  miss (id: number): void {
    this.#settle(id)
    this.#miss(1, id)
  }

  /** Returns to the queue what was not acknowledged in time, or was held back long enough. `now` and deadlines are monotonic milliseconds. */
  expire (now: number): void {
    for (let entry; (entry = this.#deadlines.peek()) !== undefined && entry.due <= now;) {
      if (entry.reader !== undefined) {
        // Who let it expire comes after its equals: one of them may do better.
        entry.reader.served = ++this.#turn
        this.#return(entry.id, entry)
      } else this.#ready(entry.id, entry)
    }
  }

  /** When `expire` should be called next, at the latest. Infinity when nothing is in flight or held back. */
  get deadline (): number { return this.#deadlines.peek()?.due ?? Infinity }

  /** Takes the next event to send, redeliveries first, to the least loaded stream; undefined when nothing can be sent now. `wall`: ms since 1970. */
  next (now: number, wall: number): Delivery | undefined {
    if (this.#paused) return undefined
    const again = this.#returned.peek()
    const id = again ?? this.#nextNew()
    if (again === undefined && (id > this.#head || id > this.#reserved)) return undefined
    const reader = this.#order.peek()
    if (reader === undefined || !reader.load.free) return undefined
    const entry = again === undefined ? this.#first(id, wall) : this.#entries.get(id)!
    this.#returned.remove(id)
    entry.attempts++
    entry.reader = reader
    this.#due(entry, now + reader.load.settings.ackTimeoutMs)
    reader.ids.add(id)
    reader.served = ++this.#turn
    reader.load.take()
    const redelivered = entry.attempts > 1
    if (redelivered) this.#redeliveries++
    return { stream: reader.number, id, attempt: entry.attempts, firstAt: entry.firstAt, redelivered, copied: this.#copies.has(id) }
  }

  /** Says how many bytes an event that was just taken has: they count in its stream's load. */
  weigh (id: number, bytes: number): void {
    const entry = this.#entries.get(id)
    if (entry?.reader === undefined) return
    entry.bytes += bytes
    entry.reader.load.weigh(bytes)
  }

  get paused (): boolean { return this.#paused }

  set paused (paused: boolean) {
    this.#dirty ||= paused !== this.#paused
    this.#paused = paused
  }

  /** Puts a parked event back into the queue; false when there is none. */
  release (id: number): boolean {
    if (!this.#parked.delete(id)) return false
    this.#dirty = true
    // Its copy is not even stored yet: then it is an event like any other again.
    if (this.#news.park.delete(id) && !this.#stored.has(id)) this.#copies.delete(id)
    else this.#news.released.add(id)
    this.#wait(id, { attempts: 0, firstAt: 0 })
    return true
  }

  /** Ends a parked event as if it were acknowledged; false when there is none. */
  drop (id: number): boolean {
    if (!this.#parked.has(id)) return false
    this.#settle(id)
    return true
  }

  /** Whether something should be stored: acknowledgements, parked events, or room to send more. */
  get unsaved (): boolean {
    return this.#dirty || (this.#head > this.#reserved && this.#next + RESERVE_STEP / 2 > this.#reserved && this.#readers.size > 0)
  }

  /** Whether something waits that is reserved and could be sent, given a stream with room. */
  get canSend (): boolean {
    if (this.#paused) return false
    if (this.#returned.size > 0) return true
    const next = this.#nextNew()
    return next <= this.#head && next <= this.#reserved
  }

  /** What to store now; tell `saved` once it is on disk. */
  snapshot (idleSince = 0): QueueSnapshot {
    this.#dirty = false
    const tried: number[] = []
    for (const id of this.#tried) {
      if (tried.push(id) === MAX_TRIED) break
    }
    return this.#snapshot(Math.max(this.#reserved, this.#next - 1 + RESERVE_STEP), tried, idleSince)
  }

  /** What to store when nothing more will be sent. */
  restingSnapshot (idleSince = 0): QueueSnapshot {
    return this.#snapshot(Math.max(this.#seenBefore, this.#next - 1), [...this.#entries.keys()].filter(id => id >= 1), idleSince)
  }

  /** A snapshot has reached the disk: ids that it reserved may be sent. */
  saved ({ position }: QueueSnapshot): void {
    this.#reserved = Math.max(this.#reserved, position.reserved)
  }

  /** Events that retention took before they were acknowledged, and the newest of them. */
  get missed (): { count: number, upTo: number } { return { count: this.#missed, upTo: this.#missedUpTo } }

  /** Id of the oldest event that is not acknowledged or parked; the head's plus one when there is none. */
  get oldestOpen (): number {
    let id = this.#acknowledged.nextOpen(0)
    while (this.#parked.has(id)) id = this.#acknowledged.nextOpen(id + 1)
    return id
  }

  get connections (): number { return this.#readers.size }

  /** Acknowledgements that this process has taken. */
  get acknowledgements (): number { return this.#acknowledgements }

  /** Figures for people. */
  stats (): { waiting: number, inFlight: number, parked: number, redeliveries: number, connections: number, state: QueueState } {
    let inFlight = 0
    for (const { reader } of this.#entries.values()) if (reader !== undefined) inFlight++
    const settled = this.#acknowledged.count(this.#head)
    const waiting = Math.max(0, this.#head - settled - inFlight - this.#parked.size)
    return { waiting, inFlight, parked: this.#parked.size, redeliveries: this.#redeliveries, connections: this.#readers.size, state: this.#state(waiting) }
  }

  #state (waiting: number): QueueState {
    if (this.#paused) return 'paused'
    const loads = [...this.#readers.values()].map(({ load }) => load)
    if (waiting === 0) return 'nothing waits'
    if (loads.length === 0) return 'no connection'
    if (loads.some(load => load.free)) return 'moving'
    return loads.every(load => load.full) ? 'window full' : 'client does not read'
  }

  #snapshot (reserved: number, tried: readonly number[], idleSince: number): QueueSnapshot {
    const { park, released, unpark } = this.#news
    const news = { park: [...park.values()], released: [...released], unpark: [...unpark] }
    for (const { id } of news.park) this.#stored.add(id)
    for (const id of news.unpark) this.#stored.delete(id)
    park.clear()
    released.clear()
    unpark.clear()
    const position = {
      floor: this.#acknowledged.floor,
      ranges: this.#acknowledged.ranges(),
      reserved,
      missed: this.#missed,
      missedUpTo: this.#missedUpTo,
      paused: this.#paused,
      idleSince,
      tried: tried.filter(id => id > this.#acknowledged.floor).sort((a, b) => a - b).map(id => this.#attemptsOf(id))
    }
    return { position, ...news }
  }

  #attemptsOf (id: number): Attempts {
    const { attempts, firstAt } = this.#entries.get(id)!
    return { id, attempts, firstAt }
  }

  /** The entry of an event that was not sent by this process. */
  #first (id: number, wall: number): Entry {
    this.#next = id + 1
    const seen = id <= this.#seenBefore
    const entry = { id, reader: undefined, due: Infinity, attempts: seen ? 1 : 0, firstAt: seen ? 0 : wall, bytes: 0 }
    this.#entries.set(id, entry)
    return entry
  }

  /** The first id that was never sent by this process. */
  #nextNew (): number {
    let id = this.#acknowledged.nextOpen(this.#next)
    while (this.#entries.has(id) || this.#parked.has(id)) id = this.#acknowledged.nextOpen(id + 1)
    this.#next = Math.min(id, this.#head + 1)
    return id
  }

  /** Lets an event wait to be sent again. */
  #wait (id: number, { attempts, firstAt }: { attempts: number, firstAt: number }): void {
    this.#entries.set(id, { id, reader: undefined, due: Infinity, attempts: Math.max(1, attempts), firstAt, bytes: 0 })
    this.#returned.put(id)
    this.#tried.add(id)
  }

  #flight (stream: number, id: number): Entry | undefined {
    const entry = this.#entries.get(id)
    return entry?.reader !== undefined && entry.reader.number === stream ? entry : undefined
  }

  #due (entry: Entry, at: number): void {
    entry.due = at
    if (at === Infinity) this.#deadlines.remove(entry)
    else this.#deadlines.put(entry)
  }

  #settle (id: number): void {
    if (!this.#acknowledged.add(id)) return
    this.#dirty = true
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#forget(id, entry)
    this.#parked.delete(id)
    if (this.#copies.delete(id)) {
      this.#news.park.delete(id)
      this.#news.released.delete(id)
      this.#news.unpark.add(id)
    }
  }

  #miss (count: number, upTo: number): void {
    this.#missed += count
    this.#missedUpTo = Math.max(this.#missedUpTo, upTo)
    this.#dirty = true
  }

  #forget (id: number, entry: Entry): void {
    this.#land(id, entry)
    if (entry.due !== Infinity) this.#ready(id, entry)
    this.#entries.delete(id)
    this.#returned.remove(id)
    this.#tried.delete(id)
  }

  /** Takes an event out of the air and gives its place in the window back. */
  #land (id: number, entry: Entry): void {
    const { reader } = entry
    if (reader === undefined) return
    entry.reader = undefined
    this.#due(entry, Infinity)
    reader.ids.delete(id)
    reader.load.land(entry.bytes)
    entry.bytes = 0
  }

  /** Ends a delivery: the event is sent again, from `heldUntil` on where given, or parked where it was sent too often. */
  #return (id: number, entry: Entry, heldUntil?: number): void {
    const limit = entry.reader!.load.settings.maxDeliveries
    this.#land(id, entry)
    if (limit > 0 && entry.attempts >= limit && this.#parked.size < MAX_PARKED) {
      this.#park(id, entry)
      return
    }
    this.#tried.add(id)
    if (heldUntil === undefined) {
      this.#returned.put(id)
      return
    }
    this.#heldBack++
    this.#due(entry, heldUntil)
  }

  /** What was held back may be sent. */
  #ready (id: number, entry: Entry): void {
    this.#heldBack--
    this.#due(entry, Infinity)
    this.#returned.put(id)
  }

  #park (id: number, entry: Entry): void {
    this.#forget(id, entry)
    this.#parked.add(id)
    this.#dirty = true
    // Parked again after it was put back: its copy is marked as parked.
    this.#copies.add(id)
    this.#news.released.delete(id)
    this.#news.park.set(id, { id, attempts: entry.attempts, firstAt: entry.firstAt })
  }
}

/** Free ones first, then the least loaded, then the one served longest ago. */
function servedBefore (a: Reader, b: Reader): boolean {
  if (a.load.free !== b.load.free) return a.load.free
  if (a.load.share !== b.load.share) return a.load.share < b.load.share
  return a.served < b.served
}
