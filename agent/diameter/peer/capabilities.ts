import { VENDOR_3GPP } from '../codes.ts'
import { find, findAll, group, numberOf, octets, readAvps, text, textOf, unsigned, type Avp } from './avp.ts'
import { APPLICATION_RELAY, BASE } from './base.ts'
import { addressOctets } from './host-address.ts'
import type { Tag } from './tag.ts'

/** Who we are to a peer. */
export interface Identity {
  /** Origin-Host and Origin-Realm (RFC 6733 clauses 6.3, 6.4). */
  host: string
  realm: string
  /** Grows with each start, so that a peer sees that we lost what we knew (RFC 6733 clause 8.16): seconds since 1970. */
  originStateId: number
  /** The applications that we speak, all of 3GPP. */
  applications: readonly number[]
}

/** What a peer told of itself in its CER or CEA. */
export interface Capabilities {
  host: string
  /** Applications of ours that it has too; a relay has them all (RFC 6733 clause 2.4). */
  applications: ReadonlySet<number>
}

/** Vendor-Id in a CER (RFC 6733 clause 5.3.3): 0 says that there is none. Landfall has no number at IANA. */
const OWN_VENDOR = 0

/** The AVPs of our CER or CEA (RFC 6733 clause 5.3), besides a result. */
export function capabilityAvps ({ host, realm, originStateId, applications }: Identity, localAddress: string): Avp[] {
  return [
    text(BASE.originHost, host),
    text(BASE.originRealm, realm),
    octets(BASE.hostIpAddress, addressOctets(localAddress)),
    unsigned(BASE.vendorId, OWN_VENDOR),
    text(BASE.productName, 'Landfall'),
    unsigned(BASE.originStateId, originStateId),
    unsigned(BASE.supportedVendorId, VENDOR_3GPP),
    ...applications.map(vendorSpecificApplication)
  ]
}

/** Names an application of 3GPP (RFC 6733 clause 6.11). */
export function vendorSpecificApplication (application: number): Avp {
  return group(BASE.vendorSpecificApplicationId, [unsigned(BASE.vendorId, VENDOR_3GPP), unsigned(BASE.authApplicationId, application)])
}

/** What a CER or CEA says; undefined where it does not name its sender. */
export function readCapabilities (avps: readonly Avp[], { applications }: Identity): Capabilities | undefined {
  const host = textOf(avps, BASE.originHost)
  if (host === undefined || find(avps, BASE.originRealm) === undefined) return undefined
  const rows = [avps, ...findAll(avps, BASE.vendorSpecificApplicationId).map(({ data }) => readAvps(data).avps)]
  const numbers = (row: readonly Avp[], tag: Tag): (number | undefined)[] => findAll(row, tag).map(avp => numberOf([avp], tag))
  const theirs = new Set(rows.flatMap(row => [...numbers(row, BASE.authApplicationId), ...numbers(row, BASE.acctApplicationId)]))
  return { host, applications: new Set(applications.filter(application => theirs.has(application) || theirs.has(APPLICATION_RELAY))) }
}
