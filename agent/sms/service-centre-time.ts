import { decimalSwapped, swappedDecimal } from './semi-octets.ts'

/** Octets of TP-SCTS and of the other times (TS 23.040 clause 9.2.3.11). */
export const TIME_OCTETS = 7

const QUARTER_MINUTES = 15
/** Seven values of tens in three bits: the farthest zone that can be written. */
const MOST_QUARTERS = 79
/** Sign of the zone: it takes the place of the highest bit of the tens, which are low. */
const WEST = 0x08

/** A moment, and the zone whose local time was written. */
export interface ZonedTime {
  /** Milliseconds since 1970 (UTC); whole seconds are kept. */
  time: number
  /** What local time is ahead of UTC, in minutes; whole quarters of an hour are kept. */
  offsetMinutes: number
}

/** A time as TP-SCTS: local time, digits swapped, two digits of the year, and the zone. */
export function encodeTime ({ time, offsetMinutes }: ZonedTime): Uint8Array {
  const quarters = Math.max(-MOST_QUARTERS, Math.min(Math.round(offsetMinutes / QUARTER_MINUTES), MOST_QUARTERS))
  const local = new Date(time + quarters * QUARTER_MINUTES * 60_000)
  const parts = [
    local.getUTCFullYear() % 100, local.getUTCMonth() + 1, local.getUTCDate(), local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()
  ]
  return Uint8Array.of(...parts.map(decimalSwapped), decimalSwapped(Math.abs(quarters)) | (quarters < 0 ? WEST : 0))
}

/** Reads the seven octets of a time; its year is one of 2000 to 2099. Undefined when it is no time. */
export function decodeTime (octets: Uint8Array): ZonedTime | undefined {
  const parts = Array.from(octets.subarray(0, 6), swappedDecimal)
  if (parts.includes(undefined)) return undefined
  const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number]
  const zone = octets[6]!
  const quarters = swappedDecimal(zone & ~WEST)
  if (quarters === undefined || hour > 23 || minute > 59 || second > 59) return undefined
  const local = Date.UTC(2000 + year, month - 1, day, hour, minute, second)
  // The day after the last of a month is none.
  const read = new Date(local)
  if (read.getUTCMonth() !== month - 1 || read.getUTCDate() !== day) return undefined
  const offsetMinutes = (zone & WEST) === 0 ? quarters * QUARTER_MINUTES : quarters * -QUARTER_MINUTES
  return { time: local - offsetMinutes * 60_000, offsetMinutes: offsetMinutes === 0 ? 0 : offsetMinutes }
}
