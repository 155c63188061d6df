import { isDigits } from './digits.ts'
import type { ImportedSubscriber } from './imported.ts'

/** A row of an import as text; a field that is not known is empty. */
export interface ImportRow { imsi: string, msisdn: string, country: string, imei: string }

/** Reads a row that was so at `time` (ms since 1970), or says which field is wrong and what it should be. */
export function readRow ({ imsi, msisdn, country, imei }: ImportRow, time: number): ImportedSubscriber | string {
  if (!isDigits(imsi, 6, 15)) return 'the IMSI must be 6 to 15 digits'
  if (msisdn !== '' && !isDigits(msisdn, 1, 15)) return 'the MSISDN must be up to 15 digits in international form'
  if (country !== '' && !/^[A-Z]{2}$/.test(country)) return 'the country must be an ISO 3166-1 alpha-2 code, such as NO'
  if (imei !== '' && !isDigits(imei, 14, 16)) return 'the IMEI must be 14 to 16 digits'
  const known = (text: string): string | undefined => text === '' ? undefined : text
  return { imsi, msisdn: known(msisdn), country: known(country), imei: known(imei), time }
}
