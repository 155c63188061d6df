import { septetsToText } from '../gsm7.ts'

const FIRST_BEYOND_LATIN1 = 0x100

/** Septets, one in each octet, as Latin-1 for a service centre that expects that; undefined when a character is not in it, such as € or Δ. */
export function septetsToLatin1 (septets: Uint8Array): Uint8Array | undefined {
  const codes = Array.from(septetsToText(septets), character => character.charCodeAt(0))
  return codes.some(code => code >= FIRST_BEYOND_LATIN1) ? undefined : Uint8Array.from(codes)
}

/** Latin-1 as UTF-16BE, which has all of it. */
export function latin1ToUcs2 (octets: Uint8Array): Uint8Array {
  const units = new Uint8Array(2 * octets.length)
  octets.forEach((octet, i) => { units[2 * i + 1] = octet })
  return units
}
