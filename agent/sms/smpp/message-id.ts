/**
 * How a service centre writes one message's id in its responses and in its receipts: alike, or hexadecimal in the one and decimal in the other.
 */
export type IdFormat = 'same' | 'hex-then-decimal' | 'decimal-then-hex'

/** Where an id was read: in a submit_sm_resp, or in a receipt. */
export type IdPlace = 'response' | 'receipt'

const HEX = /^[0-9a-f]+$/
const DECIMAL = /^[0-9]+$/
const LEADING_ZEROS = /^0+(?=.)/

/**
 * An id as it is compared: without the space around it, in lower case, without leading zeros. Where the formats differ a value that is wholly
 * hexadecimal is made decimal; whatever else it is, a UUID say, stays.
 */
export function comparableId (id: string, place: IdPlace, format: IdFormat): string {
  const folded = id.trim().toLowerCase()
  if (!HEX.test(folded)) return folded
  const isHex = format === (place === 'response' ? 'hex-then-decimal' : 'decimal-then-hex')
  if (isHex) return BigInt(`0x${folded}`).toString()
  return format === 'same' || DECIMAL.test(folded) ? folded.replace(LEADING_ZEROS, '') : folded
}
