const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** How long to wait after each temporary failure in a row; after the last one it stays so. */
const AFTER_FAILURE_MS = [
  15 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 6 * HOUR_MS
] as const

/** For a subscriber who cannot be reached, whose return the network tells as a rule: how long to wait before asking all the same. */
const WHILE_ABSENT_MS = [15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 6 * HOUR_MS] as const

/** Part of a wait by which it may be shorter or longer, so that what failed together does not come back together. */
const JITTER = 0.2

/** How long to wait after a temporary failure, ms. `failures`: how many there were, this one among them. `chance`: 0 to 1. */
export function retryDelay (failures: number, absent: boolean, chance: number): number {
  const steps = absent ? WHILE_ABSENT_MS : AFTER_FAILURE_MS
  const step = steps[Math.min(failures, steps.length) - 1] ?? steps[0]
  return Math.round(step * (1 - JITTER + 2 * JITTER * chance))
}
