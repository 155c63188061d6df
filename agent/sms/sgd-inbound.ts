import { readImsi, readTbcd } from '../diameter/values.ts'
import { VENDOR_3GPP } from '../diameter/codes.ts'
import { AVP_FLAG, find, group, octets, readAvps, unsigned, type Avp } from '../diameter/peer/avp.ts'
import { BASE, RESULT } from '../diameter/peer/base.ts'
import type { ReadMessage } from '../diameter/peer/message.ts'
import type { Reply } from '../diameter/peer/reply.ts'
import { FAILURE, OTHER_SMS_AVPS, SMS_APPLICATION, SMS_AVP, SMS_COMMAND, SMS_RESULT } from '../diameter/peer/sgd-codes.ts'
import { toTbcd } from '../diameter/peer/tbcd.ts'
import type { Tag } from '../diameter/peer/tag.ts'
import { TON } from './address.ts'
import type { LinkListener, Received } from './link.ts'

/** What answering the network's requests takes. */
export interface Inbound {
  listener: Pick<LinkListener, 'alert' | 'received'>
  /** Reads an SMS-SUBMIT; undefined where it is none. Its sender is not in it. */
  received: (tpdu: Uint8Array) => Received | undefined
  /** Digits of our own service centre's address. */
  scAddress: string
}

/** Codes of the base protocol end here (RFC 6733 clause 4.5); DRMP is 301 (RFC 7944 clause 9.1). */
const LAST_BASE_CODE = 301

const KNOWN_3GPP: ReadonlySet<number> = new Set([...Object.values(SMS_AVP).map(({ code }) => code), ...OTHER_SMS_AVPS])

/** Answers a request of SGd or S6c: ALR and OFR. Others are not ours to answer: undefined. */
export async function serve (request: ReadMessage, inbound: Inbound): Promise<Reply | undefined> {
  const { command, applicationId, avps } = request
  const alert = command === SMS_COMMAND.alertServiceCentre
  // ALR is of S6c; an MME that sends it may name its own application.
  if (!alert && !(command === SMS_COMMAND.moForward && applicationId === SMS_APPLICATION.sgd)) return undefined
  const strange = avps.find(isStrange)
  if (strange !== undefined) return { result: RESULT.avpUnsupported, failed: strange }
  const user = readUser(avps)
  if ('result' in user) return user
  if (!alert) return await moForward(avps, user.msisdn, inbound)
  inbound.listener.alert(user)
  return { result: RESULT.success }
}

/** An AVP that must be understood and is not (RFC 6733 clause 4.1, the M bit). */
function isStrange ({ code, vendor, flags }: Avp): boolean {
  if ((flags & AVP_FLAG.mandatory) === 0) return false
  return vendor === 0 ? code > LAST_BASE_CODE : vendor !== VENDOR_3GPP || !KNOWN_3GPP.has(code)
}

/** The subscriber in User-Identifier (TS 29.336 clause 6.4.2). */
function readUser (avps: readonly Avp[]): { imsi: string | undefined, msisdn: string | undefined } | Reply {
  const identifier = find(avps, SMS_AVP.userIdentifier)
  if (identifier === undefined) return missing(SMS_AVP.userIdentifier)
  const { avps: inner, fault } = readAvps(identifier.data)
  if (fault !== undefined) return { result: fault.result, failed: group(SMS_AVP.userIdentifier, fault.failed === undefined ? [] : [fault.failed]) }
  const [name, number] = [find(inner, BASE.userName), find(inner, SMS_AVP.msisdn)]
  const imsi = name === undefined ? undefined : readImsi(name.data, 0, name.data.length)
  const msisdn = number === undefined ? undefined : readTbcd(number.data, 0, number.data.length)
  // Each on its own may be wrong or of a form that we do not read; without either nobody is meant.
  return imsi === undefined && msisdn === undefined ? { result: RESULT.invalidAvpValue, failed: identifier } : { imsi, msisdn }
}

/** A message towards a service (TS 29.338 clause 6.2.1), with us as its service centre. */
async function moForward (avps: readonly Avp[], msisdn: string | undefined, { listener, received, scAddress }: Inbound): Promise<Reply> {
  const [centre, tpdu] = [find(avps, SMS_AVP.scAddress), find(avps, SMS_AVP.smRpUi)]
  if (centre === undefined) return missing(SMS_AVP.scAddress)
  if (tpdu === undefined) return missing(SMS_AVP.smRpUi)
  if (Buffer.compare(centre.data, toTbcd(scAddress)) !== 0) return failed(FAILURE.unknownServiceCentre)
  if (msisdn === undefined) return failed(FAILURE.notSubscriberOfCentre)
  const message = received(tpdu.data)
  if (message === undefined) return failed(FAILURE.equipmentProtocolError)
  try {
    await listener.received({ ...message, from: { ton: TON.international, value: msisdn } })
    return { result: RESULT.success }
  } catch {
    return failed(FAILURE.congestion)
  }
}

/** SM_DELIVERY_FAILURE with its cause (TS 29.338 clause 7.3.7). */
function failed (cause: number): Reply {
  const result = [unsigned(BASE.vendorId, VENDOR_3GPP), unsigned(BASE.experimentalResultCode, SMS_RESULT.deliveryFailure)]
  return {
    result: undefined,
    avps: [group(BASE.experimentalResult, result), group(SMS_AVP.deliveryFailureCause, [unsigned(SMS_AVP.enumeratedFailureCause, cause)])]
  }
}

/** An AVP is not there: an example of it goes into Failed-AVP (RFC 6733 clause 7.1.5). */
function missing (tag: Tag): Reply {
  return { result: RESULT.missingAvp, failed: octets(tag, new Uint8Array(0)) }
}
