import { REQUEST_FLAG } from './codes.ts'

/** Not present. Every field that is a number or an offset holds it when the message does not say. */
export const NONE = -1

/** A stretch of the message's bytes: [start, end). */
export interface Span { start: number, end: number }

const span = (): Span => ({ start: NONE, end: NONE })

/**
 * What one message says, as numbers and as places in its bytes: one object, filled anew by `decode` for each message, so that decoding makes
 * no garbage. The spans hold until the next message.
 */
export class Facts {
  command = 0
  applicationId = 0
  flags = 0
  hopByHop = 0
  endToEnd = 0
  resultCode = NONE
  experimentalResultCode = NONE
  experimentalVendor = NONE
  ratType = NONE
  ulrFlags = NONE
  ulaFlags = NONE
  norFlags = NONE
  purFlags = NONE
  cancellationType = NONE
  smsRegisterRequest = NONE
  equipmentStatus = NONE
  readonly sessionId = span()
  readonly originHost = span()
  readonly originRealm = span()
  readonly destinationHost = span()
  readonly destinationRealm = span()
  readonly userName = span()
  readonly visitedPlmn = span()
  readonly imei = span()
  readonly softwareVersion = span()
  readonly msisdn = span()
  readonly mmeNumberForMtSms = span()
  readonly sgsnNumber = span()
  /** AVPs seen, groups' own included. */
  avps = 0
  /** A group inside was broken: what it held before that is kept, the rest of it passed over. */
  brokenGroup = false

  /** Forgets the last message. */
  clear (): void {
    this.resultCode = this.experimentalResultCode = this.experimentalVendor = this.ratType = NONE
    this.ulrFlags = this.ulaFlags = this.norFlags = this.purFlags = NONE
    this.cancellationType = this.smsRegisterRequest = this.equipmentStatus = NONE
    this.sessionId.start = this.originHost.start = this.originRealm.start = NONE
    this.destinationHost.start = this.destinationRealm.start = this.userName.start = NONE
    this.visitedPlmn.start = this.imei.start = this.softwareVersion.start = this.msisdn.start = NONE
    this.mmeNumberForMtSms.start = this.sgsnNumber.start = NONE
    this.avps = 0
    this.brokenGroup = false
  }

  get isRequest (): boolean { return (this.flags & REQUEST_FLAG) !== 0 }

  /** A Result-Code or an Experimental-Result-Code of the 2xxx class (RFC 6733 clause 7.1.2). */
  get isSuccess (): boolean {
    const code = this.resultCode !== NONE ? this.resultCode : this.experimentalResultCode
    return code >= 2000 && code < 3000
  }
}
