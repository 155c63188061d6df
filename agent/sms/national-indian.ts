import { ESCAPE, EXTENSION_TABLE, type CodeTable } from './gsm7.ts'

/**
 * The tables of ten Indian languages (TS 23.038 annexes A.2.4 to A.2.13 and A.3.4 to A.3.13). All have the same skeleton: signs, digits and
 * Latin letters at the same codes, and the letters of the language, in the order of Unicode, at the codes that are left.
 */
interface Language {
  /** Where the script's block begins in Unicode. */
  block: number
  /** Offsets into the block of letters that the skeleton has a code for and the script does not. */
  without: readonly number[]
  /** Offsets at codes 60 and 7B to 7F of the locking shift table. */
  last: readonly number[]
  /** What the single shift table has at its free codes, in their order; a space is no character. */
  symbols: string
}

const LANGUAGES: Readonly<Record<number, Language>> = {
  // Bengali.
  4: {
    block: 0x0980,
    without: [0x0d, 0x0e, 0x11, 0x12, 0x29, 0x31, 0x33, 0x34, 0x35, 0x45, 0x46, 0x49, 0x4a],
    last: [0x4e, 0x57, 0x5c, 0x5d, 0x70, 0x71],
    symbols: run(0x09e6, 0x09ef) + run(0x09df, 0x09e3) + run(0x09f2, 0x09fa)
  },
  // Gujarati.
  5: {
    block: 0x0a80,
    without: [0x0e, 0x12, 0x29, 0x31, 0x34, 0x46, 0x4a],
    last: [0x50, 0x60, 0x61, 0x62, 0x63, 0x71],
    symbols: '।॥' + run(0x0ae6, 0x0aef)
  },
  // Hindi.
  6: {
    block: 0x0900,
    without: [],
    last: [0x50, 0x72, 0x7b, 0x7c, 0x7e, 0x7f],
    symbols: '।॥' + run(0x0966, 0x096f) + run(0x0951, 0x0954) + run(0x0958, 0x0963) + run(0x0970, 0x0971)
  },
  // Kannada.
  7: {
    block: 0x0c80,
    without: [0x01, 0x0d, 0x11, 0x29, 0x34, 0x45, 0x49],
    last: [0x55, 0x56, 0x60, 0x61, 0x62, 0x63],
    symbols: '।॥' + run(0x0ce6, 0x0cef) + '\u0cde\u0cf1\u0cf2'
  },
  // Malayalam.
  8: {
    block: 0x0d00,
    without: [0x01, 0x0d, 0x11, 0x29, 0x3c, 0x45, 0x49],
    last: [0x57, 0x60, 0x61, 0x62, 0x63, 0x79],
    symbols: '।॥' + run(0x0d66, 0x0d75) + run(0x0d7a, 0x0d7f)
  },
  // Oriya.
  9: {
    block: 0x0b00,
    without: [0x0d, 0x0e, 0x11, 0x12, 0x29, 0x31, 0x34, 0x45, 0x46, 0x49, 0x4a],
    last: [0x56, 0x57, 0x60, 0x61, 0x62, 0x63],
    symbols: '।॥' + run(0x0b66, 0x0b6f) + '\u0b5c\u0b5d\u0b5f\u0b70\u0b71'
  },
  // Punjabi.
  10: {
    block: 0x0a00,
    without: [0x0b, 0x0c, 0x0d, 0x0e, 0x11, 0x12, 0x29, 0x31, 0x34, 0x37, 0x3d, 0x43, 0x44, 0x45, 0x46, 0x49, 0x4a],
    last: [0x51, 0x70, 0x71, 0x72, 0x73, 0x74],
    symbols: '।॥' + run(0x0a66, 0x0a6f) + '\u0a59\u0a5a\u0a5b\u0a5c\u0a5e\u0a75'
  },
  // Tamil.
  11: {
    block: 0x0b80,
    without: [
      0x01, 0x0b, 0x0c, 0x0d, 0x11, 0x16, 0x17, 0x18, 0x1b, 0x1d, 0x20, 0x21, 0x22, 0x25, 0x26, 0x27, 0x2b, 0x2c, 0x2d, 0x3c, 0x3d, 0x43, 0x44, 0x45,
      0x49
    ],
    last: [0x50, 0x57, 0x70, 0x71, 0x72, 0x79],
    symbols: '।॥' + run(0x0be6, 0x0bef) + run(0x0bf3, 0x0bf8) + '\u0bfa'
  },
  // Telugu.
  12: {
    block: 0x0c00,
    without: [0x0d, 0x11, 0x29, 0x34, 0x3c, 0x45, 0x49],
    last: [0x55, 0x56, 0x60, 0x61, 0x62, 0x63],
    symbols: '  ' + run(0x0c66, 0x0c6f) + '\u0c58\u0c59' + run(0x0c78, 0x0c7f)
  }
}

/** Letters of Urdu in the order of the locking shift table, which is not that of Unicode. */
const URDU_LETTERS = [
  0x0627, 0x0622, 0x0628, 0x067b, 0x0680, 0x067e, 0x06a6, 0x062a, 0x06c2, 0x067f, 0x0679, 0x067d, 0x067a, 0x067c, 0x062b, 0x062c,
  0x0681, 0x0684, 0x0683, 0x0685, 0x0686, 0x0687, 0x062d, 0x062e, 0x062f, 0x068c, 0x0688, 0x0689, 0x068a, 0x068f, 0x068d, 0x0630,
  0x0631, 0x0691, 0x0693, 0x0699, 0x0632, 0x0696, 0x0698, 0x069a, 0x0633, 0x0634, 0x0635, 0x0636, 0x0637, 0x0638, 0x0639, 0x0641,
  0x0642, 0x06a9, 0x06aa, 0x06ab, 0x06af, 0x06b3, 0x06b1, 0x0644, 0x0645, 0x0646, 0x06ba, 0x06bb, 0x06bc, 0x0648, 0x06c4, 0x06d5,
  0x06c1, 0x06be, 0x0621, 0x06cc, 0x06d0, 0x06d2, 0x064d, 0x0650, 0x064f, 0x0657, 0x0654, 0x0655, 0x0651, 0x0653, 0x0656, 0x0670
]

const URDU_SYMBOLS = '\u0600\u0601' + run(0x06f0, 0x06f9) + run(0x060c, 0x0614) + '\u061b\u061f\u0640\u0652\u0658\u066b\u066c\u0672\u0673\u06cd\u06d4'

/** Offsets of the letters at the free codes 00 to 5F of a locking shift table. */
const LETTERS = [...range(0x01, 0x03), ...range(0x05, 0x39), ...range(0x3c, 0x4d)]

/** What every locking shift table of these has. */
const LOCKING_SKELETON: ReadonlyMap<number, string> = new Map([
  [0x0a, '\n'], [0x0d, '\r'], [ESCAPE, ''], [0x20, ' '], [0x21, '!'], [0x28, ')'], [0x29, '('], [0x2c, ','], [0x2e, '.'], [0x3a, ':'], [0x3b, ';'],
  [0x3f, '?'], ...same('0', '9'), ...same('a', 'z')
])

/** What every single shift table of these has. */
const SINGLE_SKELETON: ReadonlyMap<number, string> = new Map([
  ...[...'@£$¥¿"¤%&\'\f*+'].map((character, code) => [code, character] as const),
  // Reserved for a control character, and for a second single shift.
  [0x0d, ''], [ESCAPE, ''],
  ...[...'-/<=>¡^¡_#*'].map((character, i) => [0x0e + i, character] as const),
  ...EXTENSION_TABLE.flatMap((character, code) => character === undefined || code === 0x14 ? [] : [[code, character] as const]),
  ...same('A', 'Z')
])

/** Locking shift tables by National Language Identifier. */
export const INDIAN_LOCKING: Readonly<Record<number, CodeTable>> = {
  ...Object.fromEntries(Object.entries(LANGUAGES).map(([id, { block, without, last }]) => {
    const letters = LETTERS.map(offset => without.includes(offset) ? '' : String.fromCharCode(block + offset))
    return [id, fill(LOCKING_SKELETON, [...letters, ...last.map(offset => String.fromCharCode(block + offset))])]
  })),
  // Urdu.
  13: fill(LOCKING_SKELETON, URDU_LETTERS.map(point => String.fromCharCode(point)))
}

/** Single shift tables by National Language Identifier. */
export const INDIAN_SINGLE: Readonly<Record<number, CodeTable>> = Object.fromEntries(
  [...Object.entries(LANGUAGES).map(([id, { symbols }]) => [id, symbols] as const), [13, URDU_SYMBOLS] as const]
    .map(([id, symbols]) => [id, fill(SINGLE_SKELETON, [...symbols].map(symbol => symbol === ' ' ? undefined : symbol))])
)

/** A table of a skeleton and characters for the codes that it leaves free, in their order. */
function fill (skeleton: ReadonlyMap<number, string>, characters: readonly (string | undefined)[]): CodeTable {
  let next = 0
  return Array.from({ length: 128 }, (_, code) => skeleton.get(code) ?? characters[next++])
}

function range (from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

/** The characters of a row of code points. */
function run (from: number, to: number): string {
  return String.fromCharCode(...range(from, to))
}

/** Characters whose code is that of ASCII. */
function same (from: string, to: string): [number, string][] {
  return range(from.charCodeAt(0), to.charCodeAt(0)).map(code => [code, String.fromCharCode(code)])
}
