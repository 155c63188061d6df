import { createHash, randomBytes, randomInt } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import type { Message } from '../store/message-record.ts'
import { idFrom } from '../store/outbox-keys.ts'
import { messageBytes, type AcceptedCall, type OutboxCommitted, type OutboxStep, type OutboxStore } from '../store/outbox.ts'
import type { ReceivedSmsEvent } from '../store/sms-event.ts'
import type { Address } from './address.ts'
import { deliveryReport } from './delivery-report.ts'
import type { Encoded } from './fragment.ts'
import type { MessagePolicy } from './message.ts'
import type { Occupancy, OutboxLimits } from './occupancy.ts'

const HOUR_MS = 3_600_000

/** Slices of old events that one look removes at most: far more than can come in the minute between two. */
const RETENTION_SLICES = 100

/** A message that a client wants sent, checked already. */
export interface Order {
  tenant: number
  client: string
  direction: Message['direction']
  from: Address
  to: Address
  msisdn: string
  imsi: string | undefined
  pid: number
  /** How long to try, ms. */
  validForMs: number
  /** Fragments there will be: how much room it takes. */
  fragments: number
  /** Makes the fragments; `reference` (0 to 65535) joins them. It must not throw. */
  encode: (reference: number) => Encoded
  /** Idempotency key, where the client gave one, and everything that it asked for, as bytes to compare. */
  idempotency: { key: string, body: string } | undefined
}

/** What became of an order. */
export type Acceptance =
  /** It is on disk. `again`: it was before, under the same idempotency key. */
  | { kind: 'accepted', id: string, fragments: number, again: boolean }
  /** Not now; in words. */
  | { kind: 'full', why: string }
  /** The idempotency key was used for something else. */
  | { kind: 'conflict' }

/** What the outbox tells the rest of the house. */
export interface OutboxListener {
  /** Logs have grown, and that is on disk. */
  grew: (committed: OutboxCommitted) => void
  /** A message was accepted, or may go out earlier than it was to. */
  waiting: (message: Message) => void
  /** A message waits for another SIM; the one before, where nothing else waits for that. */
  moved: (sim: string | undefined) => void
  /** A message has ended; its SIM, where nothing else waits for that. */
  ended: (message: Message, sim: string | undefined) => void
  /** A commit failed, or a record is damaged: the process must end. */
  fatal: (error: unknown) => void
}

/** One change of one message: the newest state in, the next one out; the same object for no change, undefined to forget it. */
export interface Change {
  id: string
  step: (message: Message) => Message | undefined
}

/** Messages that were accepted: takes them, and changes them, on disk first, with the events that this makes. */
export class Outbox {
  readonly store: OutboxStore
  readonly policy: MessagePolicy
  readonly #clock: Clock
  readonly #limits: OutboxLimits
  readonly #occupancy: Occupancy
  readonly #listener: OutboxListener
  /** Whether there is room on the disk. */
  #room = true

  constructor (store: OutboxStore, occupancy: Occupancy, limits: OutboxLimits, policy: MessagePolicy, clock: Clock, listener: OutboxListener) {
    this.store = store
    this.policy = policy
    this.#occupancy = occupancy
    this.#limits = limits
    this.#clock = clock
    this.#listener = listener
  }

  /** Says whether the disk has room for more. */
  setRoom (room: boolean): void {
    this.#room = room
  }

  /** Takes a message; resolves once it and all its fragments are on disk, or with why not. */
  async accept (order: Order): Promise<Acceptance> {
    const { tenant, client, msisdn, idempotency } = order
    const now = this.#clock.now()
    const message = this.#draft(order, now)
    const bytes = messageBytes({ ...message, fragments: Array.from({ length: order.fragments }) as Message['fragments'] })
    const body = createHash('sha256').update(idempotency?.body ?? '').digest()
    // A call that is repeated must not be told that there is no room: its message is there.
    const known = idempotency === undefined ? undefined : again(this.store.accepted(message.key), body)
    if (known !== undefined) return known
    const why = this.#room ? this.#occupancy.refusal(tenant, client, bytes) : 'the disk is full'
    if (why !== undefined) return { kind: 'full', why }
    const open = { id: message.id, tenant, client, imsi: message.imsi, bytes }
    // Counted before it is on disk, so that calls beside this one see it.
    this.#occupancy.add(open)
    const acceptance = await this.#commit((step): Acceptance => {
      const earlier = idempotency === undefined ? undefined : again(step.accepted(message.key), body)
      if (earlier !== undefined) return earlier
      const { perRecipientHour } = this.#limits
      if (step.countSince(tenant, msisdn, now - HOUR_MS, perRecipientHour) >= perRecipientHour) {
        return { kind: 'full', why: `this subscriber's number has ${perRecipientHour} messages in this hour already` }
      }
      const reference = step.count(counterOf(order), randomInt(65_536))
      const { alphabet, dcs, fragments } = order.encode(reference)
      message.alphabet = alphabet
      message.dcs = dcs
      message.reference = reference
      message.fragments = fragments.map(({ header, body }) => ({ header, body, state: 'unsent', attempts: 0, doubts: 0, link: '', linkId: '' }))
      step.put(message, undefined)
      if (idempotency !== undefined) step.noteAccepted(message.key, { id: message.id, body, fragments: fragments.length })
      return { kind: 'accepted', id: message.id, fragments: fragments.length, again: false }
    })
    if (acceptance.kind === 'accepted' && !acceptance.again) this.#listener.waiting(message)
    else this.#occupancy.remove(open)
    return acceptance
  }

  /** Changes messages in one commit; resolves once it is on disk with what each of them is now, in order (undefined: there is no such message). */
  async change (changes: readonly Change[]): Promise<(Message | undefined)[]> {
    const now = this.#clock.now()
    const done = await this.#commit(step => changes.map(({ id, step: next }) => {
      const before = step.message(id)
      if (before === undefined) return {}
      const after = next(before)
      if (after === before) return { before, after }
      if (after === undefined) {
        step.remove(before)
        return { before }
      }
      step.put(after, before)
      const report = deliveryReport(before, after, now)
      if (report !== undefined) step.tell(after.tenant, report)
      return { before, after }
    }))
    for (const { before, after } of done) {
      if (before !== undefined && before.endedAt === 0 && (after === undefined || after.endedAt > 0)) this.#ended(before)
      else if (before !== undefined && after !== undefined && after !== before) {
        if (after.imsi !== before.imsi) this.#listener.moved(this.#occupancy.move({ ...before, bytes: messageBytes(before) }, after.imsi))
        if (after.state === 'waiting') this.#listener.waiting(after)
      }
    }
    return done.map(({ after }) => after)
  }

  /** Tells of a short message that a subscriber has sent to a service; resolves once that is on disk. Throws when there is no room for it. */
  async received (tenant: number, event: Omit<ReceivedSmsEvent, 'kind' | 'time'>): Promise<void> {
    if (!this.#room) throw new Error('the disk is full')
    await this.#commit(step => { step.tell(tenant, { kind: 'received-sms', time: this.#clock.now(), ...event }) })
  }

  /** Removes events that are older than `before`, ms since 1970. */
  async retain (before: number): Promise<void> {
    try {
      for (let slice = 0; slice < RETENTION_SLICES; slice++) {
        const committed = await this.store.retainEvents(before)
        if (committed.grown.length === 0) return
        this.#listener.grew(committed)
      }
    } catch (error) { await this.#fail(error) }
  }

  #draft (order: Order, now: number): { -readonly [Key in keyof Message]: Message[Key] } {
    const { tenant, client, direction, from, to, msisdn, imsi, pid, validForMs, idempotency } = order
    const deadlineAt = now + Math.ceil(validForMs)
    return {
      id: idFrom(now).slice(0, 12) + randomBytes(10).toString('hex'),
      tenant,
      client,
      direction,
      from,
      to,
      msisdn,
      imsi,
      pid,
      dcs: 0,
      alphabet: 'gsm7',
      reference: 0,
      acceptedAt: now,
      deadlineAt,
      endsAt: deadlineAt,
      state: 'accepted',
      endedAt: 0,
      nextAt: now,
      absent: false,
      failures: 0,
      cause: '',
      key: idempotency === undefined ? new Uint8Array(0) : createHash('sha256').update(JSON.stringify([tenant, client, idempotency.key])).digest(),
      fragments: []
    }
  }

  #ended (message: Message): void {
    this.#listener.ended(message, this.#occupancy.remove({ ...message, bytes: messageBytes(message) }))
  }

  async #commit<T> (work: (step: OutboxStep) => T): Promise<T> {
    try {
      const { result, committed } = await this.store.commit(this.#clock.now(), work)
      if (committed.grown.length > 0) this.#listener.grew(committed)
      return result
    } catch (error) { return await this.#fail(error) }
  }

  /** Nobody knows what the disk holds now: whoever waits for it gets no answer, and the process ends. */
  async #fail (error: unknown): Promise<never> {
    this.#listener.fatal(error)
    return await new Promise<never>(() => {})
  }
}

/** What a call is told that was made before under its idempotency key. */
function again (earlier: AcceptedCall | undefined, body: Buffer): Acceptance | undefined {
  if (earlier === undefined) return undefined
  return earlier.body.equals(body) ? { kind: 'accepted', id: earlier.id, fragments: earlier.fragments, again: true } : { kind: 'conflict' }
}

/** Which counter joins the fragments of messages between two addresses (TS 23.040 clause 9.2.3.24.1). */
function counterOf ({ from, to }: Order): number {
  return createHash('sha256').update(`${from.ton} ${from.value} ${to.ton} ${to.value}`).digest().readUInt16BE()
}
