import { dataDcs, textDcs, type CodingGroup, type MessageClass } from './dcs.ts'
import type { Alphabet, Encoded, Fragment } from './fragment.ts'
import { septetsOf, textToSeptets } from './gsm7.ts'
import { encodeHeader, type Ports, type UserDataHeader } from './header.ts'
import { headerSeptets } from './septets.ts'
import { textToUtf16 } from './utf16.ts'

/** Octets of user data in one short message (TS 23.040 clause 9.2.3.16), and how many septets they hold. */
export const USER_DATA_OCTETS = 140
export const USER_DATA_SEPTETS = 160

/** Most fragments of one message: their number is one octet (TS 23.040 clause 9.2.3.24.1). */
const MAX_FRAGMENTS = 255

/** What a message is to be besides its text or data. */
export interface EncodeOptions {
  /** Marks the fragments of one message: 0 to 65535, of which an 8-bit reference takes the low octet. Not used where one fragment is enough. */
  reference: number
  referenceBits: 8 | 16
  ports?: Ports | undefined
  /** A command packet for the SIM, which cannot be cut: TS 31.115 marks the first fragment only, and receivers differ. */
  commandPacket?: boolean | undefined
  class?: MessageClass | undefined
}

export interface DataOptions extends EncodeOptions {
  /** The general group unless it says otherwise. */
  group?: CodingGroup | undefined
}

/** Units that fit behind a header of so many octets: septets for gsm7, octets for 8bit, UTF-16 code units for ucs2. */
export function capacity (alphabet: Alphabet, headerOctets: number): number {
  if (alphabet === 'gsm7') return USER_DATA_SEPTETS - headerSeptets(headerOctets)
  const octets = USER_DATA_OCTETS - headerOctets
  return alphabet === 'ucs2' ? octets >>> 1 : octets
}

/**
 * A text as fragments: GSM 7-bit when it has all the characters, UTF-16 otherwise. There are as few fragments as can be; no escape sequence and no
 * surrogate pair is cut, and no grapheme (a flag, a family, a letter with its marks) where keeping it whole takes no fragment more. What a text
 * costs so depends on no version of Unicode. Gives what is wrong when it cannot be sent.
 */
export function encodeText (text: string, options: EncodeOptions): Encoded | string {
  const septets = textToSeptets(text)
  const alphabet = septets === undefined ? 'ucs2' : 'gsm7'
  const size = septets?.length ?? text.length
  const fragments = fragment(alphabet, septets ?? textToUtf16(text), size, options, () => textCuts(text, size, alphabet))
  return typeof fragments === 'string' ? fragments : { alphabet, dcs: textDcs(alphabet, options.class), fragments }
}

/** Data as fragments. Gives what is wrong when they cannot be sent. */
export function encodeData (data: Uint8Array, options: DataOptions): Encoded | string {
  const dcs = dataDcs(options.group ?? 'general', options.class)
  if (dcs === undefined) return 'the message class group of codings needs a class'
  const fragments = fragment('8bit', data, data.length, options, () => new Uint8Array(data.length + 1).fill(CUT.whole))
  return typeof fragments === 'string' ? fragments : { alphabet: '8bit', dcs, fragments }
}

/** Whether a message may be cut before a unit: never, between characters, or where nothing that belongs together is parted. */
const CUT = { never: 0, character: 1, whole: 2 } as const

/** `size` units as fragments. `cuts` tells for each unit, and the end, whether it may be cut there; it is asked for only when it must be cut. */
function fragment (alphabet: Alphabet, body: Uint8Array, size: number, options: EncodeOptions, cuts: () => Uint8Array): Fragment[] | string {
  const { reference, referenceBits: bits, ports, commandPacket } = options
  const elements: UserDataHeader = { ports, commandPacket }
  const single = encodeHeader(elements)
  if (size <= capacity(alphabet, single.length)) return [{ header: single, body }]
  if (commandPacket === true) {
    return `a command packet must fit in one short message, which here holds ${capacity(alphabet, single.length)} ${UNITS[alphabet]}`
  }
  const headerOf = (total: number, part: number): Uint8Array =>
    encodeHeader({ ...elements, concatenation: { reference: bits === 8 ? reference & 0xff : reference, bits, total, part } })
  const room = capacity(alphabet, headerOf(0, 0).length)
  // Nothing of this length fits, so that the work below stays bounded.
  if (size > room * MAX_FRAGMENTS) return TOO_LONG
  const ends = cut(cuts(), size, room)
  if (ends.length > MAX_FRAGMENTS) return TOO_LONG
  const octets = alphabet === 'ucs2' ? 2 : 1
  return ends.map((end, i) => ({ header: headerOf(ends.length, i + 1), body: body.subarray((ends[i - 1] ?? 0) * octets, end * octets) }))
}

const UNITS = { gsm7: 'septets', '8bit': 'octets', ucs2: 'UTF-16 units' } as const

const TOO_LONG = `it is too long: a message has at most ${MAX_FRAGMENTS} fragments`

/**
 * Where fragments end. Cutting as late as characters allow gives the least number there can be. So a fragment may end earlier, at the end of a
 * grapheme, as long as the least number for what then is left does not grow beyond what is left of it.
 */
function cut (cuts: Uint8Array, size: number, room: number): number[] {
  const latest = (from: number, kind: number): number => {
    let end = Math.min(from + room, size)
    while (end > from && cuts[end]! < kind) end--
    return end
  }
  const least = (from: number): number => {
    let count = 0
    for (let at = from; at < size; at = latest(at, CUT.character)) count++
    return count
  }
  const ends: number[] = []
  let at = 0
  for (let left = least(0); at < size; left--) {
    const whole = latest(at, CUT.whole)
    at = whole > at && least(whole) < left ? whole : latest(at, CUT.character)
    ends.push(at)
  }
  return ends
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Where a text may be cut, by septets or UTF-16 units. */
function textCuts (text: string, size: number, alphabet: Alphabet): Uint8Array {
  const cuts = new Uint8Array(size + 1)
  let at = 0
  for (const { segment } of graphemes.segment(text)) {
    cuts[at] = CUT.whole
    for (const character of segment) {
      cuts[at] = Math.max(cuts[at]!, CUT.character)
      at += alphabet === 'gsm7' ? septetsOf(character)!.length : character.length
    }
  }
  cuts[size] = CUT.whole
  return cuts
}
