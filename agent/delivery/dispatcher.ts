import type { Clock } from '../lib/clock.ts'
import type { ClientsStore, QueueName } from '../store/clients.ts'
import { headOf, type Heads, type EventLog } from '../store/event-log.ts'
import { withHeads, type EventLogs } from '../store/event-logs.ts'
import type { ParkedEvent } from '../store/parked-record.ts'
import { positionAfter } from '../store/queue-record.ts'
import { Alarm } from './alarm.ts'
import { LiveQueue, logOf, type QueueTarget } from './live-queue.ts'
import { OpenStream, type StreamSink } from './open-stream.ts'
import { PositionSaver } from './position-saver.ts'
import { Queue, type AckOutcome, type LeaseOutcome, type QueueState } from './queue.ts'
import { firstId, type StartPosition } from './start-position.ts'
import type { StreamSettings } from './stream-load.ts'

/** A queue that a stream wants to read. */
export interface Reading extends QueueTarget {
  /** Used only where no position is stored. */
  start: StartPosition
}

/** What a stream finds where it begins to read. */
export interface Opened {
  kind: QueueName['kind']
  /** False: a stored position was there, so the start position was not used. */
  startUsed: boolean
  /** Events that retention took before this queue had them acknowledged, since it was made, and the newest of them. */
  missed: { count: number, upTo: number }
}

/** An open stream, as its transport sees it. */
export interface StreamHandle {
  opened: Opened[]
  /** The transport takes more again. */
  resume: () => void
  /** Sends no more; what is in flight stays so and can be acknowledged. */
  hold: () => void
  /** Acknowledges events that this process has sent, by their ids; resolves once that is on disk. */
  ack: (kind: QueueName['kind'], ids: readonly number[]) => Promise<AckOutcome[]>
  /** Gives events back, to be sent again after a delay. */
  nack: (kind: QueueName['kind'], ids: readonly number[], delayMs: number) => LeaseOutcome[]
  /** Puts off the deadline of events to so long from now. */
  extend: (kind: QueueName['kind'], ids: readonly number[], byMs: number) => LeaseOutcome[]
  /** The stream has ended; what it had in flight goes to others. */
  close: () => void
}

/** An event of a queue, as a token names it. */
export interface AckTarget extends QueueTarget {
  id: number
}

/** What people want to know of a queue. */
export interface QueueReport {
  queue: QueueName
  durable: boolean
  waiting: number
  inFlight: number
  parked: number
  redeliveries: number
  missed: number
  connections: number
  /** Time since the oldest event that is neither acknowledged nor parked was recorded, ms; undefined when there is none. */
  oldestAgeMs: number | undefined
  state: QueueState
}

/** A queue has acknowledged events that its log does not have: it would pass over the next ones, which will get the same ids. */
export class PositionBeyondLog extends Error {
  constructor (kind: string) {
    super(`a queue of ${kind} events stands beyond the newest of them: "network" is older than "clients", as when it alone was restored. ` +
      'Restore both from one backup')
  }
}

/** A limit that protects the box was reached; the message says which. */
export class LimitReached extends Error {}

export interface DispatcherLimits {
  queuesPerClient: number
  streams: number
  /** Streams that one client may have open. */
  streamsPerClient: number
  /** Time without a connection after which a queue is forgotten. */
  idleQueueMs: number
}

/** What the dispatcher tells its surroundings. */
export interface DispatcherEvents {
  /** Retention took events that the queue had not acknowledged. */
  missed: (queue: QueueName, count: number) => void
  /** A queue was forgotten because nobody read it for so long. */
  expired: (queue: QueueName, waiting: number) => void
  /** A commit failed, or a record is damaged: the process must end. */
  fatal: (error: unknown) => void
}

/** Events sent in one go before other work gets its turn. */
const SENDS_PER_TURN = 200

/** How often idle queues are looked for, and how long each is kept after a start at least, whatever the wall clock says. */
const SWEEP_MS = 60_000
const MIN_WATCHED_MS = 3_600_000

/**
 * Brings events from the logs to the streams of each queue, and acknowledgements to disk. All decisions are made by `Queue`; this reads
 * events, keeps one alarm for all deadlines and lets positions be saved together.
 */
export class Dispatcher {
  readonly #reader: EventLogs
  readonly #clients: ClientsStore
  readonly #clock: Clock
  readonly #limits: DispatcherLimits
  readonly #events: DispatcherEvents
  readonly #saver: PositionSaver
  readonly #queues = new Map<string, LiveQueue>()
  /** Rings at the earliest deadline of each queue. */
  readonly #alarm: Alarm<LiveQueue>
  #heads: Heads
  #streams = 0
  /** How many streams each client has open. */
  readonly #streamsOf = new Map<string, number>()
  #lastStream = 0
  #cancelSweep: () => void

  /** Throws PositionBeyondLog, RecordDamaged. */
  constructor (reader: EventLogs, clients: ClientsStore, clock: Clock, limits: DispatcherLimits, events: DispatcherEvents) {
    this.#reader = reader
    this.#clients = clients
    this.#clock = clock
    this.#limits = limits
    this.#events = events
    this.#heads = reader.heads()
    this.#saver = new PositionSaver(clients, events.fatal)
    this.#alarm = new Alarm(clock, live => { this.#pump(live) })
    for (const { queue: name, position, parked } of clients.queues()) {
      const { id: head } = headOf(this.#heads, logOf(name))
      if (Math.max(position.floor, ...position.ranges.map(({ to }) => to)) > head) throw new PositionBeyondLog(name.kind)
      const live = this.#add({ queue: name, durable: true }, new Queue(position, head, parked), position.idleSince)
      this.#retained(live)
    }
    this.#cancelSweep = this.#sweepLater()
  }

  /** Opens a stream that reads one queue or several. Throws LimitReached, PositionNotHeld; then nothing was opened. */
  open (readings: readonly Reading[], settings: StreamSettings, sink: StreamSink): StreamHandle {
    if (this.#streams >= this.#limits.streams) throw new LimitReached(`the agent serves ${this.#limits.streams} streams already`)
    const { tenant, client } = readings[0]!.queue
    const holder = `${tenant}\0${client}`
    const held = this.#streamsOf.get(holder) ?? 0
    if (held >= this.#limits.streamsPerClient) throw new LimitReached(`this client has ${held} streams open already, and may have no more`)
    const found = this.#find(readings)
    const opened = found.map(({ live, startUsed }) => ({ kind: live.target.queue.kind, startUsed, missed: live.queue.missed }))
    const stream = new OpenStream(++this.#lastStream, settings, sink, found.map(({ live }) => live))
    this.#streams++
    this.#streamsOf.set(holder, held + 1)
    for (const live of stream.queues) live.join(stream)
    // Not before the caller has the handle: what is sent needs it.
    queueMicrotask(() => { this.#pumpAll(stream.inTurn()) })
    return { opened, ...this.#handle(stream, holder) }
  }

  /** Gives each queue and how many acknowledgements it has taken, of those that have taken any since the last call. */
  newAcknowledgements (): { queue: QueueName, count: number }[] {
    return [...this.#queues.values()].map(live => ({ queue: live.target.queue, count: live.newAcknowledgements() })).filter(({ count }) => count > 0)
  }

  /** Acknowledges one event; resolves once that is on disk. */
  async ack (target: AckTarget): Promise<AckOutcome> {
    const live = this.#queues.get(keyOf(target))
    // A regular stream is not remembered, so there is nothing to store once it has ended.
    if (live === undefined) return target.durable ? 'unknown' : 'already'
    const outcome = live.queue.ack(target.id)
    if (outcome === 'acknowledged') this.#pumpBeside(live)
    // An id that is already acknowledged may still be on its way to the disk, so that answer waits as well.
    if (outcome !== 'unknown') await this.#save(live)
    return outcome
  }

  /** Acknowledges several events in one commit; outcomes are in the order of the targets. */
  async ackAll (targets: readonly AckTarget[]): Promise<AckOutcome[]> {
    return await Promise.all(targets.map(async target => await this.ack(target)))
  }

  /** Logs have grown, or lost their beginning, and that is on disk. */
  grew (logs: readonly EventLog[], heads: Heads): void {
    this.#reader.refresh()
    this.#heads = withHeads(this.#heads, heads)
    for (const live of this.#queues.values()) {
      if (!logs.some(({ tenant, kind }) => tenant === live.log.tenant && kind === live.log.kind)) continue
      live.queue.grew(headOf(heads, live.log).id)
      this.#retained(live)
      this.#pump(live)
    }
  }

  /** What stands in each queue. */
  queues (): QueueReport[] {
    return [...this.#queues.values()].map(live => {
      const { target, queue } = live
      const { count: missed } = queue.missed
      return { queue: target.queue, durable: target.durable, ...queue.stats(), missed, oldestAgeMs: this.#oldestAge(live) }
    })
  }

  /** Pauses a queue or lets it go on; resolves once that is on disk, with false when there is no such queue. */
  async pause (name: QueueName, paused: boolean): Promise<boolean> {
    return await this.#command(name, live => {
      live.queue.paused = paused
      return true
    }) ?? false
  }

  /** The events that a queue has put aside and not put back; undefined when there is no such queue. */
  parked (name: QueueName): ParkedEvent[] | undefined {
    if (!this.#queues.has(keyOf({ queue: name, durable: true }))) return undefined
    return [...this.#clients.parked(name)].filter(({ released }) => !released)
  }

  /** Puts parked events back into their queue; resolves once that is on disk, with how many; undefined when there is no such queue. */
  async releaseParked (name: QueueName, ids: readonly number[]): Promise<number | undefined> {
    return await this.#command(name, live => ids.filter(id => live.queue.release(id)).length)
  }

  /** Drops parked events for good; resolves once that is on disk, with how many; undefined when there is no such queue. */
  async dropParked (name: QueueName, ids: readonly number[]): Promise<number | undefined> {
    return await this.#command(name, live => ids.filter(id => live.queue.drop(id)).length)
  }

  /** Drops the copies that queues have of a SIM's events; resolves once that is on disk. */
  async forget (imsi: string): Promise<void> {
    const changed: Promise<void>[] = []
    for (const live of this.#queues.values()) {
      if (!live.target.durable) continue
      const ids = [...this.#clients.parked(live.target.queue)].filter(({ event }) => event.event?.imsi === imsi).map(({ id }) => id)
      for (const id of ids) live.queue.skip(id)
      if (ids.length > 0) changed.push(this.#save(live))
    }
    await Promise.all(changed)
  }

  /** Stores where every queue stands, so that the next start redelivers nothing needlessly. Call it after all streams were closed. */
  async stop (): Promise<void> {
    this.#alarm.stop()
    this.#cancelSweep()
    const durable = [...this.#queues.values()].filter(({ target }) => target.durable)
    await this.#saver.finish(durable.map(live => live.lastChange()))
  }

  #handle (stream: OpenStream, holder: string): Omit<StreamHandle, 'opened'> {
    const each = (kind: QueueName['kind'], ids: readonly number[], act: (live: LiveQueue, id: number) => LeaseOutcome): LeaseOutcome[] => {
      const live = stream.queueOf(kind)
      const outcomes = ids.map(id => live === undefined ? 'unknown' : act(live, id))
      this.#pumpAll(stream.inTurn())
      return outcomes
    }
    let open = true
    return {
      resume: () => {
        if (!open) return
        stream.load.block(false)
        this.#pumpAll(stream.inTurn())
      },
      hold: () => { stream.load.block(true) },
      ack: async (kind, ids) => await this.#ackHere(stream, kind, ids),
      nack: (kind, ids, delayMs) => each(kind, ids, ({ queue }, id) => queue.nack(stream.number, id, delayMs, this.#clock.monotonic())),
      extend: (kind, ids, byMs) => each(kind, ids, ({ queue }, id) => queue.extend(stream.number, id, byMs, this.#clock.monotonic())),
      close: () => {
        if (!open) return
        open = false
        const left = this.#streamsOf.get(holder)! - 1
        if (left > 0) this.#streamsOf.set(holder, left)
        else this.#streamsOf.delete(holder)
        this.#close(stream)
      }
    }
  }

  async #ackHere (stream: OpenStream, kind: QueueName['kind'], ids: readonly number[]): Promise<AckOutcome[]> {
    const live = stream.queueOf(kind)
    if (live === undefined) return ids.map(() => 'unknown')
    const outcomes = ids.map(id => live.queue.ack(id, false))
    this.#pumpAll(stream.inTurn())
    if (outcomes.some(outcome => outcome !== 'unknown')) await this.#save(live)
    return outcomes
  }

  #close (stream: OpenStream): void {
    this.#streams--
    for (const live of stream.queues) {
      live.leave(stream)
      if (live.target.durable) this.#pump(live)
      else {
        this.#queues.delete(keyOf(live.target))
        this.#alarm.set(live, Infinity)
      }
    }
  }

  async #save (live: LiveQueue): Promise<void> {
    if (live.target.durable) await this.#saver.save(live)
  }

  async #command<T> (name: QueueName, act: (live: LiveQueue) => T): Promise<T | undefined> {
    const live = this.#queues.get(keyOf({ queue: name, durable: true }))
    if (live === undefined) return undefined
    const result = act(live)
    await this.#save(live)
    this.#pump(live)
    return result
  }

  /** The queues that a stream wants, those that are missing made; none is made unless all can be. */
  #find (readings: readonly Reading[]): { live: LiveQueue, startUsed: boolean }[] {
    const made = new Map<Reading, Queue>()
    for (const reading of readings) {
      if (this.#queues.has(keyOf(reading))) continue
      const log = logOf(reading.queue)
      const head = headOf(this.#heads, log)
      const first = firstId(reading.start, head, time => this.#reader.firstCommittedAt(log, time))
      const position = positionAfter(first - 1)
      made.set(reading, reading.durable ? new Queue(position, head.id) : Queue.regular(position, head.id))
    }
    this.#checkQueues([...made.keys()])
    return readings.map(reading => {
      const queue = made.get(reading)
      return queue === undefined
        ? { live: this.#queues.get(keyOf(reading))!, startUsed: false }
        : { live: this.#make(reading, queue), startUsed: true }
    })
  }

  #checkQueues (wanted: readonly Reading[]): void {
    const durable = wanted.filter(reading => reading.durable)
    if (durable.length === 0) return
    const { tenant, client } = durable[0]!.queue
    let held = 0
    for (const { target } of this.#queues.values()) {
      if (target.durable && target.queue.tenant === tenant && target.queue.client === client) held++
    }
    if (held + durable.length > this.#limits.queuesPerClient) {
      throw new LimitReached(`this client has ${held} queues already, of the ${this.#limits.queuesPerClient} it may have`)
    }
  }

  #make ({ queue: name, durable }: Reading, queue: Queue): LiveQueue {
    const live = this.#add({ queue: name, durable }, queue)
    // Stored at once: from now on the queue misses nothing, whatever happens to this process.
    void this.#save(live)
    return live
  }

  #add (target: QueueTarget, queue: Queue, idleSince = 0): LiveQueue {
    const live = new LiveQueue(target, queue, { reader: this.#reader, clients: this.#clients, clock: this.#clock }, idleSince)
    this.#queues.set(keyOf(target), live)
    return live
  }

  #retained (live: LiveQueue): void {
    const missed = live.queue.retained(headOf(this.#heads, live.log).oldest)
    if (missed > 0) this.#events.missed(live.target.queue, missed)
  }

  #oldestAge ({ queue, log }: LiveQueue): number | undefined {
    const event = this.#read(() => this.#reader.event(log, queue.oldestOpen))
    return event === undefined ? undefined : Math.max(0, this.#clock.now() - event.committedAt)
  }

  /** Reads from the store. A damaged record is nothing to pass over: the process must end. */
  #read<T> (read: () => T): T {
    try {
      return read()
    } catch (error) {
      this.#events.fatal(error)
      throw error
    }
  }

  #pumpAll (queues: readonly LiveQueue[]): void {
    for (const live of queues) this.#pump(live)
  }

  /** Room has come up in a queue's streams: it, and what else they read, may send. */
  #pumpBeside (live: LiveQueue): void {
    this.#pump(live)
    for (const stream of live.streams.values()) {
      if (stream.queues.length > 1) this.#pumpAll(stream.inTurn())
    }
  }

  /** Sends what can be sent. A long run is cut into turns, so that acks and other queues are heard in between. */
  #pump (live: LiveQueue): void {
    if (live.pumping) return
    const { queue, streams } = live
    const now = this.#clock.monotonic()
    queue.expire(now)
    for (let sent = 0; ; sent++) {
      if (sent === SENDS_PER_TURN) {
        live.pumping = true
        setImmediate(() => { live.pumping = false; this.#pump(live) })
        break
      }
      const delivery = queue.next(now, this.#clock.now())
      if (delivery === undefined) break
      const stored = this.#read(() => live.event(delivery))
      const stream = streams.get(delivery.stream)!
      if (stored === undefined) {
        queue.miss(delivery.id)
        this.#events.missed(live.target.queue, 1)
      } else if (stored.event === undefined) queue.skip(delivery.id)
      else if (!stream.sink.send(live, delivery, stored)) stream.load.block(true)
      if (stored !== undefined) queue.weigh(delivery.id, stored.bytes)
    }
    if (live.target.durable && queue.unsaved) void this.#save(live).then(() => { if (queue.canSend) this.#pump(live) })
    this.#alarm.set(live, queue.deadline)
  }

  #sweepLater (): () => void {
    return this.#clock.after(SWEEP_MS, () => {
      this.#sweep()
      this.#cancelSweep = this.#sweepLater()
    })
  }

  /** Forgets queues that nobody has read for so long. A paused one waits for whoever paused it. */
  #sweep (): void {
    for (const [key, live] of this.#queues) {
      const { totalMs, watchedMs } = live.idle
      const { idleQueueMs } = this.#limits
      if (live.streams.size > 0 || live.queue.paused) continue
      if (totalMs < idleQueueMs || watchedMs < Math.min(MIN_WATCHED_MS, idleQueueMs)) continue
      this.#queues.delete(key)
      this.#alarm.set(live, Infinity)
      this.#events.expired(live.target.queue, live.queue.stats().waiting)
      const queue = live.target.queue
      const unparked = [...this.#clients.parked(queue)].map(({ id }) => id)
      void this.#saver.save({ change: () => ({ queue, position: undefined, parked: [], unparked }), saved: () => {} })
    }
  }
}

function keyOf ({ queue: { tenant, client, kind, name }, durable }: QueueTarget): string {
  return `${durable ? 'd' : 'r'}\0${tenant}\0${client}\0${kind}\0${name}`
}
