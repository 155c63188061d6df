import type { Clock } from '../lib/clock.ts'
import type { Discards } from '../lib/discards.ts'
import type { Message } from '../store/message-record.ts'
import type { Receipt } from './link.ts'
import { receipted } from './message.ts'
import type { Outbox } from './outbox.ts'

/** A receipt that overtook the answer to its submission waits so long for it, ms. */
const PARKED_MS = 300_000

/** Receipts that may wait so. */
const MAX_PARKED = 10_000

/** Fragments that are looked at under one id: a service centre that gives all the same one has no receipts that can be matched. */
const MAX_CANDIDATES = 10

/** A fragment of a message. */
interface Place { id: string, fragment: number }

/** Brings receipts to the fragments that they are about. */
export class Receipts {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #discards: Discards
  /** Fragments whose id is being stored, by link and id. */
  readonly #named = new Map<string, Place[]>()
  /** By link and id; the oldest first. */
  readonly #parked = new Map<string, { receipt: Receipt, at: number }>()

  constructor (outbox: Outbox, clock: Clock, discards: Discards) {
    this.#outbox = outbox
    this.#clock = clock
    this.#discards = discards
  }

  /** Takes a receipt; resolves once what it says is on disk, or at once where it waits for its submission's answer. */
  async take (link: string, receipt: Receipt): Promise<void> {
    const key = keyOf(link, receipt.id)
    const open = this.#candidates(link, receipt.id)
    const [only] = open
    if (only === undefined) this.#park(key, receipt)
    else if (open.length > 1) this.#discards.count('sms.receipt-ambiguous')
    else await this.#outbox.change([{ id: only.id, step: message => this.#apply(message, only, receipt) }])
  }

  /**
   * A service centre has given a fragment its id; `step` notes that. A receipt that was there before is stored with it: it was answered, so
   * it must not be lost when the process ends between the two. Resolves once it is on disk.
   */
  async named (link: string, linkId: string, place: Place, step: (message: Message) => Message): Promise<void> {
    const key = keyOf(link, linkId)
    const parked = this.#parked.get(key)?.receipt
    this.#parked.delete(key)
    const ambiguous = parked !== undefined && this.#candidates(link, linkId).length > 0
    if (ambiguous) this.#discards.count('sms.receipt-ambiguous')
    this.#named.set(key, [...this.#named.get(key) ?? [], place])
    await this.#outbox.change([{
      id: place.id,
      step: message => parked === undefined || ambiguous ? step(message) : this.#apply(step(message), place, parked)
    }])
    const left = this.#named.get(key)!.filter(one => one !== place)
    if (left.length > 0) this.#named.set(key, left)
    else this.#named.delete(key)
  }

  #apply (message: Message, { fragment }: Place, { state, networkError }: Receipt): Message {
    return receipted(message, fragment, state, networkError, this.#clock.now(), this.#outbox.policy)
  }

  /** Fragments that have this id and wait for their receipt, those whose id is being stored among them. */
  #candidates (link: string, linkId: string): Place[] {
    const { store } = this.#outbox
    const named = this.#named.get(keyOf(link, linkId)) ?? []
    const stored = store.byLinkId(link, linkId, MAX_CANDIDATES).filter(({ id, fragment }) => {
      const message = store.message(id)
      return message?.endedAt === 0 && message.fragments[fragment]?.state === 'sent' && !named.some(one => one.id === id && one.fragment === fragment)
    })
    return [...named, ...stored]
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

function keyOf (link: string, linkId: string): string {
  return `${link}\0${linkId}`
}
