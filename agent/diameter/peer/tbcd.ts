const ZERO = 0x30

/** Digits as TBCD without a nature-of-address octet (TS 29.338 clause 6.3.3.2, TS 29.329 clause 6.3.2): the low nibble first, F fills an odd number up. */
export function toTbcd (digits: string): Uint8Array {
  const bytes = new Uint8Array((digits.length + 1) >> 1).fill(0xff)
  for (let i = 0; i < digits.length; i++) {
    const digit = (digits.charCodeAt(i) - ZERO) & 15
    const at = i >> 1
    bytes[at] = i % 2 === 0 ? bytes[at]! & 0xf0 | digit : bytes[at]! & 0x0f | digit << 4
  }
  return bytes
}
