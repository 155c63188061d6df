import { BASE_TABLE, EXTENSION_TABLE, extension, type CodeTable } from './gsm7.ts'
import { INDIAN_LOCKING, INDIAN_SINGLE } from './national-indian.ts'

/** A table that differs from another in a few codes. */
function differing (table: CodeTable, characters: Readonly<Record<number, string>>): CodeTable {
  return table.map((character, code) => characters[code] ?? character)
}

/** What every single shift table has of the default extension table. */
const COMMON = Object.fromEntries(EXTENSION_TABLE.flatMap((character, code) => character === undefined ? [] : [[code, character]]))

/** National Language Identifiers are the keys (TS 23.038 clause 6.2.1.2.4). Tables: TS 23.038 annex A.2. */
const SINGLE: Readonly<Record<number, CodeTable>> = {
  // Turkish, A.2.1.
  1: extension({ ...COMMON, 0x47: 'Ğ', 0x49: 'İ', 0x53: 'Ş', 0x63: 'ç', 0x67: 'ğ', 0x69: 'ı', 0x73: 'ş' }),
  // Spanish, A.2.2.
  2: extension({ ...COMMON, 0x09: 'ç', 0x41: 'Á', 0x49: 'Í', 0x4f: 'Ó', 0x55: 'Ú', 0x61: 'á', 0x69: 'í', 0x6f: 'ó', 0x75: 'ú' }),
  // Portuguese, A.2.3.
  3: extension({
    ...COMMON, 0x05: 'ê', 0x09: 'ç', 0x0b: 'Ô', 0x0c: 'ô', 0x0e: 'Á', 0x0f: 'á', 0x12: 'Φ', 0x13: 'Γ', 0x15: 'Ω', 0x16: 'Π', 0x17: 'Ψ', 0x18: 'Σ',
    0x19: 'Θ', 0x1f: 'Ê', 0x41: 'À', 0x49: 'Í', 0x4f: 'Ó', 0x55: 'Ú', 0x5b: 'Ã', 0x5c: 'Õ', 0x61: 'Â', 0x69: 'í', 0x6f: 'ó', 0x75: 'ú', 0x7b: 'ã',
    0x7c: 'õ', 0x7f: 'â'
  }),
  ...INDIAN_SINGLE
}

/** As above; TS 23.038 annex A.3. Spanish has none. */
const LOCKING: Readonly<Record<number, CodeTable>> = {
  // Turkish, A.3.1.
  1: differing(BASE_TABLE, { 0x04: '€', 0x07: 'ı', 0x0b: 'Ğ', 0x0c: 'ğ', 0x1c: 'Ş', 0x1d: 'ş', 0x40: 'İ', 0x60: 'ç' }),
  // Portuguese, A.3.3.
  3: differing(BASE_TABLE, {
    0x04: 'ê', 0x06: 'ú', 0x07: 'í', 0x08: 'ó', 0x09: 'ç', 0x0b: 'Ô', 0x0c: 'ô', 0x0e: 'Á', 0x0f: 'á', 0x12: 'ª', 0x13: 'Ç', 0x14: 'À', 0x15: '∞',
    0x16: '^', 0x17: '\\', 0x18: '€', 0x19: 'Ó', 0x1a: '|', 0x1c: 'Â', 0x1d: 'â', 0x1e: 'Ê', 0x24: 'º', 0x40: 'Í', 0x5b: 'Ã', 0x5c: 'Õ', 0x5d: 'Ú',
    0x60: '~', 0x7b: 'ã', 0x7c: 'õ', 0x7d: '`'
  }),
  ...INDIAN_LOCKING
}

/** The table that stands behind an escape under a single shift; the default one for a language that has none. */
export function singleShiftTable (language: number | undefined): CodeTable {
  return SINGLE[language ?? 0] ?? EXTENSION_TABLE
}

/** The table of codes without an escape under a locking shift; the default one for a language that has none. */
export function lockingShiftTable (language: number | undefined): CodeTable {
  return LOCKING[language ?? 0] ?? BASE_TABLE
}
