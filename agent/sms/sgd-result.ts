import { find, numberOf, within, type Avp } from '../diameter/peer/avp.ts'
import { BASE, RESULT } from '../diameter/peer/base.ts'
import { FAILURE, SMS_AVP, SMS_RESULT, UNREACHABLE } from '../diameter/peer/sgd-codes.ts'
import { VENDOR_3GPP } from '../diameter/codes.ts'
import type { Outcome } from './link.ts'

/** Gives TP-FCS of the report in SM-Diagnostic-Info (TS 23.040 clauses 9.2.2.1a and 9.2.2.2a); undefined where there is none. */
export type Diagnose = (report: Uint8Array) => number | undefined

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS

/** The phone is in another procedure of short messages (TS 23.040 clause 3.3): a matter of seconds. */
const BUSY_MS = 5 * SECOND_MS
/** A relay that just came back takes three watchdogs of 30 s at most until it trusts its peers (RFC 3539 clause 3.4.1); half of it on average. */
const TRANSPORT_MS = 45 * SECOND_MS
/** Congestion is over when it is over: not at once. */
const CONGESTION_MS = MINUTE_MS
/** The node cannot do it until somebody changes it, or the subscriber moves. */
const NOT_SUPPORTED_MS = 5 * MINUTE_MS
/** A subscriber who left comes back with a registration, which is heard of: this is for when it is not. */
const UNREACHABLE_MS = 15 * MINUTE_MS

const temporary = (cause: string, afterMs?: number): Outcome => ({ kind: 'temporary', cause, ...(afterMs === undefined ? {} : { afterMs }) })
const permanent = (cause: string): Outcome => ({ kind: 'permanent', cause })
const memory = (cause: string): Outcome => ({ kind: 'temporary', cause, memory: true })

/** Experimental results (TS 29.338 clause 7.3), permanent or not as in TS 23.040 clause 3.3 table 1; two more depend on what else is said. */
const EXPERIMENTAL: Readonly<Record<number, Outcome>> = {
  [SMS_RESULT.userUnknown]: temporary('sgd.user-unknown', NOT_SUPPORTED_MS),
  [SMS_RESULT.userBusy]: temporary('sgd.user-busy', BUSY_MS),
  [SMS_RESULT.facilityNotSupported]: temporary('sgd.facility-not-supported', NOT_SUPPORTED_MS),
  [SMS_RESULT.illegalUser]: permanent('sgd.illegal-user'),
  [SMS_RESULT.illegalEquipment]: permanent('sgd.illegal-equipment'),
  [SMS_RESULT.serviceNotSubscribed]: permanent('sgd.service-not-subscribed'),
  [SMS_RESULT.serviceBarred]: temporary('sgd.service-barred', UNREACHABLE_MS),
  [SMS_RESULT.waitingListFull]: temporary('sgd.waiting-list-full', UNREACHABLE_MS)
}

/** Results of the base protocol (RFC 6733 clause 7.1) that may pass. The others of 5xxx, and of 3xxx, are a mistake in our request. */
const TRANSIENT: Readonly<Record<number, Outcome>> = {
  [RESULT.commandUnsupported]: temporary('sgd.command-unsupported', NOT_SUPPORTED_MS),
  [RESULT.unableToDeliver]: temporary('sgd.unable-to-deliver', TRANSPORT_MS),
  [RESULT.realmNotServed]: temporary('sgd.realm-not-served', NOT_SUPPORTED_MS),
  [RESULT.tooBusy]: temporary('sgd.too-busy', CONGESTION_MS),
  [RESULT.loopDetected]: temporary('sgd.loop-detected', NOT_SUPPORTED_MS),
  [RESULT.applicationUnsupported]: temporary('sgd.application-unsupported', NOT_SUPPORTED_MS),
  [RESULT.resourcesExceeded]: temporary('sgd.resources-exceeded', CONGESTION_MS),
  [RESULT.unableToComply]: temporary('sgd.unable-to-comply', CONGESTION_MS)
}

/** Failure causes (TS 29.338 clause 6.3.3.6). */
const FAILURES: Readonly<Record<number, Outcome>> = {
  [FAILURE.memoryExceeded]: memory('sgd.memory-exceeded'),
  [FAILURE.equipmentProtocolError]: temporary('sgd.equipment-protocol-error'),
  [FAILURE.notEquipped]: permanent('sgd.not-equipped'),
  [FAILURE.unknownServiceCentre]: permanent('sgd.unknown-service-centre'),
  [FAILURE.congestion]: temporary('sgd.congestion', CONGESTION_MS),
  [FAILURE.invalidSmeAddress]: permanent('sgd.invalid-sme-address'),
  [FAILURE.notSubscriberOfCentre]: permanent('sgd.not-subscriber-of-centre')
}

/** Values of TP-FCS (TS 23.040 clause 9.2.3.22) that say more than the failure cause beside them. */
const FCS = { serviceCentreBusy: 0xc0, duplicate: 0xc5, simFull: 0xd0, errorInPhone: 0xd2, memoryExceeded: 0xd3, toolkitBusy: 0xd4 } as const

/** Type 0, PID, alphabet, class, DCS, TPDU, SME address, VPF and VP that are not supported, and a failed data download: again would be no better. */
const PERMANENT_FCS: ReadonlySet<number> = new Set([0x81, 0x8f, 0x90, 0x91, 0x9f, 0xb0, 0xc3, 0xc6, 0xc7, 0xd5])

/** What became of a submission whose request was answered so. `resent`: the request may have come a second time. */
export function outcomeOf (avps: readonly Avp[], direction: 'to-subscriber' | 'from-subscriber', resent: boolean, diagnose: Diagnose): Outcome {
  const success: Outcome = direction === 'to-subscriber' ? { kind: 'delivered' } : { kind: 'accepted', id: '' }
  const result = numberOf(avps, BASE.resultCode)
  const experimental = within(avps, BASE.experimentalResult)
  const code = numberOf(experimental, BASE.experimentalResultCode)
  if (result === undefined && code === undefined) return { kind: 'unknown', cause: 'sgd.no-result' }
  if (result === RESULT.success) return success
  // Some peers say success this way (TS 29.229 clause 6.2.1).
  if (result === undefined && code! >= 2_000 && code! < 3_000) return success
  if (code !== undefined && numberOf(experimental, BASE.vendorId) === VENDOR_3GPP) {
    if (code === SMS_RESULT.absentUser) return absent(numberOf(avps, SMS_AVP.absentUserDiagnostic))
    if (code === SMS_RESULT.deliveryFailure) return failure(within(avps, SMS_AVP.deliveryFailureCause), success, resent, diagnose)
    const known = EXPERIMENTAL[code]
    if (known !== undefined) return known
  }
  const number = result ?? code!
  const known = result === undefined ? undefined : TRANSIENT[result]
  // Transient failures are 4xxx (RFC 6733 clause 7.1.4; Experimental-Result-Code has the same classes, clause 7.7).
  return known ?? (number >= 4_000 && number < 5_000 ? temporary(`sgd.${number}`, CONGESTION_MS) : permanent(`sgd.${number}`))
}

/** Whether an outcome says that our request was wrong, so that the next would fare no better (RFC 6733 clauses 7.1.3 and 7.1.5). */
export function isOurMistake (avps: readonly Avp[]): boolean {
  const result = numberOf(avps, BASE.resultCode)
  return result !== undefined && result >= 3_000 && !(result >= 4_000 && result < 5_000) && TRANSIENT[result] === undefined
}

function absent (diagnostic: number | undefined): Outcome {
  const cause = diagnostic === undefined ? 'sgd.absent-user' : `sgd.absent-user.${diagnostic}`
  const unreachable = diagnostic !== undefined && UNREACHABLE.has(diagnostic)
  return { kind: 'temporary', cause, absent: true, ...(unreachable ? { afterMs: UNREACHABLE_MS } : {}) }
}

/** SM_DELIVERY_FAILURE: the phone's own report, where there is one, says more than the network's word for it. */
function failure (cause: readonly Avp[], success: Outcome, resent: boolean, diagnose: Diagnose): Outcome {
  const report = find(cause, SMS_AVP.diagnosticInfo)
  const fcs = report === undefined ? undefined : diagnose(report.data)
  return (fcs === undefined ? undefined : byReport(fcs, success, resent)) ??
    FAILURES[numberOf(cause, SMS_AVP.enumeratedFailureCause) ?? -1] ?? temporary('sgd.delivery-failure')
}

/** What a TP-FCS decides; undefined where it says nothing of use. */
function byReport (fcs: number, success: Outcome, resent: boolean): Outcome | undefined {
  switch (fcs) {
    case FCS.simFull:
    case FCS.memoryExceeded:
      return memory(fcsCause(fcs))
    case FCS.errorInPhone:
    case FCS.toolkitBusy:
      return temporary(fcsCause(fcs))
    case FCS.serviceCentreBusy:
      return temporary(fcsCause(fcs), CONGESTION_MS)
    case FCS.duplicate:
      // The service centre has it already: from the first time.
      return resent ? success : permanent(fcsCause(fcs))
    default:
      return PERMANENT_FCS.has(fcs) ? permanent(fcsCause(fcs)) : undefined
  }
}

function fcsCause (fcs: number): string {
  return `sgd.fcs-${fcs.toString(16)}`
}
