import type { Clock } from '../lib/clock.ts'
import type { Discards } from '../lib/discards.ts'
import type { Receipt } from './link.ts'
import { receipted } from './message.ts'
import type { Outbox } from './outbox.ts'

/** A receipt that overtook the answer to its submission waits so long for it, ms. */
const PARKED_MS = 300_000

/** Receipts that may wait so. */
const MAX_PARKED = 10_000

/** Fragments that are looked at under one id: a service centre that gives all the same one has no receipts that can be matched. */
const MAX_CANDIDATES = 10

/** Brings receipts to the fragments that they are about. */
export class Receipts {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #discards: Discards
  /** By link and id; the oldest first. */
  readonly #parked = new Map<string, { receipt: Receipt, at: number }>()

  constructor (outbox: Outbox, clock: Clock, discards: Discards) {
    this.#outbox = outbox
    this.#clock = clock
    this.#discards = discards
  }

  /** Takes a receipt; resolves once what it says is on disk, or at once where it waits for its submission's answer. */
  async take (link: string, receipt: Receipt): Promise<void> {
    const { store, policy } = this.#outbox
    const open = store.byLinkId(link, receipt.id, MAX_CANDIDATES).filter(({ id, fragment }) => {
      const message = store.message(id)
      return message?.endedAt === 0 && message.fragments[fragment]?.state === 'sent'
    })
    const [only] = open
    if (only === undefined) this.#park(`${link}\0${receipt.id}`, receipt)
    else if (open.length > 1) this.#discards.count('sms.receipt-ambiguous')
    else {
      const { id, fragment } = only
      await this.#outbox.change([{ id, step: message => receipted(message, fragment, receipt.state, receipt.networkError, this.#clock.now(), policy) }])
    }
  }

  /** A service centre has given a fragment its id: a receipt may have been there before. */
  async submitted (link: string, id: string): Promise<void> {
    const key = `${link}\0${id}`
    const parked = this.#parked.get(key)
    if (parked === undefined) return
    this.#parked.delete(key)
    await this.take(link, parked.receipt)
  }

  #park (key: string, receipt: Receipt): void {
    const now = this.#clock.monotonic()
    for (const [oldest, { at }] of this.#parked) {
      if (now - at < PARKED_MS && this.#parked.size < MAX_PARKED) break
      this.#parked.delete(oldest)
      this.#discards.count('sms.receipt-unmatched')
    }
    this.#parked.delete(key)
    this.#parked.set(key, { receipt, at: now })
  }
}
