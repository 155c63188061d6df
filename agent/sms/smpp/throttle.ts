import type { Clock } from '../../lib/clock.ts'

/** First pause, and the longest: each that follows before anything went through is twice the one before. */
const FIRST_MS = 1_000
const LONGEST_MS = 60_000

/**
 * Holds the whole link back when the service centre asks it to slow down (ESME_RTHROTTLED, ESME_RMSGQFUL): a pause, then one message at a
 * time until one has gone through.
 */
export class Throttle {
  readonly #clock: Clock
  readonly #onEase: () => void
  #state: 'open' | 'paused' | 'probing' = 'open'
  #pauseMs = 0
  #until = 0
  #cancel = (): void => {}

  /** `onEase`: more is allowed than before. */
  constructor (clock: Clock, onEase: () => void) {
    this.#clock = clock
    this.#onEase = onEase
  }

  /** Messages that may be under way. */
  get allowed (): number {
    return { open: Infinity, paused: 0, probing: 1 }[this.#state]
  }

  get open (): boolean {
    return this.#state === 'open'
  }

  /** A message was refused for that reason; gives how long nothing will be sent, ms. The others that were under way then change nothing. */
  refused (): number {
    if (this.#state !== 'paused') {
      this.#pauseMs = Math.min(Math.max(FIRST_MS, 2 * this.#pauseMs), LONGEST_MS)
      this.#until = this.#clock.monotonic() + this.#pauseMs
      this.#state = 'paused'
      this.#cancel = this.#clock.after(this.#pauseMs, () => { this.#state = 'probing'; this.#onEase() })
    }
    return this.#until - this.#clock.monotonic()
  }

  /** A message was answered otherwise. */
  answered (): void {
    if (this.#state !== 'probing') return
    this.#state = 'open'
    this.#pauseMs = 0
    this.#onEase()
  }

  /** Lets go of its timer. */
  stop (): void {
    this.#cancel()
  }
}
