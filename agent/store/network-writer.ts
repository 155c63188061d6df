import type { Clock } from '../lib/clock.ts'
import { isHeldBack } from '../location/damping.ts'
import { EVENT_KINDS, type SubscriberEvent } from '../location/event.ts'
import { unknownSubscriber, type Subscriber } from '../location/subscriber.ts'
import { Commits } from './commits.ts'
import { decodeEvent, encodeEvent } from './event-record.ts'
import { Forgotten } from './forgotten.ts'
import { encodeHead } from './head.ts'
import { decodeDueKey, decodeEventKey, dueKey, eventKey, numberKey, subscriberKey } from './keys.ts'
import type { Table } from './environment.ts'
import { headKey, type EventLog, type Heads } from './event-log.ts'
import { readHeads, type WritableNetwork } from './network.ts'
import { dueRange, eventRange } from './ranges.ts'
import { decodeSubscriber, encodeSubscriber } from './subscriber-record.ts'
import { knownTenants } from './tenant-table.ts'
import type { Tenant, Tenants } from './tenant.ts'

/** What one step made of a subscriber: the same state object where nothing changed. */
export interface Outcome {
  state: Subscriber | undefined
  events: readonly SubscriberEvent[]
}

/** Computes the next state of a tenant's subscriber; pure, and it must not throw. */
export type Step<T> = (state: Subscriber | undefined, item: T, tenant: number) => Outcome

/** Something that happens to a SIM. */
interface Item { imsi: string }

/** Computes what becomes of a subscriber that something was told of at `toldAt`, ms since 1970. */
type DueStep = Step<Item & { toldAt: number }>

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
  /** Items whose SIMs are no tenant's: nothing is stored of them. */
  nobodys: number
  /** Logs that grew or lost their beginning, and where all of them begin and end now. */
  grown: EventLog[]
  heads: Heads
}

/** What one commit of due subscribers did. */
interface CommittedDue extends Committed {
  /** Entries of the index that were looked at. */
  examined: number
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
  taken: (EventLog & { count: number })[]
  heads: Heads
}

/** An event that retention takes. */
interface Doomed { key: Buffer, committedAt: number }

/** Events of one log that one retention step removes at most, so that no commit stalls. */
const RETENTION_SLICE = 5_000

/** Events that an erasure looks at before other work gets its turn. */
const ERASURE_SLICE = 20_000

/** The only writer of what the network said. One commit holds the subscribers' new states and the events they caused. */
export class NetworkWriter {
  readonly #network: WritableNetwork
  readonly #tenants: Tenants
  /** Every tenant that ever had data here, the configured ones among them. */
  readonly #known: readonly Tenant[]
  readonly #clock: Clock
  readonly #commits: Commits
  readonly #forgotten: Forgotten
  #heads: Heads

  /** The configured tenants must have their numbers. `erasureKey`: 32 secret bytes for what stays of erased SIMs. Throws RecordDamaged. */
  constructor (network: WritableNetwork, tenants: Tenants, clock: Clock, erasureKey: Uint8Array) {
    this.#network = network
    this.#tenants = tenants
    this.#known = knownTenants(network)
    this.#clock = clock
    this.#commits = new Commits(network.root)
    this.#forgotten = new Forgotten(network.forgotten, erasureKey)
    this.#heads = readHeads(network, this.#known)
  }

  /**
   * Runs `step` over the items in order, each on its subscriber's newest state, and commits the results as one. Resolves once all of it
   * is on disk. Rejects when the disk failed: nobody can know then what it holds, so the process must end.
   */
  async commit<T extends Item> (items: readonly T[], step: Step<T>): Promise<Committed> {
    return await this.#transaction(committed => {
      for (const item of items) {
        const owner = this.#tenants.of(item.imsi)
        if (owner === undefined) committed.nobodys++
        else this.#apply(owner.number, item, step, committed)
      }
    })
  }

  /**
   * Takes up to `limit` subscribers of a tenant whose periodic-country event was told at `toldUntil` (ms since 1970) or before and runs
   * `step` over them. Their entries of the index go; a state that is told again has a new one. A SIM that is another tenant's by now
   * moves there. Resolves with how many were looked at, too.
   */
  async commitDue (tenant: number, toldUntil: number, limit: number, step: DueStep): Promise<CommittedDue> {
    return await this.#commitIndexed(this.#network.due, tenant, toldUntil, limit, step)
  }

  /**
   * The same for subscribers whose country change is held back and whose last one was told at `toldUntil` or before: `step` must tell it or
   * find that there is none any more, since it is not looked for again.
   */
  async commitHeld (tenant: number, toldUntil: number, limit: number, step: DueStep): Promise<CommittedDue> {
    return await this.#commitIndexed(this.#network.held, tenant, toldUntil, limit, step)
  }

  /** Numbers of tenants that had data here and are not configured any more. */
  get former (): number[] {
    return this.#known.map(({ number }) => number).filter(number => this.#tenants.byNumber(number) === undefined)
  }

  async #commitIndexed (index: Table, tenant: number, toldUntil: number, limit: number, step: DueStep): Promise<CommittedDue> {
    const keys: Buffer[] = []
    for (const key of index.getKeys(dueRange(tenant, toldUntil, limit))) keys.push(key)
    if (keys.length === 0) return { ...nothing(this.#heads), examined: 0 }
    const committed = await this.#transaction(committed => {
      for (const key of keys) {
        void index.remove(key)
        const item = decodeDueKey(key)
        const owner = this.#tenants.of(item.imsi)
        if (owner?.number === tenant) this.#apply(tenant, item, step, committed)
        else if (owner !== undefined) this.#apply(owner.number, item, state => ({ state, events: [] }), committed)
      }
    })
    return { ...committed, examined: keys.length }
  }

  /**
   * Removes up to 5,000 events of each log that were committed before `before` (ms since 1970), and of the oldest ones while the logs take
   * more than `maxBytes` on disk. Resolves with what went, once that is on disk; undefined when nothing did.
   */
  async retain ({ before, maxBytes }: RetentionLimits): Promise<Retained | undefined> {
    const doomed = new Map<EventLog, Doomed[]>(this.#logs().map(log => [log, this.#oldest(log, before)]))
    if (this.#network.events.size > maxBytes) {
      const log = this.#oldestLog([...doomed.keys()])
      if (log !== undefined) doomed.set(log, this.#oldest(log, Infinity))
    }
    const taken = [...doomed].filter(([, events]) => events.length > 0)
    if (taken.length === 0) return undefined
    const heads = await this.#removeOldest(taken)
    return { taken: taken.map(([log, events]) => ({ ...log, count: events.length })), heads }
  }

  /**
   * Erases a SIM: its state, and its events, of which tombstones stay so that ids have no gaps. Resolves with how many events went, once all
   * of it is on disk; what LMDB has freed stays in the file until it is used again or compacted.
   */
  async forget (imsi: string): Promise<number> {
    await this.#transaction(() => {
      for (const { number } of this.#known) {
        const state = this.#read(number, imsi)
        if (state === undefined) continue
        this.#remove(number, state)
        for (const { toldAt } of state.visited) void this.#network.due.remove(dueKey(number, toldAt, imsi))
        this.#forgotten.add(imsi)
      }
    })
    let erased = 0
    for (let from: Buffer | undefined = FIRST_KEY; from !== undefined;) {
      const { found, next } = this.#eventsOf(imsi, from)
      erased += found.length
      from = next
      if (found.length > 0) {
        await this.#transaction(() => {
          for (const { key, committedAt } of found) {
            // Retention may have been quicker: a tombstone before the log's beginning would be damage.
            if (this.#network.events.get(key) !== undefined) this.#network.events.put(key, encodeEvent({ committedAt, event: undefined }))
          }
        })
      } else await new Promise<void>(resolve => { setImmediate(resolve) })
    }
    return erased
  }

  /** Writes nothing more; resolves when what is under way has ended. Before an exit that cannot wait for an orderly end. */
  async halt (): Promise<void> {
    await this.#commits.halt()
  }

  async close (): Promise<void> {
    await this.#network.root.close()
  }

  /** Events of a SIM among the next ones from a key on, and where to go on. */
  #eventsOf (imsi: string, from: Buffer): { found: Doomed[], next: Buffer | undefined } {
    const found: Doomed[] = []
    let last: Buffer | undefined
    let read = 0
    for (const { key, value } of this.#network.events.getRange({ start: from, limit: ERASURE_SLICE })) {
      const { committedAt, event } = decodeEvent(value)
      if (event?.imsi === imsi) found.push({ key, committedAt })
      last = key
      read++
    }
    return { found, next: read < ERASURE_SLICE ? undefined : Buffer.concat([last!, Buffer.of(0)]) }
  }

  #logs (): EventLog[] {
    return this.#known.flatMap(({ number: tenant }) => EVENT_KINDS.map((_, kind) => ({ tenant, kind })))
  }

  /** The oldest events of a log that were committed before a time. */
  #oldest ({ tenant, kind }: EventLog, before: number): Doomed[] {
    const found: Doomed[] = []
    for (const { key, value } of this.#network.events.getRange(eventRange(tenant, kind, 0, RETENTION_SLICE))) {
      const { committedAt } = decodeEvent(value)
      if (committedAt >= before) break
      found.push({ key, committedAt })
    }
    return found
  }

  /** The log whose oldest event was committed before any other's. */
  #oldestLog (logs: readonly EventLog[]): EventLog | undefined {
    let oldest: { log: EventLog, committedAt: number } | undefined
    for (const log of logs) {
      for (const { value } of this.#network.events.getRange(eventRange(log.tenant, log.kind, 0, 1))) {
        const { committedAt } = decodeEvent(value)
        if (oldest === undefined || committedAt < oldest.committedAt) oldest = { log, committedAt }
      }
    }
    return oldest?.log
  }

  async #removeOldest (doomed: [EventLog, Doomed[]][]): Promise<Heads> {
    const { heads } = await this.#transaction(({ heads, grown }) => {
      for (const [log, events] of doomed) {
        const { key, committedAt } = events.at(-1)!
        for (const { key } of events) this.#network.events.remove(key)
        const head = heads.get(log.tenant)![log.kind]!
        head.oldest = decodeEventKey(key).id + 1
        head.takenAt = committedAt
        grown.push(log)
      }
    })
    return heads
  }

  async #transaction (work: (committed: Committed) => void): Promise<Committed> {
    const committed = nothing(new Map())
    // A throw inside the callback would not roll back, so it is carried out of it; the caller ends the process.
    let failure: unknown
    await this.#commits.run(() => {
      try {
        // Callbacks run one after the other, in one transaction or in several: each goes on from where the one before it ended.
        const heads = committed.heads = new Map([...this.#heads].map(([tenant, heads]) => [tenant, heads.map(head => ({ ...head }))]))
        work(committed)
        for (const log of committed.grown) this.#network.heads.put(headKey(log), encodeHead(heads.get(log.tenant)![log.kind]!))
        this.#heads = heads
      } catch (error) { failure = error }
    })
    if (failure !== undefined) throw failure
    return committed
  }

  #apply<T extends Item> (tenant: number, item: T, step: Step<T>, committed: Committed): void {
    const found = this.#find(tenant, item.imsi)
    const before = found?.state ?? this.#remains(item.imsi)
    const { state, events } = step(before, item, tenant)
    const moves = found !== undefined && found.tenant !== tenant
    if (state !== undefined && (state !== before || moves)) {
      if (moves) this.#remove(found.tenant, found.state)
      this.#write(tenant, moves ? undefined : found?.state, state)
      if (found === undefined && before !== undefined) this.#forgotten.remove(item.imsi)
      committed.changed++
    }
    for (const event of events) this.#tell(tenant, event, committed)
  }

  /** A SIM's newest state, and whose it was then: its range may have moved since. */
  #find (tenant: number, imsi: string): { tenant: number, state: Subscriber } | undefined {
    const own = this.#read(tenant, imsi)
    if (own !== undefined) return { tenant, state: own }
    for (const { number } of this.#known) {
      const state = number === tenant ? undefined : this.#read(number, imsi)
      if (state !== undefined) return { tenant: number, state }
    }
    return undefined
  }

  /** Of a SIM that was erased nothing is known but that it was there before. */
  #remains (imsi: string): Subscriber | undefined {
    return this.#forgotten.has(imsi) ? { ...unknownSubscriber(imsi), attached: true } : undefined
  }

  #read (tenant: number, imsi: string): Subscriber | undefined {
    const record = this.#network.subscribers.get(subscriberKey(tenant, imsi))
    return record === undefined ? undefined : decodeSubscriber(imsi, record, this.#network.nodes.node)
  }

  /** Its entries in the due index stay until they are due: they lead to nothing then. */
  #remove (tenant: number, state: Subscriber): void {
    const { imsi, number } = state
    this.#network.subscribers.remove(subscriberKey(tenant, imsi))
    this.#indexHeld(tenant, state, undefined)
    if (number !== undefined) void this.#network.numbers.remove(numberKey(tenant, number, imsi))
  }

  #write (tenant: number, before: Subscriber | undefined, state: Subscriber): void {
    const { subscribers, numbers, due, nodes } = this.#network
    subscribers.put(subscriberKey(tenant, state.imsi), encodeSubscriber(state, nodes.intern))
    if (before?.number !== state.number) {
      if (before?.number !== undefined) void numbers.remove(numberKey(tenant, before.number, state.imsi))
      if (state.number !== undefined) void numbers.put(numberKey(tenant, state.number, state.imsi), EMPTY)
    }
    this.#indexHeld(tenant, before, state)
    if (before?.visited === state.visited) return
    for (const { country, toldAt } of state.visited) {
      const old = before?.visited.find(visit => visit.country === country)
      if (old?.toldAt !== toldAt) void due.put(dueKey(tenant, toldAt, state.imsi), EMPTY)
    }
  }

  #indexHeld (tenant: number, before: Subscriber | undefined, after: Subscriber | undefined): void {
    const { held } = this.#network
    for (const [state, write] of [[before, false], [after, true]] as const) {
      if (state?.lastChange === undefined || !isHeldBack(state)) continue
      const key = dueKey(tenant, state.lastChange.time, state.imsi)
      if (write) void held.put(key, EMPTY)
      else void held.remove(key)
    }
  }

  #tell (tenant: number, event: SubscriberEvent, committed: Committed): void {
    const kind = EVENT_KINDS.indexOf(event.kind)
    const head = committed.heads.get(tenant)![kind]!
    head.id++
    head.committedAt = Math.max(head.committedAt, this.#clock.now())
    this.#network.events.put(eventKey(tenant, kind, head.id), encodeEvent({ committedAt: head.committedAt, event }))
    if (!committed.grown.some(log => log.tenant === tenant && log.kind === kind)) committed.grown.push({ tenant, kind })
    committed.events.push({ id: head.id, event })
  }
}

const EMPTY = Buffer.alloc(0)

/** Sorts before every key. */
const FIRST_KEY = Buffer.of(0)

function nothing (heads: Heads): Committed {
  return { events: [], changed: 0, nobodys: 0, grown: [], heads }
}
