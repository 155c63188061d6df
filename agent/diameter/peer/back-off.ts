import type { Clock } from '../../lib/clock.ts'
import { DISCONNECT } from './base.ts'

/** The first wait before a new connection, and the longest that doubling leads to, ms. */
const FIRST_MS = 1_000
const LONGEST_MS = 60_000

/** Waits are so much shorter at random, as a part, so that agents that lost one peer together do not come back together. */
const JITTER = 0.2

/** The wait after a peer that sent us away, ms (RFC 6733 clause 5.4.3): it restarts, it is overloaded, or it wants no connection at all. */
const SENT_AWAY_MS: Readonly<Record<number, number>> = {
  [DISCONNECT.rebooting]: 10_000,
  [DISCONNECT.busy]: 120_000,
  [DISCONNECT.doNotWantToTalkToYou]: 300_000
}

/** How a connection ended. */
export interface End {
  /** `lost`: without goodbye. `refused`: the peers do not fit each other. `sent-away`: the peer said goodbye. `left`: we did. */
  how: 'lost' | 'refused' | 'sent-away' | 'left'
  /** Why, in words. */
  text: string
  /** The peer's Disconnect-Cause, when it sent us away. */
  cause?: number | undefined
}

/** How long to wait before the next connection. */
export class BackOff {
  readonly #clock: Clock
  #failures = 0
  #openedAt: number | undefined

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** A connection carries requests. */
  opened (): void {
    this.#openedAt = this.#clock.monotonic()
  }

  /** A connection ended, or none came about: the wait in ms. A connection that lasted longer than the longest wait makes up for earlier failures. */
  next ({ how, cause }: End): number {
    if (this.#openedAt !== undefined && this.#clock.monotonic() - this.#openedAt > LONGEST_MS) this.#failures = 0
    this.#openedAt = undefined
    const doubled = Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS)
    this.#failures = Math.min(this.#failures + 1, 16)
    // A refusal is a matter of configuration, on one side or the other: it does not go away in seconds.
    const wait = how === 'refused' ? LONGEST_MS : how === 'sent-away' ? SENT_AWAY_MS[cause ?? DISCONNECT.rebooting] ?? LONGEST_MS : doubled
    return wait * (1 - Math.random() * JITTER)
  }
}
