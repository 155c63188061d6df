import { uint24, uint32 } from '../lib/bytes.ts'
import { APPLICATION, AVP_3GPP, BASE_AVP, COMMAND, VENDOR_3GPP } from './codes.ts'
import { NONE, type Facts, type Span } from './facts.ts'

/** Length of a Diameter header (RFC 6733 clause 3). */
const HEADER_BYTES = 20

/** AVPs of one message, groups included. The largest Subscription-Data with dozens of APNs has some two thousand. */
const MAX_AVPS = 10_000

/** What became of a message. */
export type Decoded = 'facts' | 'other-command' | 'malformed'

/** The groups that hold something we read: which one the walk is in decides what an AVP means. */
const IN = { message: 0, experimentalResult: 1, terminalInformation: 2, subscriptionData: 3 } as const
type Place = typeof IN[keyof typeof IN]

/**
 * Reads one message, `bytes[start, end)`, into `facts`. Commands that tell nothing about a SIM are passed over after the header. A message
 * whose AVPs do not add up is malformed as a whole; a broken group inside costs the rest of that group only.
 */
export function decode (bytes: Uint8Array, start: number, end: number, facts: Facts): Decoded {
  if (end - start < HEADER_BYTES || bytes[start] !== 1) return 'malformed'
  facts.flags = bytes[start + 4]!
  facts.command = uint24(bytes, start + 5)
  facts.applicationId = uint32(bytes, start + 8)
  facts.hopByHop = uint32(bytes, start + 12)
  facts.endToEnd = uint32(bytes, start + 16)
  if (!isRead(facts.command, facts.applicationId)) return 'other-command'
  facts.clear()
  return walk(bytes, start + HEADER_BYTES, end, IN.message, facts) ? 'facts' : 'malformed'
}

function isRead (command: number, application: number): boolean {
  switch (command) {
    case COMMAND.updateLocation:
    case COMMAND.cancelLocation:
    case COMMAND.authenticationInformation:
    case COMMAND.insertSubscriberData:
    case COMMAND.purgeUe:
    case COMMAND.notify:
      return application === APPLICATION.s6a
    case COMMAND.meIdentityCheck:
      return application === APPLICATION.s13
    default:
      return false
  }
}

/** Walks a row of AVPs (RFC 6733 clause 4.1): false when a length is wrong. The last AVP's padding may be missing. */
function walk (bytes: Uint8Array, start: number, end: number, place: Place, facts: Facts): boolean {
  let at = start
  while (at < end) {
    if (end - at < 8 || ++facts.avps > MAX_AVPS) return false
    const code = uint32(bytes, at)
    const hasVendor = (bytes[at + 4]! & 0x80) !== 0
    const length = uint24(bytes, at + 5)
    const header = hasVendor ? 12 : 8
    if (length < header || length > end - at) return false
    const vendor = hasVendor ? uint32(bytes, at + 8) : 0
    if (vendor === VENDOR_3GPP) take3gpp(bytes, code, at + header, at + length, place, facts)
    else if (vendor === 0) takeBase(bytes, code, at + header, at + length, place, facts)
    at += (length + 3) & ~3
  }
  return true
}

function takeBase (bytes: Uint8Array, code: number, start: number, end: number, place: Place, facts: Facts): void {
  if (place === IN.experimentalResult) {
    if (code === BASE_AVP.experimentalResultCode && facts.experimentalResultCode === NONE) facts.experimentalResultCode = unsigned(bytes, start, end)
    else if (code === VENDOR_ID && facts.experimentalVendor === NONE) facts.experimentalVendor = unsigned(bytes, start, end)
    return
  }
  if (place !== IN.message) return
  switch (code) {
    case BASE_AVP.userName: return keep(facts.userName, start, end)
    case BASE_AVP.sessionId: return keep(facts.sessionId, start, end)
    case BASE_AVP.originHost: return keep(facts.originHost, start, end)
    case BASE_AVP.originRealm: return keep(facts.originRealm, start, end)
    case BASE_AVP.destinationHost: return keep(facts.destinationHost, start, end)
    case BASE_AVP.destinationRealm: return keep(facts.destinationRealm, start, end)
    case BASE_AVP.resultCode:
      if (facts.resultCode === NONE) facts.resultCode = unsigned(bytes, start, end)
      return
    case BASE_AVP.experimentalResult: return enter(bytes, start, end, IN.experimentalResult, facts)
  }
}

/** Vendor-Id (RFC 6733 clause 5.3.3), read inside Experimental-Result only. */
const VENDOR_ID = 266

function take3gpp (bytes: Uint8Array, code: number, start: number, end: number, place: Place, facts: Facts): void {
  switch (place) {
    case IN.terminalInformation:
      if (code === AVP_3GPP.imei) keep(facts.imei, start, end)
      else if (code === AVP_3GPP.softwareVersion) keep(facts.softwareVersion, start, end)
      return
    case IN.subscriptionData:
      if (code === AVP_3GPP.msisdn) keep(facts.msisdn, start, end)
      return
    case IN.experimentalResult:
      return
    case IN.message:
  }
  switch (code) {
    case AVP_3GPP.terminalInformation: return enter(bytes, start, end, IN.terminalInformation, facts)
    case AVP_3GPP.subscriptionData: return enter(bytes, start, end, IN.subscriptionData, facts)
    case AVP_3GPP.visitedPlmnId: return keep(facts.visitedPlmn, start, end)
    case AVP_3GPP.mmeNumberForMtSms: return keep(facts.mmeNumberForMtSms, start, end)
    case AVP_3GPP.sgsnNumber: return keep(facts.sgsnNumber, start, end)
    case AVP_3GPP.ulrFlags: if (facts.ulrFlags === NONE) facts.ulrFlags = unsigned(bytes, start, end); return
    case AVP_3GPP.ulaFlags: if (facts.ulaFlags === NONE) facts.ulaFlags = unsigned(bytes, start, end); return
    case AVP_3GPP.norFlags: if (facts.norFlags === NONE) facts.norFlags = unsigned(bytes, start, end); return
    case AVP_3GPP.purFlags: if (facts.purFlags === NONE) facts.purFlags = unsigned(bytes, start, end); return
    case AVP_3GPP.ratType: if (facts.ratType === NONE) facts.ratType = unsigned(bytes, start, end); return
    case AVP_3GPP.cancellationType: if (facts.cancellationType === NONE) facts.cancellationType = unsigned(bytes, start, end); return
    case AVP_3GPP.smsRegisterRequest: if (facts.smsRegisterRequest === NONE) facts.smsRegisterRequest = unsigned(bytes, start, end); return
    case AVP_3GPP.equipmentStatus: if (facts.equipmentStatus === NONE) facts.equipmentStatus = unsigned(bytes, start, end)
  }
}

function enter (bytes: Uint8Array, start: number, end: number, place: Place, facts: Facts): void {
  if (!walk(bytes, start, end, place, facts)) facts.brokenGroup = true
}

/** The first of several wins. */
function keep (span: Span, start: number, end: number): void {
  if (span.start !== NONE) return
  span.start = start
  span.end = end
}

/** An Unsigned32 or Enumerated; one of another length says nothing. */
function unsigned (bytes: Uint8Array, start: number, end: number): number {
  return end - start === 4 ? uint32(bytes, start) : NONE
}
