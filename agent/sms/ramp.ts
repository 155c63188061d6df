import type { Link, Outcome } from './link.ts'

/** How many a link gets at once when it has just come up. */
const START = 2

/**
 * How much a link gets. After it came up its load grows: what waited meanwhile must not hit a service centre all at once. Each answer
 * lets one more be on its way, also one that says no: the phones are not the link's fault.
 */
export class Ramp {
  readonly #link: Link
  #allowed = START
  /** Taken and not settled; and those of them that the link knows of, so that its own room counts them. */
  #taken = 0
  #submitted = 0
  #wasUp = false

  constructor (link: Link) {
    this.#link = link
  }

  /** How many it gets now. */
  get room (): number {
    const { up, room } = this.#link
    if (up && !this.#wasUp) this.#allowed = START
    this.#wasUp = up
    return Math.min(room - (this.#taken - this.#submitted), this.#allowed - this.#taken)
  }

  /** One is to be sent. */
  take (): void {
    this.#taken++
  }

  /** It is not sent after all. */
  giveBack (): void {
    this.#taken--
  }

  /** Sends it: `submit` hands it to the link. */
  async send (submit: () => Promise<Outcome>): Promise<Outcome> {
    this.#submitted++
    const outcome = await submit()
    this.#submitted--
    this.#taken--
    const answered = outcome.kind !== 'unknown' && outcome.kind !== 'unsent' && !(outcome.kind === 'temporary' && outcome.throttled === true)
    if (answered) this.#allowed++
    return outcome
  }
}
