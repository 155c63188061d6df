import { ADDRESS_DIGITS, ADDRESS_SEPTETS, TON, type Address, type Ton } from './address.ts'
import { septetsToText, textToSeptets } from './gsm7.ts'
import { digitsToOctets, octetsToDigits } from './semi-octets.ts'
import { packSeptets, unpackSeptets } from './septets.ts'

/** Numbering plan identification E.164 (TS 23.040 clause 9.1.2.5); the bits are reserved and 0 for an alphanumeric address. */
const E164 = 1

const TONS: ReadonlySet<number> = new Set(Object.values(TON))

/**
 * An address as TP-OA, TP-DA and TP-RA have it (TS 23.040 clause 9.1.2.5): number of useful semi-octets, type, value. Undefined for an address that
 * cannot be written so: too long, or with a character that is none.
 */
export function encodeAddress ({ ton, value }: Address): Uint8Array | undefined {
  const type = 0x80 | ton << 4
  if (ton === TON.alphanumeric) {
    const septets = textToSeptets(value)
    if (septets === undefined || septets.length > ADDRESS_SEPTETS) return undefined
    return Uint8Array.of(Math.ceil(septets.length * 7 / 4), type, ...packSeptets(septets))
  }
  const digits = value.length > ADDRESS_DIGITS ? undefined : digitsToOctets(value)
  return digits === undefined ? undefined : Uint8Array.of(value.length, type | E164, ...digits)
}

/** Reads an address at an offset, and where it ends. Undefined when it is cut short or longer than an address may be. */
export function decodeAddress (bytes: Uint8Array, at: number): { address: Address, end: number } | undefined {
  if (at + 2 > bytes.length) return undefined
  const semiOctets = bytes[at]!
  const end = at + 2 + Math.ceil(semiOctets / 2)
  if (semiOctets > ADDRESS_DIGITS || end > bytes.length) return undefined
  const type = bytes[at + 1]! >>> 4 & 7
  const ton = TONS.has(type) ? type as Ton : TON.unknown
  const value = bytes.subarray(at + 2, end)
  return { address: { ton, value: ton === TON.alphanumeric ? name(value, semiOctets) : octetsToDigits(value, semiOctets) }, end }
}

/**
 * The text of an alphanumeric address. Eight septets fill seven octets to the last bit: where the eighth is 0 ("@"), the sender had seven and counted
 * the spare bits too.
 */
function name (value: Uint8Array, semiOctets: number): string {
  const septets = unpackSeptets(value, 0, Math.floor(semiOctets * 4 / 7))
  return septetsToText(septets.length === 8 && septets[7] === 0 ? septets.subarray(0, 7) : septets)
}
