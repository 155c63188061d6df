import { uint24, uint32 } from '../lib/bytes.ts'
import { LIMITS } from './options.ts'

/** Length of a Diameter header (RFC 6733 clause 3). */
export const HEADER_BYTES = 20

/**
 * Length of the message whose header begins at `at`; 0 when it is none: another version, or a length that cannot be. The caller has checked
 * that the header's 20 bytes are there.
 */
export function messageLength (bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 1) return 0
  const length = uint24(bytes, at + 1)
  return length >= HEADER_BYTES && length <= LIMITS.messageBytes && length % 4 === 0 ? length : 0
}

/** Whether a header is at `at` by all that can be told from it: for a search, where chance must be kept out. */
export function looksLikeHeader (bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < HEADER_BYTES || messageLength(bytes, at) === 0) return false
  const flags = bytes[at + 4]!
  if ((flags & 0x0f) !== 0 || (flags & 0xa0) === 0xa0 || uint24(bytes, at + 5) === 0) return false
  return looksLikeAvp(bytes, at + HEADER_BYTES, end, at + messageLength(bytes, at))
}

/** The first AVP, as far as it is there: reserved flags clear (RFC 6733 clause 4.1) and a length that fits the message. */
function looksLikeAvp (bytes: Uint8Array, at: number, end: number, messageEnd: number): boolean {
  if (at === messageEnd) return true
  if (messageEnd - at < 8) return false
  if (end - at < 8) return true
  const length = uint24(bytes, at + 5)
  return (bytes[at + 4]! & 0x1f) === 0 && length >= 8 && at + length <= messageEnd
}

/** Whether the AVPs of a message add up to its length: what tells a wrong length from a right one. The last padding may be missing. */
export function addsUp (bytes: Uint8Array, start: number, end: number): boolean {
  let at = start + HEADER_BYTES
  while (at < end) {
    if (end - at < 8) return false
    const length = uint24(bytes, at + 5)
    const header = (bytes[at + 4]! & 0x80) !== 0 ? 12 : 8
    if (length < header || length > end - at || uint32(bytes, at) === 0) return false
    at += (length + 3) & ~3
  }
  return true
}
