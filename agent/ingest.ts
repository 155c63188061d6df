import { CaptureParser } from './capture/parser.ts'
import { Pacer } from './capture/pacer.ts'
import type { Config } from './config/schema.ts'
import type { Sighting } from './diameter/sighting.ts'
import { DEFAULT_TRANSACTION_OPTIONS, Transactions, type TransactionOptions } from './diameter/transactions.ts'
import type { Clock } from './lib/clock.ts'
import { Discards } from './lib/discards.ts'
import { SteadyTime } from './lib/steady-time.ts'
import type { SubscriberEvent } from './location/event.ts'
import type { Subscriber } from './location/subscriber.ts'
import { imported, type ImportedSubscriber } from './location/imported.ts'
import { dueChange } from './location/damping.ts'
import { due, track } from './location/tracker.ts'
import type { TrackerPolicy } from './location/policy.ts'
import type { Committed, NetworkWriter, Outcome, RetentionLimits, Retained } from './store/network-writer.ts'
import type { Tenants } from './store/tenant.ts'
import { StoreFull, type SpaceWatch } from './store/space.ts'
import { Transport, type TransportOptions } from './transport/transport.ts'

/** Sightings that may wait for the disk before a replay is held back. */
const BACKLOG = 20_000
/** How often due events and old ones are looked for. */
const TICK_MS = 1_000
/** Events of each kind that one tick tells at most, so that millions that fall due at once are spread over time. */
const DUE_PER_TICK = 1_000
/** Slices of old events that one tick removes at most. */
const RETENTION_SLICES = 10
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** One sighting on its way to the store. */
interface Arrival {
  imsi: string
  sighting: Sighting
  /** Where it is counted that a network belongs to no known country. */
  discards: Discards
}

/** What one run of captures saw. */
export interface ReplaySummary {
  frames: number
  messages: number
  sightings: number
  events: Record<string, number>
  discards: Record<string, number>
}

/** What ingest needs of its surroundings. */
export interface IngestParts {
  config: Config
  writer: NetworkWriter
  tenants: Tenants
  clock: Clock
  /** When the data were made, ms since 1970: a learning time counts from here. */
  madeAt: number
  /** Told after each commit that told something. */
  onTold: (committed: Committed) => void
  /** Told after each commit that showed SIMs to be reachable whose return is watched. */
  onReturned?: (imsis: string[]) => void
  /** Told after each step of retention. */
  onRetained: (retained: Retained) => void
  space: SpaceWatch
  /** A commit failed: nobody knows what the disk holds, so the process must end. */
  onFatal: (error: unknown) => void
}

/** The upper half: joins capture, transport, diameter and location to the store. */
export class Ingest {
  readonly #parts: IngestParts
  readonly #settings: ReadonlyMap<number, TenantSettings>
  /** The shortest interval of any tenant. */
  readonly #intervalMs: number
  readonly #steady: SteadyTime
  #waiting: Arrival[] = []
  #committing: Promise<void> | undefined
  #replays = 0
  #learnt = false
  /** SIMs whose return somebody waits for. */
  readonly #watched = new Set<string>()
  /** Why sightings were dropped while replays were open. */
  #full: StoreFull | undefined
  #cancelTick: (() => void) | undefined

  constructor (parts: IngestParts) {
    this.#parts = parts
    this.#steady = new SteadyTime(parts.clock)
    this.#settings = tenantSettings(parts)
    this.#intervalMs = Math.min(...[...this.#settings.values()].map(({ intervalMs }) => intervalMs))
  }

  /** Begins to look for due and old events, every second. */
  start (): void {
    this.#cancelTick = this.#parts.clock.after(TICK_MS, () => {
      void this.tick().catch(this.#parts.onFatal).then(() => { if (this.#cancelTick !== undefined) this.start() })
    })
  }

  /** Ends the ticks and resolves when all that was taken is on disk. */
  async stop (): Promise<void> {
    this.#cancelTick?.()
    this.#cancelTick = undefined
    await this.flushed()
  }

  /** Looks once for events that are due by the wall clock, and for old ones. A running replay has its own time, so it is left alone. */
  async tick (): Promise<void> {
    const { writer, clock, config, space } = this.#parts
    const now = clock.now()
    const low = space.check()
    if (this.#replays === 0 && !low) {
      for (const tenant of writer.former) await writer.commitHeld(tenant, now, DUE_PER_TICK, unchanged)
      for (const [tenant, { intervalMs, dampingMs }] of this.#settings) {
        const policy = this.#policy('live', tenant)
        this.#announce(await writer.commitHeld(tenant, now - dampingMs, DUE_PER_TICK, state => state === undefined ? UNKNOWN : dueChange(state, now, policy)))
        this.#announce(await writer.commitDue(tenant, now - intervalMs, DUE_PER_TICK, state => state === undefined ? UNKNOWN : due(state, now, policy)))
      }
    }
    await this.#retain({ before: this.#steady.now() - config.store.retention_days * DAY_MS, maxBytes: config.store.retention_mib * 2 ** 20 })
  }

  /** Removes old events, slice by slice, so that what is told meanwhile is not held up. */
  async #retain (limits: RetentionLimits): Promise<void> {
    for (let slice = 0; slice < RETENTION_SLICES; slice++) {
      const retained = await this.#parts.writer.retain(limits)
      if (retained === undefined) return
      this.#parts.onRetained(retained)
    }
  }

  /** Takes subscribers that are known already; resolves once they are on disk with what they were. Rejects with StoreFull. */
  async import (rows: readonly ImportedSubscriber[]): Promise<Imported> {
    this.#parts.space.demand()
    return await importSubscribers(rows, this.#parts.writer)
  }

  /** From now on the return of these SIMs is told; of those that are not `wanted`, it is not any more. */
  watch (imsis: readonly string[], wanted: boolean): void {
    for (const imsi of imsis) {
      if (wanted) this.#watched.add(imsi)
      else this.#watched.delete(imsi)
    }
  }

  /** Erases a SIM; resolves with how many of its events went, once that is on disk. */
  async forget (imsi: string): Promise<number> {
    await this.flushed()
    return await this.#parts.writer.forget(imsi)
  }

  /** Opens a run of capture files. Throws StoreFull, as the run does when room runs out on the way. */
  replay (speed: number): Replay {
    this.#parts.space.demand()
    if (this.#replays++ === 0) this.#full = undefined
    return new Replay(this.#parts, speed, {
      offer: (sighting, discards) => { this.#offer(sighting, discards) },
      flushed: async () => {
        await this.flushed()
        if (this.#full !== undefined) throw this.#full
      },
      held: async () => {
        if (this.#waiting.length >= BACKLOG) await this.flushed()
        if (this.#full !== undefined) throw this.#full
      },
      closed: async until => {
        try {
          if (until > 0) await this.#dueUntil(until)
        } finally {
          this.#replays--
        }
      }
    })
  }

  /** Resolves when nothing waits for the disk. */
  async flushed (): Promise<void> {
    while (this.#committing !== undefined) await this.#committing
  }

  #offer (sighting: Sighting, discards: Discards): void {
    if (this.#parts.tenants.of(sighting.imsi) === undefined) {
      discards.count('tenant.none')
      return
    }
    this.#waiting.push({ imsi: sighting.imsi, sighting, discards })
    this.#committing ??= this.#commitAll()
  }

  /** Commits what waits, batch after batch; while one is on its way to the disk the next one gathers. */
  async #commitAll (): Promise<void> {
    const { clock, config, onFatal } = this.#parts
    try {
      while (this.#waiting.length > 0) {
        if (this.#waiting.length < config.store.batch_events) await pause(clock, config.store.batch_ms)
        await this.#commitBatch()
      }
    } catch (error) {
      if (error instanceof StoreFull) {
        this.#drop(error)
        return
      }
      onFatal(error)
      await new Promise<never>(() => {})
    }
    this.#committing = undefined
  }

  /**
   * One batch, cut so that capture time within it stays below the interval: whatever falls due between two sightings is then found
   * between their batches, at its own time.
   */
  async #commitBatch (): Promise<void> {
    const { config, writer, space } = this.#parts
    space.demand()
    const first = this.#waiting[0]!.sighting.time
    await this.#dueUntil(first)
    let size = 0
    while (size < this.#waiting.length && size < config.store.batch_events && this.#waiting[size]!.sighting.time < first + this.#intervalMs) size++
    const batch = this.#waiting.splice(0, Math.max(1, size))
    const policies = new Map([...this.#settings.keys()].map(tenant => [tenant, this.#policy('replay', tenant)]))
    const step = (state: Subscriber | undefined, { sighting, discards }: Arrival, tenant: number): Outcome => {
      const tracked = track(state, sighting, policies.get(tenant)!)
      if (tracked.unknownCountry) discards.count('location.unknown-country')
      return tracked
    }
    this.#announce(await writer.commit(batch, step))
    if (this.#watched.size > 0) this.#tellReturned(batch)
  }

  /** A SIM that registers, or that its node says is reachable, has returned. */
  #tellReturned (batch: readonly Arrival[]): void {
    const returned = batch.filter(({ imsi, sighting }) => this.#watched.has(imsi) && (sighting.kind === 'ULR' || sighting.reachable))
    if (returned.length > 0) this.#parts.onReturned?.([...new Set(returned.map(({ imsi }) => imsi))])
  }

  /** There is no room: what waits is counted and passed over, and the replays it came from are told. */
  #drop (full: StoreFull): void {
    for (const { discards } of this.#waiting) discards.count('store.full')
    this.#waiting = []
    this.#full = full
    this.#committing = undefined
  }

  /** Tells what fell due up to a moment of capture time, each at the moment it did. */
  async #dueUntil (time: number): Promise<void> {
    const { writer } = this.#parts
    for (const tenant of writer.former) await this.#all(async () => await writer.commitHeld(tenant, time, DUE_PER_TICK, unchanged))
    for (const [tenant, { intervalMs, dampingMs }] of this.#settings) {
      const policy = this.#policy('replay', tenant)
      await this.#all(async () => await writer.commitHeld(tenant, time - dampingMs, DUE_PER_TICK, state =>
        state === undefined ? UNKNOWN : dueChange(state, time, policy)))
      await this.#all(async () => await writer.commitDue(tenant, time - intervalMs, DUE_PER_TICK, (state, { toldAt }) =>
        state === undefined ? UNKNOWN : due(state, toldAt + intervalMs, policy)))
    }
  }

  /** Takes slice after slice of what is due, until there is none. */
  async #all (slice: () => ReturnType<NetworkWriter['commitDue']>): Promise<void> {
    for (let examined = 1; examined > 0;) {
      const told = await slice()
      this.#announce(told)
      examined = told.examined
    }
  }

  #announce (committed: Committed): void {
    if (committed.grown.length > 0) this.#parts.onTold(committed)
  }

  #policy (mode: TrackerPolicy['mode'], tenant: number): TrackerPolicy {
    const { config } = this.#parts
    const { intervalMs, dampingMs, homeCountry } = this.#settings.get(tenant)!
    return {
      mode,
      periodicIntervalMs: intervalMs,
      registeredWithoutSignMs: config.tracker.registered_without_sign_days * DAY_MS,
      countryChangeDampingMs: dampingMs,
      homeCountryExcluded: homeCountry === '' ? undefined : homeCountry,
      learning: this.#learning()
    }
  }

  /** Whether new SIMs are recorded and not told. Once over it stays so, whatever the wall clock says then. */
  #learning (): boolean {
    const { config, clock, madeAt } = this.#parts
    this.#learnt ||= config.tracker.learning_hours === 0 || clock.now() >= madeAt + config.tracker.learning_hours * HOUR_MS
    return !this.#learnt
  }
}

/** What a tenant decides about its events. */
interface TenantSettings {
  /** Time after which a country is told again, ms. */
  intervalMs: number
  /** Time after a country change for which further ones are held back, ms; 0: none is. */
  dampingMs: number
  /** Country without periodic events; empty: all are told. */
  homeCountry: string
}

function tenantSettings ({ config, tenants }: IngestParts): Map<number, TenantSettings> {
  const { tracker } = config
  return new Map(tenants.all.map(({ number, name }) => {
    const own = config.tenants.find(tenant => tenant.name === name)
    return [number, {
      intervalMs: Math.ceil((own?.periodic_interval_hours ?? tracker.periodic_interval_hours) * HOUR_MS),
      dampingMs: (own?.country_change_damping_minutes ?? tracker.country_change_damping_minutes) * MINUTE_MS,
      homeCountry: own?.home_country ?? tracker.home_country
    }]
  }))
}

/** What an import did. */
export interface Imported {
  /** Subscribers that were new or changed. */
  changed: number
  /** Rows whose SIMs are nobody's: they are not stored. */
  nobodys: number
}

/** Stores subscribers that are known already, each with its tenant. */
export async function importSubscribers (rows: readonly ImportedSubscriber[], writer: NetworkWriter): Promise<Imported> {
  const { changed, nobodys } = await writer.commit(rows, (state, row) => ({ state: imported(state, row), events: NO_EVENTS }))
  return { changed, nobodys }
}

const NO_EVENTS: readonly SubscriberEvent[] = []
const UNKNOWN: Outcome = { state: undefined, events: NO_EVENTS }

/** Leaves a subscriber as it is: one that is another tenant's by now moves there all the same. */
const unchanged = (state: Subscriber | undefined): Outcome => ({ state, events: NO_EVENTS })

/** The settings of the transport stage, in its own words. */
function transportOptions ({ capture }: Config): TransportOptions {
  return { ports: capture.ports, tlsPorts: capture.tls_ports, bufferBytes: capture.reassembly_mib * 2 ** 20 }
}

/** The settings of the transaction table, in its own words. */
function transactionOptions ({ diameter }: Config): TransactionOptions {
  return { ...DEFAULT_TRANSACTION_OPTIONS, pendingRequests: diameter.pending_requests, pendingAgeMs: diameter.pending_seconds * 1000 }
}

interface ReplayPorts {
  offer: (sighting: Sighting, discards: Discards) => void
  flushed: () => Promise<void>
  held: () => Promise<void>
  closed: (until: number) => Promise<void>
}

/** One run of capture files through the whole upper half. */
export class Replay {
  readonly #ports: ReplayPorts
  readonly #discards = new Discards()
  readonly #transport: Transport
  readonly #transactions: Transactions
  readonly #pacer: Pacer | undefined
  #parser: CaptureParser | undefined
  #sightings = 0
  #newest = 0

  constructor ({ config, clock }: IngestParts, speed: number, ports: ReplayPorts) {
    this.#ports = ports
    this.#transactions = new Transactions(transactionOptions(config), sighting => {
      this.#sightings++
      this.#newest = Math.max(this.#newest, sighting.time)
      ports.offer(sighting, this.#discards)
    }, this.#discards)
    this.#transport = new Transport(transportOptions(config), this.#transactions.message, this.#discards)
    this.#pacer = speed > 0 ? new Pacer(clock, speed, this.#transport.frame) : undefined
  }

  /** Takes the next bytes of a file; resolves when more may come. Throws CaptureFormatError at the start of what is no capture. */
  async data (bytes: Uint8Array): Promise<void> {
    this.#parser ??= new CaptureParser(this.#pacer?.frame ?? this.#transport.frame, this.#discards)
    this.#parser.push(bytes)
    await this.#pacer?.play()
    await this.#ports.held()
  }

  /** Ends one file. Throws CaptureFormatError when it was no capture. */
  async endOfFile (): Promise<void> {
    const parser = this.#parser ?? new CaptureParser(this.#transport.frame, this.#discards)
    this.#parser = undefined
    parser.end()
    await this.#pacer?.play()
    this.#transport.nextFile()
  }

  /** Ends the run; resolves once all of it is on disk, with what was seen. `events` is filled by whoever hears of the commits. */
  async close (): Promise<ReplaySummary> {
    this.#transport.end()
    this.#transactions.end()
    try {
      await this.#ports.flushed()
    } catch (error) {
      await this.#ports.closed(0)
      throw error
    }
    await this.#ports.closed(this.#newest)
    const { frames, messages } = this.#transport.stats()
    return { frames, messages, sightings: this.#sightings, events: {}, discards: this.#discards.counts() }
  }
}

/** Waits for the clock. */
async function pause (clock: Clock, ms: number): Promise<void> {
  await new Promise<void>(resolve => { clock.after(ms, resolve) })
}
