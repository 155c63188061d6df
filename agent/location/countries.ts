import { COUNTRY_OF_MCC, COUNTRY_OF_PLMN } from './country-table.ts'
import { isPlmn, mccOf } from './plmn.ts'

/**
 * The country of a PLMN (MCC followed by MNC, '24201' or '310026') as ISO 3166-1 alpha-2; undefined for what has none or is not known.
 * Exceptions are matched whole: a network whose digits merely begin like another's is not that one.
 */
export function countryOf (plmn: string): string | undefined {
  if (!isPlmn(plmn)) return undefined
  return COUNTRY_OF_PLMN.get(plmn) ?? COUNTRY_OF_MCC.get(mccOf(plmn))
}

const NAMES = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' })

/** A country's English name, to show and never to compare; the code itself when it has none. */
export function countryName (code: string): string {
  try {
    return NAMES.of(code) ?? code
  } catch {
    // What is not even formed like a code is a RangeError to Intl.
    return code
  }
}
