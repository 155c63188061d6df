import { isDigits } from './digits.ts'

/** Digits of a Mobile Country Code (ITU-T E.212). */
const MCC_DIGITS = 3

/**
 * Whether a text is a PLMN as it is written here: MCC followed by MNC (TS 23.003 clause 12.1), five digits or six. The length of the MNC
 * is part of its identity: 310-26 and 310-026 are two networks.
 */
export function isPlmn (text: string): boolean {
  return isDigits(text, MCC_DIGITS + 2, MCC_DIGITS + 3)
}

/** The Mobile Country Code of a PLMN. */
export function mccOf (plmn: string): string {
  return plmn.slice(0, MCC_DIGITS)
}
