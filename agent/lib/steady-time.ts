import type { Clock } from './clock.ts'

/** Time after the start for which the wall clock is not believed: whoever sets it has then done so. */
const TRUST_MS = 3_600_000

/**
 * The wall clock for what is removed by age: one that jumps ahead must not cost anybody anything, and neither must one that was wrong
 * when the process started and is put right soon after.
 */
export class SteadyTime {
  readonly #clock: Clock
  readonly #begun: number
  /** The wall clock at the start less the monotonic one. */
  readonly #offset: number

  constructor (clock: Clock) {
    this.#clock = clock
    this.#begun = clock.monotonic()
    this.#offset = clock.now() - this.#begun
  }

  /** ms since 1970; -Infinity until it is believed. */
  now (): number {
    const monotonic = this.#clock.monotonic()
    return monotonic - this.#begun < TRUST_MS ? -Infinity : Math.min(this.#clock.now(), monotonic + this.#offset)
  }
}
