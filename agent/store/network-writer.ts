import type { Clock } from '../lib/clock.ts'
import { EVENT_KINDS, type SubscriberEvent } from '../location/event.ts'
import type { Subscriber } from '../location/subscriber.ts'
import { Commits } from './commits.ts'
import { decodeEvent, encodeEvent } from './event-record.ts'
import { encodeHead, type LogHead } from './head.ts'
import { decodeDueKey, decodeEventKey, dueKey, eventKey, numberKey, subscriberKey } from './keys.ts'
import { headKey, readHeads, type Network } from './network.ts'
import { dueRange, eventRange } from './ranges.ts'
import { decodeSubscriber, encodeSubscriber } from './subscriber-record.ts'

/** What one step made of a subscriber: the same state object where nothing changed. */
export interface Outcome {
  state: Subscriber | undefined
  events: readonly SubscriberEvent[]
}

/** Computes a subscriber's next state; pure, and it must not throw. */
export type Step<T> = (state: Subscriber | undefined, item: T) => Outcome

/** An event as it was told. */
interface ToldEvent {
  id: number
  event: SubscriberEvent
}

/** What one commit did. */
export interface Committed {
  events: ToldEvent[]
  /** Subscribers written. */
  changed: number
  /** Kinds (by index in EVENT_KINDS) whose log grew or lost its beginning, and the new heads of all. */
  grown: number[]
  heads: LogHead[]
}

/** How much of the event logs is kept. */
export interface RetentionLimits {
  /** Events committed before it go, ms since 1970. */
  before: number
  /** Size on disk above which the oldest go. */
  maxBytes: number
}

/** What a retention step took. */
export interface Retained {
  /** How many events of each kind, in the order of EVENT_KINDS. */
  taken: number[]
  heads: LogHead[]
}

/** Events of one kind that one retention step removes at most, so that no commit stalls. */
const RETENTION_SLICE = 5_000

/** The only writer of what the network said. One commit holds the subscribers' new states and the events they caused. */
export class NetworkWriter {
  readonly #network: Network
  readonly #tenant: number
  readonly #clock: Clock
  readonly #commits: Commits
  #heads: LogHead[]

  constructor (network: Network, tenant: number, clock: Clock) {
    this.#network = network
    this.#commits = new Commits(network.root)
    this.#tenant = tenant
    this.#clock = clock
    this.#heads = readHeads(network, tenant)
  }

  get heads (): readonly LogHead[] { return this.#heads }

  /**
   * Runs `step` over the items in order, each on its subscriber's newest state, and commits the results as one. Resolves once all of it
   * is on disk. Rejects when the disk failed: nobody can know then what it holds, so the process must end.
   */
  async commit<T extends { imsi: string }> (items: readonly T[], step: Step<T>): Promise<Committed> {
    return await this.#transaction(committed => {
      for (const item of items) this.#apply(item, step, committed)
    })
  }

  /**
   * Takes up to `limit` subscribers whose periodic-country event was told at `toldUntil` (ms since 1970) or before and runs `step` over them.
   * Their entries of the index go; a state that is told again has a new one. Resolves with how many were looked at, too.
   */
  async commitDue (toldUntil: number, limit: number, step: Step<{ imsi: string, toldAt: number }>): Promise<Committed & { examined: number }> {
    const keys: Buffer[] = []
    for (const key of this.#network.due.getKeys(dueRange(this.#tenant, toldUntil, limit))) keys.push(key)
    if (keys.length === 0) return { ...nothing(this.#heads), examined: 0 }
    const committed = await this.#transaction(committed => {
      for (const key of keys) {
        void this.#network.due.remove(key)
        this.#apply(decodeDueKey(key), step, committed)
      }
    })
    return { ...committed, examined: keys.length }
  }

  /**
   * Removes up to 5,000 events of each kind that were committed before `before` (ms since 1970), and of the oldest ones while the logs take
   * more than `maxBytes` on disk. Resolves with how many went of each kind, once that is on disk; undefined when none did.
   */
  async retain ({ before, maxBytes }: RetentionLimits): Promise<Retained | undefined> {
    const doomed = EVENT_KINDS.map((_, kind) => this.#oldest(kind, before))
    if (this.#eventBytes() > maxBytes) {
      const kind = this.#oldestKind()
      if (kind !== undefined) doomed[kind] = this.#oldest(kind, Infinity)
    }
    if (doomed.every(keys => keys.length === 0)) return undefined
    const heads = await this.#removeOldest(doomed)
    return { taken: doomed.map(keys => keys.length), heads }
  }

  /** A subscriber's newest state. */
  subscriber (imsi: string): Subscriber | undefined {
    const record = this.#network.subscribers.get(subscriberKey(this.#tenant, imsi))
    return record === undefined ? undefined : decodeSubscriber(imsi, record, this.#network.nodes.node)
  }

  /** Writes nothing more; resolves when what is under way has ended. Before an exit that cannot wait for an orderly end. */
  async halt (): Promise<void> {
    await this.#commits.halt()
  }

  async close (): Promise<void> {
    await this.#network.root.close()
  }

  /** Keys of the oldest events of a kind that were committed before a time. */
  #oldest (kind: number, before: number): { key: Buffer, committedAt: number }[] {
    const found: { key: Buffer, committedAt: number }[] = []
    for (const { key, value } of this.#network.events.getRange(eventRange(this.#tenant, kind, 0, RETENTION_SLICE))) {
      const { committedAt } = decodeEvent(value)
      if (committedAt >= before) break
      found.push({ key, committedAt })
    }
    return found
  }

  /** The kind whose oldest event was committed before any other's. */
  #oldestKind (): number | undefined {
    let oldest: { kind: number, committedAt: number } | undefined
    EVENT_KINDS.forEach((_, kind) => {
      for (const { value } of this.#network.events.getRange(eventRange(this.#tenant, kind, 0, 1))) {
        const { committedAt } = decodeEvent(value)
        if (oldest === undefined || committedAt < oldest.committedAt) oldest = { kind, committedAt }
      }
    })
    return oldest?.kind
  }

  /** What the event logs take on disk. */
  #eventBytes (): number {
    const { treeBranchPageCount, treeLeafPageCount, overflowPages, pageSize } = this.#network.events.getStats() as Record<string, number>
    return (treeBranchPageCount! + treeLeafPageCount! + overflowPages!) * pageSize!
  }

  async #removeOldest (doomed: { key: Buffer, committedAt: number }[][]): Promise<LogHead[]> {
    const { heads } = await this.#transaction(({ heads, grown }) => {
      doomed.forEach((events, kind) => {
        const last = events.at(-1)
        if (last === undefined) return
        for (const { key } of events) void this.#network.events.remove(key)
        heads[kind]!.oldest = decodeEventKey(last.key).id + 1
        heads[kind]!.takenAt = last.committedAt
        grown.push(kind)
      })
    })
    return heads
  }

  async #transaction (work: (committed: Committed) => void): Promise<Committed> {
    const committed: Committed = { events: [], changed: 0, grown: [], heads: [] }
    // A throw inside the callback would not roll back, so it is carried out of it; the caller ends the process.
    let failure: unknown
    await this.#commits.run(() => {
      try {
        // Callbacks run one after the other, in one transaction or in several: each goes on from where the one before it ended.
        const heads = committed.heads = this.#heads.map(head => ({ ...head }))
        work(committed)
        for (const kind of committed.grown) void this.#network.heads.put(headKey(this.#tenant, kind), encodeHead(heads[kind]!))
        this.#heads = heads
      } catch (error) { failure = error }
    })
    if (failure !== undefined) throw failure
    return committed
  }

  #apply<T extends { imsi: string }> (item: T, step: Step<T>, committed: Committed): void {
    const before = this.subscriber(item.imsi)
    const { state, events } = step(before, item)
    if (state !== undefined && state !== before) {
      this.#write(before, state)
      committed.changed++
    }
    for (const event of events) this.#tell(event, committed)
  }

  #write (before: Subscriber | undefined, state: Subscriber): void {
    const { subscribers, numbers, due, nodes } = this.#network
    const tenant = this.#tenant
    void subscribers.put(subscriberKey(tenant, state.imsi), encodeSubscriber(state, nodes.intern))
    if (before?.number !== state.number) {
      if (before?.number !== undefined) void numbers.remove(numberKey(tenant, before.number, state.imsi))
      if (state.number !== undefined) void numbers.put(numberKey(tenant, state.number, state.imsi), EMPTY)
    }
    if (before?.visited === state.visited) return
    for (const { country, toldAt } of state.visited) {
      const old = before?.visited.find(visit => visit.country === country)
      if (old?.toldAt !== toldAt) void due.put(dueKey(tenant, toldAt, state.imsi), EMPTY)
    }
  }

  #tell (event: SubscriberEvent, committed: Committed): void {
    const kind = EVENT_KINDS.indexOf(event.kind)
    const head = committed.heads[kind]!
    head.id++
    head.committedAt = Math.max(head.committedAt, this.#clock.now())
    void this.#network.events.put(eventKey(this.#tenant, kind, head.id), encodeEvent({ committedAt: head.committedAt, event }))
    if (!committed.grown.includes(kind)) committed.grown.push(kind)
    committed.events.push({ id: head.id, event })
  }
}

const EMPTY = Buffer.alloc(0)

function nothing (heads: LogHead[]): Committed {
  return { events: [], changed: 0, grown: [], heads }
}
