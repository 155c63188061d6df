/** A step back of more than this is the clock's own: time begins anew there. A smaller one is packets out of order. */
const MAX_DISORDER_MS = 60_000

/**
 * A time that never goes back, from stamps that do: for ages of what waits. Packets of several interfaces come a little out of order, and a
 * clock that is set back must not freeze every age until it has caught up.
 */
export class StreamTime {
  #newest: number | undefined
  #now = 0

  /** Milliseconds since the first stamp, steps back left out. */
  get now (): number { return this.#now }

  /** Takes a stamp (ms since 1970) and gives the time. */
  advance (stamp: number): number {
    if (this.#newest === undefined || this.#newest - stamp > MAX_DISORDER_MS) this.#newest = stamp
    else if (stamp > this.#newest) {
      this.#now += stamp - this.#newest
      this.#newest = stamp
    }
    return this.#now
  }
}
