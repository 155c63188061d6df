import type { Clock } from '../../lib/clock.ts'
import type { Discards } from '../../lib/discards.ts'
import type { BindMode, Credentials } from './bind.ts'
import { connect, type Door } from './connect.ts'
import type { Message } from './message.ts'
import { Session, type SessionEnd } from './session.ts'
import { BIND_REFUSED, RALYBND, statusName } from './status.ts'

/** Pause before it connects again, the first and the longest: each is twice the one before, and up to half of it is left out by chance. */
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000

/** A session that lasted so long was a good one: the next failure is the first again. */
const STEADY_MS = 60_000

/** The service centre has not yet seen that the last session is dead. */
const ALREADY_BOUND_MS = 30_000

/** Tells an operator. Nothing of subscribers or messages is in it. */
export type Notice = (level: 'info' | 'warn', fields: object, text: string) => void

/** What a line needs. */
export interface LineParts {
  door: Door
  mode: BindMode
  /** Asked before each bind, so that a new password counts. May throw. */
  credentials: () => Credentials
  answerMs: number
  enquireMs: number
  clock: Clock
  /** Between 0 and 1. */
  random: () => number
  discards: Discards
  notice: Notice
  listener: LineListener
}

/** What a line tells. */
interface LineListener {
  /** It is bound, or the connection takes bytes again. */
  ready: () => void
  /** See SessionListener. */
  deliver: (message: Message) => Promise<number>
}

/** A session that is made anew whenever it ends. */
export class Line {
  readonly #parts: LineParts
  #session: Session | undefined
  #running = false
  #trouble: string | undefined = 'it was not started'
  #retryMs = 0
  #boundAt: number | undefined
  #cancelRetry = (): void => {}

  constructor (parts: LineParts) {
    this.#parts = parts
  }

  /** The session while it is bound. */
  get session (): Session | undefined {
    return this.#session?.bound === true ? this.#session : undefined
  }

  /** Why there is none, in words. */
  get trouble (): string | undefined {
    return this.#trouble
  }

  start (): void {
    this.#running = true
    this.#trouble = 'it is connecting'
    this.#open()
  }

  /** Waits for what is under way at most `graceMs`, says goodbye and connects no more. */
  async stop (graceMs: number): Promise<void> {
    this.#running = false
    this.#trouble = 'it was stopped'
    this.#cancelRetry()
    await this.#session?.leave(graceMs)
  }

  #open (): void {
    const { door, mode, credentials, answerMs, enquireMs, clock, discards, listener } = this.#parts
    this.#boundAt = undefined
    try {
      // Credentials first: a connection without them would be nobody's.
      const who = credentials()
      this.#session = new Session({
        opening: connect(door),
        mode,
        credentials: who,
        answerMs,
        enquireMs,
        clock,
        discards,
        listener: {
          bound: () => { this.#bound() },
          drained: () => { listener.ready() },
          deliver: listener.deliver,
          ended: end => { this.#ended(end) }
        }
      })
    } catch (error) {
      this.#retry(LONGEST_RETRY_MS, error instanceof Error ? error.message : String(error), 'A file that SMPP needs cannot be used')
    }
  }

  #bound (): void {
    const { door: { host, port }, mode, clock, notice, listener } = this.#parts
    this.#boundAt = clock.monotonic()
    this.#trouble = undefined
    notice('info', { host, port, mode }, 'Bound to the service centre')
    listener.ready()
  }

  #ended ({ cause, status }: SessionEnd): void {
    this.#session = undefined
    if (!this.#running) return
    const steady = this.#boundAt !== undefined && this.#parts.clock.monotonic() - this.#boundAt >= STEADY_MS
    this.#retryMs = steady ? FIRST_RETRY_MS : Math.min(Math.max(FIRST_RETRY_MS, 2 * this.#retryMs), LONGEST_RETRY_MS)
    const ms = this.#retryMs * (1 + this.#parts.random()) / 2
    if (status === undefined) this.#retry(ms, cause, 'The connection to the service centre ended')
    else if (BIND_REFUSED.has(status)) this.#retry(LONGEST_RETRY_MS, statusName(status), 'The service centre refuses system_id or password')
    else if (status === RALYBND) this.#retry(ALREADY_BOUND_MS, statusName(status), 'The service centre still has the last session')
    else this.#retry(ms, statusName(status), 'The service centre refused to bind')
  }

  #retry (ms: number, why: string, text: string): void {
    const { door: { host, port }, mode, clock, notice } = this.#parts
    this.#trouble = `it is not bound (${why})`
    notice('warn', { host, port, mode, why, retryMs: Math.round(ms) }, text)
    this.#cancelRetry = clock.after(ms, () => { this.#open() })
  }
}
