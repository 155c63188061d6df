import type { OpenMessage, OutboxStore } from '../store/outbox.ts'

/** Bounds of what may wait. */
export interface OutboxLimits {
  messages: number
  bytes: number
  messagesPerClient: number
  /** Messages to or from one subscriber's number that are accepted within an hour. */
  perRecipientHour: number
}

/** How full the outbox is, whose messages these are, and which of them wait for a SIM. Counted along, so that no question reads the disk. */
export class Occupancy {
  readonly #limits: OutboxLimits
  readonly #clients = new Map<string, number>()
  /** By IMSI; most SIMs have one message, and a set for each would take three times the memory. */
  readonly #sims = new Map<string, string | Set<string>>()
  #messages = 0
  #bytes = 0

  /** Counts what is there. */
  constructor (limits: OutboxLimits, store: OutboxStore) {
    this.#limits = limits
    for (const open of store.open()) this.add(open)
  }

  get messages (): number { return this.#messages }

  /** SIMs with messages that have not ended. */
  get sims (): string[] { return [...this.#sims.keys()] }

  /** The messages of a SIM that have not ended. */
  ofSim (imsi: string): string[] {
    const ids = this.#sims.get(imsi)
    return typeof ids === 'string' ? [ids] : [...ids ?? []]
  }

  /** Why one more is too much, in words; undefined while it is not. */
  refusal (tenant: number, client: string, bytes: number): string | undefined {
    const { messages, bytes: room, messagesPerClient } = this.#limits
    if (this.#messages >= messages) return `the queue is full: ${this.#messages} messages wait`
    if (this.#bytes + bytes > room) return `the queue is full: the messages that wait take ${Math.floor(room / 2 ** 20)} MiB`
    if ((this.#clients.get(holder(tenant, client)) ?? 0) >= messagesPerClient) return `this client has ${messagesPerClient} messages waiting already`
    return undefined
  }

  add ({ id, tenant, client, imsi, bytes }: Omit<OpenMessage, 'msisdn'>): void {
    this.#messages++
    this.#bytes += bytes
    const key = holder(tenant, client)
    this.#clients.set(key, (this.#clients.get(key) ?? 0) + 1)
    if (imsi === undefined) return
    const ids = this.#sims.get(imsi)
    if (ids === undefined) this.#sims.set(imsi, id)
    else if (typeof ids === 'string') this.#sims.set(imsi, new Set([ids, id]))
    else ids.add(id)
  }

  /** A message waits for another SIM from now on; gives the one before where no other message waits for that. */
  move (before: Omit<OpenMessage, 'msisdn'>, imsi: string | undefined): string | undefined {
    const left = this.remove(before)
    this.add({ ...before, imsi })
    return left
  }

  /** Takes one that has ended out again; gives its SIM where no other message waits for that. */
  remove ({ id, tenant, client, imsi, bytes }: Omit<OpenMessage, 'msisdn'>): string | undefined {
    this.#messages--
    this.#bytes -= bytes
    const key = holder(tenant, client)
    const left = (this.#clients.get(key) ?? 1) - 1
    if (left > 0) this.#clients.set(key, left)
    else this.#clients.delete(key)
    const ids = imsi === undefined ? undefined : this.#sims.get(imsi)
    if (imsi === undefined || ids === undefined) return undefined
    if (typeof ids === 'string' ? ids !== id : !ids.delete(id) || ids.size > 0) return undefined
    this.#sims.delete(imsi)
    return imsi
  }
}

function holder (tenant: number, client: string): string {
  return `${tenant}\0${client}`
}
