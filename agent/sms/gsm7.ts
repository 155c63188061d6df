/** Announces that the next septet is of the extension table (TS 23.038 clause 6.2.1). */
export const ESCAPE = 0x1b

/** A table of the 7-bit alphabet: the character of each code. One that has no code is "" or not there. */
export type CodeTable = readonly (string | undefined)[]

/** The default alphabet, code by code (TS 23.038 clause 6.2.1). The escape stands at its place and is no text. */
export const BASE_TABLE: CodeTable = [
  ...'@£$¥èéùìòÇ\nØø\rÅå',
  ...'Δ_ΦΓΛΩΠΨΣΘΞ', '', ...'ÆæßÉ',
  ...' !"#¤%&\'()*+,-./',
  ...'0123456789:;<=>?',
  ...'¡ABCDEFGHIJKLMNO',
  ...'PQRSTUVWXYZÄÖÑÜ§',
  ...'¿abcdefghijklmno',
  ...'pqrstuvwxyzäöñüà'
]

/** What follows an escape (TS 23.038 clause 6.2.1.1). */
export const EXTENSION_TABLE = codeTable('0a\f 14^ 28{ 29} 2f\\ 3c[ 3d~ 3e] 40| 65€')

/** A table of which few codes are taken, written as words of the code in hexadecimal and its character; elsewhere it is that of `rest`. */
export function codeTable (words: string, rest: CodeTable = []): CodeTable {
  const taken = new Map(words.split(' ').map(word => [Number.parseInt(word.slice(0, 2), 16), word.slice(2)]))
  return Array.from({ length: 128 }, (_, code) => taken.get(code) ?? rest[code])
}

/** The septets of each character that the alphabet has, the escape before those of the extension table. */
const SEPTETS = new Map<string, readonly number[]>([
  ...BASE_TABLE.map((character, code) => [character!, [code]] as const),
  ...EXTENSION_TABLE.flatMap((character, code) => character === undefined ? [] : [[character, [ESCAPE, code]] as const])
].filter(([character]) => character !== ''))

/** The septets of one character: one, two for the extension table, undefined where the alphabet does not have it. */
export function septetsOf (character: string): readonly number[] | undefined {
  return SEPTETS.get(character)
}

/** A text as septets, one in each octet; undefined when it has a character that the default alphabet and its extension do not have. */
export function textToSeptets (text: string): Uint8Array | undefined {
  const septets: number[] = []
  for (const character of text) {
    const codes = SEPTETS.get(character)
    if (codes === undefined) return undefined
    septets.push(...codes)
  }
  return Uint8Array.from(septets)
}

/**
 * The text of septets, one in each octet. A code that the extension table does not have is that of the base table, an escape after an escape is a
 * space (TS 23.038 clause 6.2.1.1); an escape at the end is nothing, a code that the base table does not have is a space.
 */
export function septetsToText (septets: Uint8Array, base: CodeTable = BASE_TABLE, extended: CodeTable = EXTENSION_TABLE): string {
  let text = ''
  let escaped = false
  for (const octet of septets) {
    const code = octet & 0x7f
    if (code === ESCAPE) {
      if (escaped) text += ' '
      escaped = !escaped
      continue
    }
    text += (escaped && extended[code]) || base[code] || ' '
    escaped = false
  }
  return text
}
