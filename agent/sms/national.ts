import { BASE_TABLE, codeTable, EXTENSION_TABLE, type CodeTable } from './gsm7.ts'
import { INDIAN_LOCKING, INDIAN_SINGLE } from './national-indian.ts'

/** National Language Identifiers are the keys (TS 23.038 clause 6.2.1.2.4). Tables: TS 23.038 annex A.2. */
const SINGLE: Readonly<Record<number, CodeTable>> = {
  // Turkish, A.2.1.
  1: codeTable('47Ğ 49İ 53Ş 63ç 67ğ 69ı 73ş', EXTENSION_TABLE),
  // Spanish, A.2.2.
  2: codeTable('09ç 41Á 49Í 4fÓ 55Ú 61á 69í 6fó 75ú', EXTENSION_TABLE),
  // Portuguese, A.2.3.
  3: codeTable('05ê 09ç 0bÔ 0cô 0eÁ 0fá 12Φ 13Γ 15Ω 16Π 17Ψ 18Σ 19Θ 1fÊ 41À 49Í 4fÓ 55Ú 5bÃ 5cÕ 61Â 69í 6fó 75ú 7bã 7cõ 7fâ', EXTENSION_TABLE),
  ...INDIAN_SINGLE
}

/** As above; TS 23.038 annex A.3. Spanish has none. */
const LOCKING: Readonly<Record<number, CodeTable>> = {
  // Turkish, A.3.1.
  1: codeTable('04€ 07ı 0bĞ 0cğ 1cŞ 1dş 40İ 60ç', BASE_TABLE),
  // Portuguese, A.3.3.
  3: codeTable('04ê 06ú 07í 08ó 09ç 0bÔ 0cô 0eÁ 0fá 12ª 13Ç 14À 15∞ 16^ 17\\ 18€ 19Ó 1a| 1cÂ 1dâ 1eÊ 24º 40Í 5bÃ 5cÕ 5dÚ 60~ 7bã ' +
    '7cõ 7d`', BASE_TABLE),
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
