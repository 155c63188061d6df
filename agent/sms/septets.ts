/**
 * How septets lie in octets (TS 23.038 clause 6.1.2.1.1): the first bit of septet n is bit 7n, lowest bits first. After a header the text begins
 * at the next septet (TS 23.040 clause 9.2.3.24), so counting septets from the start of the header needs no fill bits.
 */

/** Septets that a header of so many octets takes, fill bits included. */
export function headerSeptets (headerOctets: number): number {
  return Math.ceil(headerOctets * 8 / 7)
}

/** Octets that so many septets take. */
export function septetOctets (septets: number): number {
  return Math.ceil(septets * 7 / 8)
}

/** A header, and septets (one in each octet) packed behind it. Spare bits are 0. */
export function packSeptets (septets: Uint8Array, header: Uint8Array = new Uint8Array()): Uint8Array {
  const first = headerSeptets(header.length)
  const packed = new Uint8Array(septetOctets(first + septets.length))
  packed.set(header)
  septets.forEach((septet, i) => {
    const bit = (first + i) * 7
    const shifted = (septet & 0x7f) << (bit & 7)
    packed[bit >>> 3]! |= shifted
    // Where the octet has too little room the rest lies in the next one, which then is there.
    if (shifted > 0xff) packed[(bit >>> 3) + 1]! |= shifted >>> 8
  })
  return packed
}

/** Septets `first` to `end`, one in each octet; those that the octets do not hold in full are left out. */
export function unpackSeptets (packed: Uint8Array, first: number, end: number): Uint8Array {
  const held = Math.min(end, Math.floor(packed.length * 8 / 7))
  const septets = new Uint8Array(Math.max(0, held - first))
  for (let i = 0; i < septets.length; i++) {
    const bit = (first + i) * 7
    const both = packed[bit >>> 3]! | (packed[(bit >>> 3) + 1] ?? 0) << 8
    septets[i] = both >>> (bit & 7) & 0x7f
  }
  return septets
}
