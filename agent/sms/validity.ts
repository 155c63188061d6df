import { decodeTime, TIME_OCTETS } from './service-centre-time.ts'
import { swappedDecimal } from './semi-octets.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS

/** TP-VPF: which form of TP-VP an SMS-SUBMIT has (TS 23.040 clause 9.2.3.3). */
export const VALIDITY_FORMAT = { none: 0, enhanced: 1, relative: 2, absolute: 3 } as const

/** How long a service centre is to try. */
export type Validity =
  | { kind: 'relative', ms: number }
  /** Until a moment, milliseconds since 1970 (UTC). */
  | { kind: 'absolute', until: number }
  /** `ms` is undefined where it leaves the time to the service centre; `singleShot`: one attempt only. */
  | { kind: 'enhanced', ms: number | undefined, singleShot: boolean }

/**
 * TP-VP relative (TS 23.040 clause 9.2.3.12.1) of a time in ms, rounded down, so that nothing outlives its deadline; 5 minutes at least, 63 weeks
 * at most.
 */
export function encodeRelativeValidity (ms: number): number {
  if (ms < 10 * MINUTE_MS) return 0
  if (ms < 12 * HOUR_MS + 30 * MINUTE_MS) return Math.min(Math.floor(ms / (5 * MINUTE_MS)) - 1, 143)
  if (ms < 2 * DAY_MS) return 143 + Math.min(Math.floor((ms - 12 * HOUR_MS) / (30 * MINUTE_MS)), 24)
  if (ms < 5 * WEEK_MS) return 166 + Math.min(Math.floor(ms / DAY_MS), 30)
  return 192 + Math.min(Math.floor(ms / WEEK_MS), 63)
}

/** The time that TP-VP relative means, ms. */
export function decodeRelativeValidity (value: number): number {
  if (value <= 143) return (value + 1) * 5 * MINUTE_MS
  if (value <= 167) return 12 * HOUR_MS + (value - 143) * 30 * MINUTE_MS
  if (value <= 196) return (value - 166) * DAY_MS
  return (value - 192) * WEEK_MS
}

/** Octets that TP-VP takes, by TP-VPF. */
export function validityOctets (format: number): number {
  if (format === VALIDITY_FORMAT.none) return 0
  return format === VALIDITY_FORMAT.relative ? 1 : TIME_OCTETS
}

/** Reads the octets of a TP-VP, as many as its format has. Undefined when there is none, or when it says nothing that the standard knows. */
export function decodeValidity (format: number, octets: Uint8Array): Validity | undefined {
  if (format === VALIDITY_FORMAT.relative) return { kind: 'relative', ms: decodeRelativeValidity(octets[0]!) }
  if (format === VALIDITY_FORMAT.enhanced) return decodeEnhanced(octets)
  const until = format === VALIDITY_FORMAT.absolute ? decodeTime(octets) : undefined
  return until === undefined ? undefined : { kind: 'absolute', until: until.time }
}

/** TP-VP enhanced (TS 23.040 clause 9.2.3.12.3): an indicator, in bits 2 to 0 the form of the octets after it. A second indicator is not known. */
function decodeEnhanced (octets: Uint8Array): Validity | undefined {
  const indicator = octets[0]!
  const singleShot = (indicator & 0x40) !== 0
  if ((indicator & 0x80) !== 0) return undefined
  switch (indicator & 7) {
    case 0: return { kind: 'enhanced', ms: undefined, singleShot }
    case 1: return { kind: 'enhanced', ms: decodeRelativeValidity(octets[1]!), singleShot }
    case 2: return octets[1] === 0 ? undefined : { kind: 'enhanced', ms: octets[1]! * 1000, singleShot }
    case 3: {
      const [hours, minutes, seconds] = Array.from(octets.subarray(1, 4), swappedDecimal)
      if (hours === undefined || minutes === undefined || seconds === undefined) return undefined
      return { kind: 'enhanced', ms: hours * HOUR_MS + minutes * MINUTE_MS + seconds * 1000, singleShot }
    }
    default: return undefined
  }
}
