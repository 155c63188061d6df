import type { Alphabet } from './fragment.ts'

/** Message class (TS 23.038 clause 4): 0 flash, 1 of the phone, 2 of the SIM, 3 of the terminal equipment. */
export type MessageClass = 0 | 1 | 2 | 3

/** Which group of TP-DCS codes data are coded by (TS 23.038 clause 4): the general one, or the one that always has a class. */
export type CodingGroup = 'general' | 'class'

/** What a TP-DCS says (TS 23.038 clause 4). */
export interface CodingScheme {
  alphabet: Alphabet
  /** Compressed by TS 23.042: the user data are octets, whatever the alphabet. */
  compressed: boolean
  class: MessageClass | undefined
  /** The phone deletes it once it was read. */
  autoDelete: boolean
  /** A message waiting indication: what waits, or waits no more, and whether the phone is to keep the message itself. */
  waiting: { what: 'voicemail' | 'fax' | 'email' | 'other', active: boolean, keep: boolean } | undefined
}

const WAITING = ['voicemail', 'fax', 'email', 'other'] as const

/** Alphabets by bits 3 and 2 of the general groups; the fourth is reserved, and what is reserved is read as the default alphabet. */
const ALPHABETS: readonly Alphabet[] = ['gsm7', '8bit', 'ucs2', 'gsm7']

/** Reads a TP-DCS. Reserved codings are the default alphabet without a class. */
export function decodeDcs (dcs: number): CodingScheme {
  const scheme: CodingScheme = { alphabet: 'gsm7', compressed: false, class: undefined, autoDelete: false, waiting: undefined }
  const group = dcs >>> 4
  if (group <= 0x7) {
    scheme.alphabet = ALPHABETS[dcs >>> 2 & 3]!
    scheme.compressed = (dcs & 0x20) !== 0
    scheme.autoDelete = (dcs & 0x40) !== 0
    if ((dcs & 0x10) !== 0) scheme.class = (dcs & 3) as MessageClass
  } else if (group === 0xf) {
    scheme.alphabet = (dcs & 0x04) === 0 ? 'gsm7' : '8bit'
    scheme.class = (dcs & 3) as MessageClass
  } else if (group >= 0xc) {
    scheme.alphabet = group === 0xe ? 'ucs2' : 'gsm7'
    scheme.waiting = { what: WAITING[dcs & 3]!, active: (dcs & 0x08) !== 0, keep: group !== 0xc }
  }
  return scheme
}

/** TP-DCS of a text: the general group, with a class where there is one. */
export function textDcs (alphabet: 'gsm7' | 'ucs2', messageClass: MessageClass | undefined): number {
  return (alphabet === 'ucs2' ? 0x08 : 0x00) | (messageClass === undefined ? 0 : 0x10 | messageClass)
}

/** TP-DCS of data; undefined for the group that has a class always, without one. */
export function dataDcs (group: CodingGroup, messageClass: MessageClass | undefined): number | undefined {
  if (group === 'class') return messageClass === undefined ? undefined : 0xf4 | messageClass
  return messageClass === undefined ? 0x04 : 0x14 | messageClass
}
