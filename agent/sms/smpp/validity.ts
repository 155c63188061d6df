const SECOND_MS = 1_000
const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S
const DAY_S = 24 * HOUR_S

/** Longest period that is said: days before a month begins, whose length nobody defines. */
const MAX_S = 28 * DAY_S

/**
 * validity_period as time from now (SMPP 3.4 clause 7.1.1.2): `YYMMDDhhmmss000R`. Both clocks may be wrong and it is still right. At least a second:
 * zero is no period.
 */
export function relativeTime (ms: number): string {
  const seconds = Math.min(Math.max(Math.floor(ms / SECOND_MS), 1), MAX_S)
  const parts = [Math.floor(seconds / DAY_S), Math.floor(seconds % DAY_S / HOUR_S), Math.floor(seconds % HOUR_S / MINUTE_S), seconds % MINUTE_S]
  return `0000${parts.map(part => String(part).padStart(2, '0')).join('')}000R`
}
