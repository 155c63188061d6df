import type { Clock } from '../lib/clock.ts'

/** Part of a stream's life by which it may end earlier or later, so that streams opened together do not end together. */
const JITTER = 0.1

/** Calls `end` when a stream has lasted about so many minutes; the call given back prevents it. */
export function limitLife (clock: Clock, minutes: number, end: () => void): () => void {
  return clock.after(minutes * 60_000 * (1 - JITTER + 2 * JITTER * Math.random()), end)
}
