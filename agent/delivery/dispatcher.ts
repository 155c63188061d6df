import type { Clock } from '../lib/clock.ts'
import type { ClientsStore, QueueName } from '../store/clients.ts'
import type { StoredEvent } from '../store/event-record.ts'
import type { LogHead } from '../store/head.ts'
import { kindIndex } from '../store/network.ts'
import type { NetworkReader } from '../store/network-reader.ts'
import { Queue, type AckOutcome, type Delivery, type StreamSettings } from './queue.ts'
import { PositionSaver } from './position-saver.ts'

/** Where an open stream's events go. */
export interface StreamSink {
  /** Sends one event; false when the transport takes no more until `StreamHandle.resume`. */
  send: (delivery: Delivery, event: StoredEvent) => boolean
}

/** An open stream, as its transport sees it. */
export interface StreamHandle {
  /** The transport takes more again. */
  resume: () => void
  /** The stream has ended; what it had in flight goes to others. */
  close: () => void
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
}

/** Events sent in one go before other work gets its turn. */
const SENDS_PER_TURN = 200

interface LiveQueue {
  name: QueueName
  queue: Queue
  sinks: Map<number, StreamSink>
  pumping: boolean
}

/**
 * Brings events from the logs to the streams of each queue, and acknowledgements to disk. All decisions are made by `Queue`; this reads
 * events, keeps one timer for all deadlines and lets positions be saved together.
 */
export class Dispatcher {
  readonly #reader: NetworkReader
  readonly #clock: Clock
  readonly #limits: DispatcherLimits
  readonly #saver: PositionSaver
  readonly #queues = new Map<string, LiveQueue>()
  #heads: readonly LogHead[]
  #streams = 0
  #lastStream = 0
  #alarm: { at: number, cancel: () => void } | undefined
  #skipped = 0

  constructor (reader: NetworkReader, clients: ClientsStore, clock: Clock, limits: DispatcherLimits, onFatal: (error: unknown) => void) {
    this.#reader = reader
    this.#clock = clock
    this.#limits = limits
    this.#heads = reader.heads()
    this.#saver = new PositionSaver(clients, onFatal)
    for (const { queue: name, position } of clients.queues()) {
      const { id: head } = this.#heads[kindIndex(name.kind)]!
      if (Math.max(position.floor, ...position.ranges.map(({ to }) => to)) > head) throw new PositionBeyondLog(name.kind)
      this.#load(name, new Queue(position, head))
    }
  }

  /** Events that were gone (erased, or taken by retention) when their turn came. */
  get skipped (): number { return this.#skipped }

  /** Opens a stream on a queue; a queue that is not there begins at the newest event. Throws LimitReached. */
  open (name: QueueName, settings: StreamSettings, sink: StreamSink): StreamHandle {
    if (this.#streams >= this.#limits.streams) throw new LimitReached(`the agent serves ${this.#limits.streams} streams already`)
    const live = this.#queues.get(keyOf(name)) ?? this.#create(name)
    const stream = ++this.#lastStream
    this.#streams++
    live.queue.open(stream, settings)
    live.sinks.set(stream, sink)
    this.#pump(live)
    let open = true
    return {
      resume: () => {
        if (!open) return
        live.queue.block(stream, false)
        this.#pump(live)
      },
      close: () => {
        if (!open) return
        open = false
        this.#streams--
        live.sinks.delete(stream)
        live.queue.close(stream)
        this.#pump(live)
      }
    }
  }

  /** Acknowledges one event; resolves once that is on disk. */
  async ack (name: QueueName, id: number): Promise<AckOutcome> {
    const live = this.#queues.get(keyOf(name))
    if (live === undefined) return 'unknown'
    const outcome = live.queue.ack(id)
    if (outcome === 'acknowledged') this.#pump(live)
    // An id that is already acknowledged may still be on its way to the disk, so that answer waits as well.
    if (outcome !== 'unknown') await this.#saver.save(live.name, live.queue)
    return outcome
  }

  /** The logs of `kinds` (by index) have grown and are on disk. */
  grew (kinds: readonly number[], heads: readonly LogHead[]): void {
    this.#reader.refresh()
    this.#heads = heads
    for (const live of this.#queues.values()) {
      const kind = kindIndex(live.name.kind)
      if (!kinds.includes(kind)) continue
      live.queue.grew(heads[kind]!.id)
      this.#pump(live)
    }
  }

  /** Stores where every queue stands, so that the next start redelivers nothing needlessly. Call it after all streams were closed. */
  async stop (): Promise<void> {
    this.#alarm?.cancel()
    await this.#saver.rest([...this.#queues.values()].map(({ name, queue }) => ({ name, queue })))
  }

  #load (name: QueueName, queue: Queue): LiveQueue {
    const live = { name, queue, sinks: new Map<number, StreamSink>(), pumping: false }
    this.#queues.set(keyOf(name), live)
    return live
  }

  #create (name: QueueName): LiveQueue {
    let held = 0
    for (const { name: other } of this.#queues.values()) {
      if (other.tenant === name.tenant && other.client === name.client) held++
    }
    if (held >= this.#limits.queuesPerClient) {
      throw new LimitReached(`this client has ${held} queues already, the most it may have`)
    }
    const head = this.#heads[kindIndex(name.kind)]!.id
    const live = this.#load(name, new Queue({ floor: head, ranges: [], reserved: head }, head))
    // Stored at once: from now on the queue misses nothing, whatever happens to this process.
    void this.#saver.save(name, live.queue)
    return live
  }

  /** Sends what can be sent. A long run is cut into turns, so that acks and other queues are heard in between. */
  #pump (live: LiveQueue): void {
    if (live.pumping) return
    const { queue, sinks } = live
    const now = this.#clock.monotonic()
    queue.expire(now)
    for (let sent = 0; ; sent++) {
      if (sent === SENDS_PER_TURN) {
        live.pumping = true
        setImmediate(() => { live.pumping = false; this.#pump(live) })
        break
      }
      const delivery = queue.next(now)
      if (delivery === undefined) break
      const event = this.#reader.event(kindIndex(live.name.kind), delivery.id)
      if (event?.event === undefined) {
        this.#skipped++
        queue.skip(delivery.id)
      } else if (!sinks.get(delivery.stream)!.send(delivery, event)) queue.block(delivery.stream, true)
    }
    if (queue.unsaved) void this.#saver.save(live.name, queue).then(() => { if (queue.canSend) this.#pump(live) })
    this.#arm(queue.deadline)
  }

  /** One alarm for all queues: the earliest deadline of any. */
  #arm (deadline: number): void {
    if (deadline === Infinity || (this.#alarm !== undefined && this.#alarm.at <= deadline)) return
    this.#alarm?.cancel()
    const cancel = this.#clock.after(deadline - this.#clock.monotonic(), () => {
      this.#alarm = undefined
      for (const live of this.#queues.values()) this.#pump(live)
    })
    this.#alarm = { at: deadline, cancel }
  }
}

function keyOf ({ tenant, client, kind, name }: QueueName): string {
  return `${tenant}\0${client}\0${kind}\0${name}`
}
