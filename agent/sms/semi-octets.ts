/** Digits by the value of their semi-octet (TS 23.040 clause 9.1.2.3); 15 is the filler. */
const DIGITS = '0123456789*#abc'
const FILLER = 0xf

/** Digits two to an octet, the first one low, filled up with F; undefined when something is no digit. */
export function digitsToOctets (digits: string): Uint8Array | undefined {
  const octets = new Uint8Array(Math.ceil(digits.length / 2)).fill(FILLER << 4)
  for (let i = 0; i < digits.length; i++) {
    const value = DIGITS.indexOf(digits[i]!)
    if (value < 0) return undefined
    octets[i >>> 1] = i % 2 === 0 ? octets[i >>> 1]! | value : value << 4 | octets[i >>> 1]! & 0xf
  }
  return octets
}

/** The first `count` digits of octets, or fewer: those before a filler. */
export function octetsToDigits (octets: Uint8Array, count = octets.length * 2): string {
  let digits = ''
  for (let i = 0; i < Math.min(count, octets.length * 2); i++) {
    const value = i % 2 === 0 ? octets[i >>> 1]! & 0xf : octets[i >>> 1]! >>> 4
    if (value === FILLER) break
    digits += DIGITS[value]!
  }
  return digits
}

/** The two-digit decimal number of an octet with its digits swapped, as times have them; undefined where one is no decimal digit. */
export function swappedDecimal (octet: number): number | undefined {
  const [tens, ones] = [octet & 0xf, octet >>> 4]
  return tens > 9 || ones > 9 ? undefined : tens * 10 + ones
}

/** A number below 100 as an octet with its digits swapped. */
export function decimalSwapped (value: number): number {
  return value % 10 << 4 | Math.floor(value / 10)
}
