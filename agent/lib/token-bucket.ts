import type { Clock } from './clock.ts'

/** Lets so much through in a second on average, and `burst` of it at once. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  readonly #clock: Clock
  #left: number
  #filledAt: number

  constructor (perSecond: number, burst: number, clock: Clock) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#clock = clock
    this.#left = burst
    this.#filledAt = clock.monotonic()
  }

  /** Takes one; gives 0, or for how many ms there will be none. */
  take (): number {
    this.#fill()
    if (this.#left < 1) return (1 - this.#left) / this.#perSecond * 1000
    this.#left--
    return 0
  }

  /** How much is in it: as many as its whole part can be taken at once. */
  get left (): number {
    this.#fill()
    return this.#left
  }

  /** Whether it is as full as a new one. */
  get full (): boolean {
    this.#fill()
    return this.#left >= this.#burst
  }

  #fill (): void {
    const now = this.#clock.monotonic()
    this.#left = Math.min(this.#burst, this.#left + (now - this.#filledAt) / 1000 * this.#perSecond)
    this.#filledAt = now
  }
}
