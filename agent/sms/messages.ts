import type { Clock } from '../lib/clock.ts'
import type { Discards } from '../lib/discards.ts'
import type { Message } from '../store/message-record.ts'
import type { OutboxCommitted, OutboxStore } from '../store/outbox.ts'
import type { ReceivedSmsEvent } from '../store/sms-event.ts'
import type { Link } from './link.ts'
import { cancelled, type MessagePolicy } from './message.ts'
import { Occupancy, type OutboxLimits } from './occupancy.ts'
import { Outbox, type Acceptance, type Order } from './outbox.ts'
import { Receipts } from './receipts.ts'
import { Relay } from './relay.ts'
import type { Destination } from './submission.ts'

/** How long an orderly stop waits for what the links have under way, ms. */
const STOP_MS = 3_000

/** Messages that are read in one go, and that one commit erases, at most. */
const SLICE = 500

/** What the relay of short messages needs of the rest of the house. */
export interface MessagesParts {
  store: OutboxStore
  clock: Clock
  discards: Discards
  links: readonly Link[]
  limits: OutboxLimits
  policy: MessagePolicy
  paths: (message: Message, destination: Destination | undefined) => readonly Link[]
  find: (tenant: number, msisdn: string) => Destination | undefined
  /** Whether a SIM's return is told from now on; resolves once it is so. */
  watch: (imsis: readonly string[], wanted: boolean) => Promise<void>
  /** The SIMs that have a number. */
  simsOf: (msisdn: string) => string[]
  /** Whose a message from a subscriber to a service is, and the event that tells it; undefined: nobody's. */
  attribute: (received: Parameters<Parameters<Link['start']>[0]['received']>[0]) =>
  { tenant: number, event: Omit<ReceivedSmsEvent, 'kind' | 'time'> } | undefined
  grew: (committed: OutboxCommitted) => void
  fatal: (error: unknown) => void
  chance?: () => number
}

/** The messages that were accepted, on their way: joins outbox, relay and links. */
export class Messages {
  readonly #parts: MessagesParts
  readonly #occupancy: Occupancy
  readonly #outbox: Outbox
  readonly #relay: Relay
  readonly #receipts: Receipts
  readonly #watched = new Set<string>()

  constructor (parts: MessagesParts) {
    const { store, clock, discards, links, limits, policy, paths, find, grew, fatal, chance = Math.random } = parts
    this.#parts = parts
    this.#occupancy = new Occupancy(limits, store)
    this.#outbox = new Outbox(store, this.#occupancy, limits, policy, clock, {
      grew,
      fatal,
      waiting: message => { this.#relay.waiting(message) },
      moved: sim => { if (sim !== undefined) void this.#unwatch(sim) },
      ended: ({ id }, sim) => {
        this.#relay.ended(id)
        if (sim !== undefined) void this.#unwatch(sim)
      }
    })
    this.#receipts = new Receipts(this.#outbox, clock, discards)
    this.#relay = new Relay({
      outbox: this.#outbox,
      clock,
      paths,
      find,
      watch: async imsis => { await this.#watch(imsis) },
      receipts: this.#receipts,
      chance,
      fatal
    }, links)
  }

  /** Goes on with what an earlier process left, connects the links and begins to send. */
  async start (): Promise<void> {
    const { links, discards, attribute } = this.#parts
    await this.#watch(this.#occupancy.sims)
    await this.#relay.recover()
    for (const link of links) {
      link.start({
        ready: () => { this.#relay.linkReady(link) },
        receipt: async receipt => { await this.#receipts.take(link.name, receipt) },
        received: async received => {
          const found = attribute(received)
          if (found === undefined) discards.count('sms.received-for-nobody')
          else await this.#outbox.received(found.tenant, found.event)
        },
        alert: ({ imsi, msisdn }) => {
          if (imsi !== undefined) this.returned([imsi])
          else if (msisdn !== undefined) this.returned(this.#parts.simsOf(msisdn))
        }
      })
    }
    this.#relay.wake()
  }

  /** Takes a message; resolves once it is on disk, or with why not. */
  async accept (order: Order): Promise<Acceptance> {
    return await this.#outbox.accept(order)
  }

  /** The network has shown that SIMs can be reached. */
  readonly returned = (imsis: readonly string[]): void => {
    const ids = imsis.flatMap(imsi => this.#occupancy.ofSim(imsi))
    if (ids.length > 0) void this.#relay.returned(ids)
  }

  /** Says whether there is room on the disk. */
  setRoom (room: boolean): void {
    this.#outbox.setRoom(room)
  }

  /** Messages that have not ended. */
  get waiting (): number { return this.#occupancy.messages }

  /** A message. */
  find (id: string): Message | undefined {
    return this.#outbox.store.message(id)
  }

  /** All messages, the newest first, in slices between which other work gets its turn. */
  async * newest (): AsyncGenerator<Message[]> {
    for (let last: string | undefined, slice = this.#outbox.store.newest(undefined, SLICE); slice.length > 0; slice = this.#outbox.store.newest(last, SLICE)) {
      yield slice
      last = slice.at(-1)!.id
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }

  /** Takes a message back; resolves once that is on disk, with false when it has ended or is none. */
  async cancel (id: string): Promise<boolean> {
    let done = false
    await this.#outbox.change([{
      id,
      step: message => {
        done = message.endedAt === 0
        return cancelled(message, this.#parts.clock.now(), this.#outbox.policy)
      }
    }])
    return done
  }

  /** Removes events that are older than `before`, ms since 1970. */
  async retain (before: number): Promise<void> {
    await this.#outbox.retain(before)
  }

  /** Erases all that is stored of a SIM's messages, and its number's; resolves with how many messages and events went, once it is on disk. */
  async forget (imsi: string, msisdn: string | undefined): Promise<number> {
    const { store } = this.#outbox
    const ids: string[] = []
    for await (const slice of this.newest()) {
      // A number may have been another SIM's: its messages stay.
      for (const { id, ...message } of slice) if (message.imsi === imsi || (message.imsi === undefined && message.msisdn === msisdn)) ids.push(id)
    }
    for (let at = 0; at < ids.length; at += SLICE) {
      await this.#outbox.change(ids.slice(at, at + SLICE).map(id => ({ id, step: () => undefined })))
    }
    return ids.length + await store.eraseEvents(imsi, msisdn)
  }

  /** Sends nothing more, gives what is under way a while, and says goodbye. */
  async stop (): Promise<void> {
    const sent = this.#relay.stop()
    await Promise.all(this.#parts.links.map(async link => { await link.stop(STOP_MS) }))
    await sent
  }

  async #watch (imsis: readonly string[]): Promise<void> {
    const fresh = imsis.filter(imsi => !this.#watched.has(imsi))
    if (fresh.length === 0) return
    await this.#parts.watch(fresh, true)
    for (const imsi of fresh) this.#watched.add(imsi)
  }

  async #unwatch (imsi: string): Promise<void> {
    this.#watched.delete(imsi)
    await this.#parts.watch([imsi], false)
    // Another message may have come meanwhile.
    if (this.#occupancy.ofSim(imsi).length > 0) await this.#watch([imsi])
  }
}
