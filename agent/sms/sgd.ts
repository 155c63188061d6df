import type { Clock } from '../lib/clock.ts'
import type { Discards } from '../lib/discards.ts'
import { sessionIds } from '../diameter/peer/identifiers.ts'
import { Peer, type Notice } from '../diameter/peer/peer.ts'
import type { Exchange } from '../diameter/peer/pending.ts'
import { SMS_APPLICATION, SMS_COMMAND } from '../diameter/peer/sgd-codes.ts'
import type { Link, LinkListener, Outcome, Received, Submission } from './link.ts'
import { serve } from './sgd-inbound.ts'
import { moForwardAvps, mtForwardAvps, type Common, type Node } from './sgd-request.ts'
import { Resends, type RequestIds } from './sgd-resends.ts'
import { isOurMistake, outcomeOf, type Diagnose } from './sgd-result.ts'

/** Least SM-Delivery-Timer, seconds (TS 29.338 clause 6.3.3.8). */
const MIN_TIMER_SECONDS = 30

/** How much longer than SM-Delivery-Timer an answer may take, ms: the way there and back, through agents. */
const MARGIN_MS = 10_000

/** Settings of the link. */
export interface SgdOptions {
  /** The MME or the agent before it. */
  host: string
  port: number
  /** Who we are. */
  origin: Node
  /** Digits of our service centre's address. */
  scAddress: string
  /** The service centre that takes what subscribers send, and the digits of its address; undefined: none does. */
  smsc: Node & { scAddress: string } | undefined
  /** Requests under way at once. */
  window: number
  /** How long an MME may try to reach a phone, seconds: 30 to 600 (TS 29.338 clause 6.3.3.8). */
  deliveryTimerSeconds: number
  watchdogMs: number
}

/** What the link needs of its surroundings. */
export interface SgdSurroundings {
  clock: Clock
  discards: Discards
  notice: Notice
  /** Makes the TPDU of a submission: SMS-DELIVER, SMS-SUBMIT (TS 23.040 clauses 9.2.2.1, 9.2.2.2). */
  deliver: (submission: Submission) => Uint8Array
  submit: (submission: Submission) => Uint8Array
  diagnose: Diagnose
  /** Reads an SMS-SUBMIT; undefined where it is none. `from` is put right by the link. */
  received: (tpdu: Uint8Array) => Received | undefined
}

/** The way into the network over SGd (TS 29.338): straight to the MME that serves a phone. */
export class SgdLink implements Link {
  readonly name = 'sgd'
  readonly #options: SgdOptions
  readonly #around: SgdSurroundings
  readonly #peer: Peer
  readonly #nextSession: () => string
  readonly #resends = new Resends()
  #listener: LinkListener | undefined
  #hadRoom = false

  constructor (options: SgdOptions, around: SgdSurroundings) {
    const { host, port, origin, window, watchdogMs } = options
    const { clock, discards, notice } = around
    this.#options = options
    this.#around = around
    this.#nextSession = sessionIds(origin.host, clock)
    const identity = { ...origin, originStateId: Math.floor(clock.now() / 1000) >>> 0, applications: Object.values(SMS_APPLICATION) }
    this.#peer = new Peer({ host, port, identity, window, watchdogMs }, {
      clock,
      discards,
      notice,
      changed: () => { this.#changed() },
      request: async request => await serve(request, { listener: this.#listener!, received: around.received, scAddress: options.scAddress })
    })
  }

  get up (): boolean { return this.trouble === undefined }

  get room (): number { return this.up ? this.#peer.room : 0 }

  get trouble (): string | undefined {
    return this.#peer.trouble ?? (this.#peer.has(SMS_APPLICATION.sgd) ? undefined : 'the peer does not have the application SGd')
  }

  start (listener: LinkListener): void {
    this.#listener = listener
    this.#peer.start()
  }

  async stop (graceMs: number): Promise<void> {
    await this.#peer.stop(graceMs)
  }

  async submit (submission: Submission): Promise<Outcome> {
    const { direction, resent } = submission
    if (this.room === 0) return { kind: 'unsent', cause: this.up ? 'sgd.no-room' : 'sgd.down' }
    const ids = (resent ? this.#resends.find(submission) : undefined) ?? { sessionId: this.#nextSession(), endToEnd: this.#peer.nextEndToEnd() }
    const request = this.#requestOf(submission, ids)
    if (typeof request === 'string') return { kind: 'unsent', cause: request }
    const exchange = this.#peer.request(
      { ...request, applicationId: SMS_APPLICATION.sgd, endToEnd: ids.endToEnd, resent }, this.#options.deliveryTimerSeconds * 1000 + MARGIN_MS)
    this.#hadRoom = this.room > 0
    const outcome = this.#outcomeOf(await exchange, direction, resent)
    if (outcome.kind === 'unknown') this.#resends.remember(submission, ids)
    else if (resent && outcome.kind !== 'unsent') this.#resends.forget(submission)
    return outcome
  }

  /** The request that carries a submission; or why there is none. */
  #requestOf (submission: Submission, { sessionId }: RequestIds): { command: number, avps: ReturnType<typeof mtForwardAvps> } | string {
    const { origin, scAddress, smsc, deliveryTimerSeconds } = this.#options
    const { direction, imsi, servingNode, more, validForMs } = submission
    // The MME shall not try longer than the message is good for, as far as the standard lets one say so.
    const timer = Math.max(MIN_TIMER_SECONDS, Math.min(deliveryTimerSeconds, Math.floor(validForMs / 1000)))
    if (direction === 'from-subscriber') {
      if (smsc === undefined) return 'sgd.no-service-centre'
      const common: Common = { origin, destination: smsc, sessionId, scAddress: smsc.scAddress }
      return { command: SMS_COMMAND.moForward, avps: moForwardAvps(common, submission, this.#around.submit(submission)) }
    }
    if (imsi === undefined || servingNode === undefined) return 'sgd.no-serving-node'
    const common: Common = { origin, destination: servingNode, sessionId, scAddress }
    return { command: SMS_COMMAND.mtForward, avps: mtForwardAvps(common, imsi, this.#around.deliver(submission), more, timer) }
  }

  #outcomeOf (exchange: Exchange, direction: Submission['direction'], resent: boolean): Outcome {
    switch (exchange.kind) {
      case 'unsent': return { kind: 'unsent', cause: 'sgd.down' }
      case 'timeout': return { kind: 'unknown', cause: 'sgd.timeout' }
      case 'lost': return { kind: 'unknown', cause: 'sgd.connection-lost' }
      case 'answered': {
        const { avps, fault } = exchange.answer
        if (fault !== undefined) return { kind: 'unknown', cause: 'sgd.malformed-answer' }
        const outcome = outcomeOf(avps, direction, resent, this.#around.diagnose)
        if (outcome.kind === 'permanent' && isOurMistake(avps)) {
          this.#around.notice('error', { cause: outcome.cause }, 'the network finds our request wrong: a mistake of ours, or in the configuration')
        }
        return outcome
      }
    }
  }

  /** Tells once when there is room after there was none. */
  #changed (): void {
    const hasRoom = this.room > 0
    if (hasRoom && !this.#hadRoom) this.#listener?.ready()
    this.#hadRoom = hasRoom
  }
}
