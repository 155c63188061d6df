/** Time as the agent sees it, so that tests can turn the hands. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 (UTC). It may jump: it only stamps. */
  now: () => number
  /** Monotonic clock, milliseconds since some start. Deadlines run on it. */
  monotonic: () => number
  /** Calls `callback` once, after `delayMs` of monotonic time. The call given back prevents it. */
  after: (delayMs: number, callback: () => void) => () => void
}

/** Longest delay that setTimeout takes without overflowing to 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMEOUT_MS))
    return () => clearTimeout(timer)
  }
}
