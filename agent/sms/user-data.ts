import type { Cursor } from './cursor.ts'
import { decodeDcs } from './dcs.ts'
import type { Alphabet, Fragment } from './fragment.ts'
import { septetsToText } from './gsm7.ts'
import { decodeHeader, type UserDataHeader } from './header.ts'
import { lockingShiftTable, singleShiftTable } from './national.ts'
import { USER_DATA_OCTETS, USER_DATA_SEPTETS } from './segmentation.ts'
import { headerSeptets, packSeptets, septetOctets, unpackSeptets } from './septets.ts'
import { utf16ToText } from './utf16.ts'

/** User data as they came: header and body, and what they say. */
export interface UserData extends Fragment {
  alphabet: Alphabet
  elements: UserDataHeader
  /** The header's elements do not add up, so that none was believed. */
  damagedHeader: boolean
  /** Undefined for data, and for text that is compressed. */
  text: string | undefined
}

/** TP-UDL and TP-UD (TS 23.040 clauses 9.2.3.16 and 9.2.3.24); undefined for a fragment that is too long. */
export function encodeUserData (alphabet: Alphabet, { header, body }: Fragment): Uint8Array | undefined {
  const length = alphabet === 'gsm7' ? headerSeptets(header.length) + body.length : header.length + body.length
  if (length > (alphabet === 'gsm7' ? USER_DATA_SEPTETS : USER_DATA_OCTETS)) return undefined
  return alphabet === 'gsm7' ? Uint8Array.of(length, ...packSeptets(body, header)) : Uint8Array.of(length, ...header, ...body)
}

/** Reads TP-UDL and TP-UD; undefined when they are longer than user data may be. What is not there in full the cursor tells. */
export function decodeUserData (cursor: Cursor, dcs: number, hasHeader: boolean): UserData | undefined {
  const { alphabet, compressed } = decodeDcs(dcs)
  const septets = alphabet === 'gsm7' && !compressed
  const length = cursor.octet()
  if (length > (septets ? USER_DATA_SEPTETS : USER_DATA_OCTETS)) return undefined
  const octets = cursor.take(septets ? septetOctets(length) : length)
  const header = octets.subarray(0, hasHeader ? (octets[0] ?? 0) + 1 : 0)
  const { header: elements, damaged: damagedHeader } = decodeHeader(header)
  const body = septets ? unpackSeptets(octets, headerSeptets(header.length), length) : octets.subarray(header.length)
  const what: Alphabet = compressed ? '8bit' : alphabet
  return { header, body, alphabet: what, elements, damagedHeader, text: textOf(what, body, elements) }
}

/** The text of a body whose header says this; undefined for data. */
export function textOf (alphabet: Alphabet, body: Uint8Array, { lockingShift, singleShift }: UserDataHeader): string | undefined {
  if (alphabet === 'ucs2') return utf16ToText(body)
  return alphabet === 'gsm7' ? septetsToText(body, lockingShiftTable(lockingShift), singleShiftTable(singleShift)) : undefined
}
