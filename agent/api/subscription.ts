import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { Event, Outcome, SubscribeRequest, SubscribeResponse, SubscribeSettings } from '../../gen/landfall/v1/events.ts'
import type { StreamHandle } from '../delivery/dispatcher.ts'
import type { Delivery } from '../delivery/queue.ts'
import type { StoredEvent } from '../store/event-record.ts'
import { demandLife, demandScope, type Caller } from './caller.ts'
import { deliveryStatus, InvalidArgument, type StatusError } from './status.ts'
import { limitLife } from './stream-life.ts'
import { auditRefusal, who } from './audit.ts'
import { readDuration } from './stream-settings.ts'
import { ACK_RESULTS, EXTEND_RESULTS, readKind, readSubscribeSettings, RETURN_RESULTS, wireEvent, wireOpened, wireOutcomes } from './subscribe-message.ts'
import { queueTarget, type DeliveryParts } from './subscription-service.ts'

/** Time that a client gets to send its settings. */
const SETTINGS_MS = 10_000

/** Events in one message at most, so that a message stays far below any client's limit. */
const EVENTS_PER_MESSAGE = 100

/** Ids in one request at most. */
const IDS_PER_REQUEST = 10_000

/** Requests that may wait for their answers; above it nothing is read until half of them are answered. */
const UNANSWERED = 256

/** For how long an event may be held back or its deadline be put off. */
const MAX_DELAY_MS = 3_600_000
const MIN_EXTENSION_MS = 1_000

/** Time that the last outcomes get to reach a client before its stream ends. */
const LAST_WORDS_MS = 3_000

/** One Subscribe call: the client's requests in, events and outcomes out. */
export class Subscription {
  readonly #call: ServerDuplexStream<SubscribeRequest, SubscribeResponse>
  readonly #caller: Caller
  readonly #parts: DeliveryParts
  readonly #ended: () => void
  #handle: StreamHandle | undefined
  #events: Event[] = []
  /** Answers what was read, one request after the other. */
  #answers: Promise<void> = Promise.resolve()
  #unanswered = 0
  /** What it reads, once that is open. */
  #what: object | undefined
  #ending = false
  #closed = false
  #cancelTimer: () => void

  /** `ended` is told once, when the call is over. */
  constructor (call: ServerDuplexStream<SubscribeRequest, SubscribeResponse>, caller: Caller, parts: DeliveryParts, ended: () => void) {
    this.#call = call
    this.#caller = caller
    this.#parts = parts
    this.#ended = ended
    this.#cancelTimer = parts.clock.after(SETTINGS_MS, () => {
      this.#fail(new InvalidArgument(`no settings came within ${SETTINGS_MS / 1000} s: send them as the first message`))
    })
    call.on('data', (request: SubscribeRequest) => {
      try {
        this.#hear(request)
      } catch (error) {
        auditRefusal(this.#parts.audit, this.#caller, call.getPath(), error)
        this.#fail(deliveryStatus(error))
      }
    })
    call.on('drain', () => { if (!this.#ending) this.#handle?.resume() })
    // The client has said all that it will say.
    call.on('end', () => { void this.end(undefined) })
    for (const event of ['cancelled', 'close', 'error']) call.on(event, () => { this.#close() })
  }

  /**
   * Ends the call: no more deliveries, what was read is committed and answered, then the status (`undefined`: OK). Resolves when that is
   * done, or given up after 3 s because the client does not read.
   */
  async end (status: StatusError | undefined): Promise<void> {
    if (this.#ending || this.#closed) return
    this.#ending = true
    this.#handle?.hold()
    await new Promise<void>(resolve => {
      const giveUp = this.#parts.clock.after(LAST_WORDS_MS, resolve)
      void this.#answers.then(() => { giveUp(); resolve() })
    })
    if (status === undefined) {
      this.#close()
      this.#call.end()
    } else this.#fail(status)
  }

  #hear (request: SubscribeRequest): void {
    if (this.#ending) return
    if (this.#handle === undefined) {
      if (request.settings === undefined) throw new InvalidArgument('settings is missing: the first message must hold it')
      this.#open(request.settings)
    } else if (request.settings !== undefined) throw new InvalidArgument('settings may stand in the first message only')
    this.#answer(request, this.#handle!)
  }

  #open (settings: SubscribeSettings): void {
    const { dispatcher, scopes, clock, maxDeliveries } = this.#parts
    const caller = this.#caller
    demandLife(caller, clock.now())
    const wish = readSubscribeSettings(settings, maxDeliveries)
    for (const { kind } of wish.kinds) demandScope(caller, scopes.ofKind(kind), `reading ${kind} events`)
    const readings = wish.kinds.map(({ kind, start }) => ({ ...queueTarget(caller, kind, wish.queueName), start }))
    const handle = dispatcher.open(readings, wish.stream, { send: (_live, delivery, stored) => this.#deliver(delivery, stored) })
    this.#handle = handle
    this.#what = { ...who(caller), kinds: wish.kinds.map(({ kind }) => kind), queue: wish.queueName }
    this.#parts.audit('subscribed', this.#what)
    this.#cancelTimer()
    this.#cancelTimer = limitLife(this.#parts, caller, why => { void this.end(why) })
    this.#call.write({ message: { $case: 'opened', value: wireOpened(handle.opened) } })
  }

  /** Gathers what is sent in one go into few messages. */
  #deliver (delivery: Delivery, stored: StoredEvent): boolean {
    if (this.#call.destroyed) return false
    const event = stored.event!
    if (this.#events.length === 0) queueMicrotask(() => { this.#flush() })
    const identifier = event.imsi === undefined ? undefined : this.#parts.identifiers.of(this.#caller, event.imsi)
    this.#events.push(wireEvent(event, delivery, identifier, this.#parts.imsiOfMoves.has(this.#caller.tenant.name)))
    if (this.#events.length >= EVENTS_PER_MESSAGE) this.#flush()
    return !this.#call.writableNeedDrain
  }

  #flush (): void {
    if (this.#events.length === 0 || this.#closed) return
    const events = this.#events
    this.#events = []
    if (!this.#call.write({ message: { $case: 'events', value: { events } } })) this.#handle?.hold()
  }

  /** Does what a request says at once, and answers it once its acknowledgements are on disk, after the requests before it. */
  #answer (request: SubscribeRequest, handle: StreamHandle): void {
    const { acknowledge, return: returns, extend } = request
    const count = [...acknowledge, ...returns, ...extend].reduce((sum, { ids }) => sum + ids.length, 0)
    if (count === 0) return
    if (count > IDS_PER_REQUEST) throw new InvalidArgument(`the request has ${count} ids, it may have ${IDS_PER_REQUEST}`)
    // All of it is checked before any of it is done.
    const acks = acknowledge.map(({ kind, ids }, at) => ({ kind: readKind(kind, `acknowledge[${at}].kind`), ids }))
    const given = returns.map(({ kind, ids, delay }, at) => ({
      kind: readKind(kind, `return[${at}].kind`),
      ids,
      delayMs: delay === undefined ? 0 : readDuration(delay, 0, MAX_DELAY_MS, `return[${at}].delay`)
    }))
    const longer = extend.map(({ kind, ids, ackTimeout }, at) => ({
      kind: readKind(kind, `extend[${at}].kind`),
      ids,
      byMs: readDuration(ackTimeout ?? { seconds: 0n, nanos: 0 }, MIN_EXTENSION_MS, MAX_DELAY_MS, `extend[${at}].ack_timeout`)
    }))
    const acknowledged = acks.map(async ({ kind, ids }) =>
      wireOutcomes(kind, ids, (await handle.ack(kind, ids.map(Number))).map(outcome => ACK_RESULTS[outcome])))
    const leased = [
      ...given.map(({ kind, ids, delayMs }) => wireOutcomes(kind, ids, handle.nack(kind, ids.map(Number), delayMs).map(outcome => RETURN_RESULTS[outcome]))),
      ...longer.map(({ kind, ids, byMs }) => wireOutcomes(kind, ids, handle.extend(kind, ids.map(Number), byMs).map(outcome => EXTEND_RESULTS[outcome])))
    ].flat()
    if (++this.#unanswered === UNANSWERED) this.#call.pause()
    this.#answers = this.#answers.then(async () => {
      await this.#write([...(await Promise.all(acknowledged)).flat(), ...leased])
      if (--this.#unanswered === UNANSWERED / 2) this.#call.resume()
    }).catch((error: unknown) => { this.#fail(deliveryStatus(error)) })
  }

  /** Resolves once the transport has taken it, or the call is over. */
  async #write (outcomes: Outcome[]): Promise<void> {
    if (this.#closed) return
    await new Promise<void>(resolve => {
      this.#call.write({ message: { $case: 'outcomes', value: { outcomes } } }, () => { resolve() })
    })
  }

  #fail (error: unknown): void {
    if (this.#closed) return
    this.#close()
    this.#call.emit('error', error)
  }

  #close (): void {
    if (this.#closed) return
    this.#closed = true
    this.#cancelTimer()
    this.#handle?.close()
    if (this.#what !== undefined) this.#parts.audit('ended', this.#what)
    this.#ended()
  }
}
