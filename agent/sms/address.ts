import { textToSeptets } from './gsm7.ts'

/** Type of number (TS 23.040 clause 9.1.2.5; SMPP 3.4 clause 5.2.5 has the same values for these). */
export const TON = { unknown: 0, international: 1, national: 2, networkSpecific: 3, alphanumeric: 5, abbreviated: 6 } as const

export type Ton = typeof TON[keyof typeof TON]

/** An address of a short message. */
export interface Address {
  ton: Ton
  /** Digits (`*`, `#`, `a` to `c` are digits here), without "+"; of an alphanumeric address the text. */
  value: string
}

/** Most digits of an international number (ITU-T E.164 clause 6.1), and of any address (TS 23.040 clause 9.1.2.5: ten octets). */
const INTERNATIONAL_DIGITS = 15
export const ADDRESS_DIGITS = 20

/** Most septets of an alphanumeric address: ten octets. */
export const ADDRESS_SEPTETS = 11

/**
 * Reads an address as callers write it: "+" and an international number, the digits of a short code or a national number, or a text with a
 * letter in it. Gives what is wrong otherwise, as a sentence's end that does not repeat the address ("has …").
 */
export function parseAddress (text: string): Address | string {
  if (text === '') return 'is empty: give a number or a name'
  if (text.startsWith('+')) {
    if (!/^\+\d+$/.test(text)) return 'has something else than digits after the "+": write an international number without spaces or signs'
    if (text[1] === '0') return 'has a 0 after the "+": an international number begins with its country code'
    if (text.length > INTERNATIONAL_DIGITS + 1) return `has too many digits: an international number has at most ${INTERNATIONAL_DIGITS}`
    return { ton: TON.international, value: text.slice(1) }
  }
  if (/^\d+$/.test(text)) {
    if (text.length > ADDRESS_DIGITS) return `has too many digits: an address has at most ${ADDRESS_DIGITS}`
    return { ton: TON.unknown, value: text }
  }
  if (!/\p{L}/u.test(text)) {
    return 'is neither a number nor a name: a number has digits only, with a "+" before an international one; a name has a letter in it'
  }
  const septets = textToSeptets(text)
  // The extension table is left out: its characters take two septets and are not shown alike everywhere.
  if (septets === undefined || septets.length !== text.length || /[\r\n]/.test(text)) {
    return 'has a character that a name cannot have: use those of the GSM 7-bit default alphabet, without line breaks and any of ^ { } [ ] ~ \\ | €'
  }
  if (septets.length > ADDRESS_SEPTETS) return `is too long: a name has at most ${ADDRESS_SEPTETS} characters`
  return { ton: TON.alphanumeric, value: text }
}
