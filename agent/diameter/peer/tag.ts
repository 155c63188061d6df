import { VENDOR_3GPP } from '../codes.ts'

/** Which AVP: its code and vendor, and whether we send it with the M bit (RFC 6733 clause 4.1). */
export interface Tag {
  code: number
  /** 0 for the base protocol. */
  vendor: number
  mandatory: boolean
}

/** An AVP of the base protocol. */
export function base (code: number, mandatory = true): Tag {
  return { code, vendor: 0, mandatory }
}

/** An AVP of 3GPP. */
export function gpp (code: number, mandatory = true): Tag {
  return { code, vendor: VENDOR_3GPP, mandatory }
}
