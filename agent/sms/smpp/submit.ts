import type { Submission } from '../link.ts'
import { DATA_CODING, ESM, MAX_SHORT_MESSAGE_BYTES, REGISTERED_DELIVERY_FINAL, TAG } from './codes.ts'
import { septetsToLatin1 } from './latin1.ts'
import type { Message } from './message.ts'
import type { Tlvs } from './tlv.ts'
import { relativeTime } from './validity.ts'
import { toWire, type TonNpi } from './wire-address.ts'

/** How one service centre wants it. */
export interface SubmitWishes {
  shortCode: TonNpi
  /** What it takes data_coding 0 for. */
  defaultAlphabet: 'gsm7' | 'latin1'
}

/** Why a submission cannot be said in SMPP, or not to this service centre: it never can. */
export type SubmitFault = 'smpp.address' | 'smpp.not-latin1' | 'smpp.too-long'

/** The submit_sm of a fragment (SMPP 3.4 clause 4.4.1). Only its validity_period differs from one time to the next. */
export function submitMessage (submission: Submission, { shortCode, defaultAlphabet }: SubmitWishes): Message | SubmitFault {
  const { fragment: { header, body }, from, to, pid, validForMs } = submission
  const source = toWire(from, shortCode)
  const destination = toWire(to, shortCode)
  if (source === undefined || destination === undefined) return 'smpp.address'
  const { dataCoding, tlvs } = coding(submission)
  // A class is GSM's own coding and says its alphabet; without one the alphabet is the service centre's.
  const text = dataCoding === DATA_CODING.default && defaultAlphabet === 'latin1' ? septetsToLatin1(body) : body
  if (text === undefined) return 'smpp.not-latin1'
  const shortMessage = Buffer.concat([header, text])
  if (shortMessage.length > MAX_SHORT_MESSAGE_BYTES) return 'smpp.too-long'
  return {
    serviceType: '',
    source,
    destination,
    esmClass: header.length > 0 ? ESM.udhi : 0,
    protocolId: pid,
    priority: 0,
    scheduleDeliveryTime: '',
    validityPeriod: relativeTime(validForMs),
    registeredDelivery: REGISTERED_DELIVERY_FINAL,
    replaceIfPresent: 0,
    dataCoding,
    defaultMessageId: 0,
    shortMessage,
    tlvs
  }
}

const NO_TLVS: Tlvs = new Map()

/**
 * data_coding for a TP-DCS. The general group with a class (TS 23.038 clause 4) does not exist in SMPP, and is refused: the group of
 * message classes means the same on the phone; for UCS-2, which that group has not, the class goes into dest_addr_subunit (clause 5.3.2.1).
 */
function coding ({ alphabet, dcs }: Submission): { dataCoding: number, tlvs: Tlvs } {
  // Message waiting (1100, 1101 and 1110) is passed through.
  if (dcs >= 0xc0 && dcs < 0xf0) return { dataCoding: dcs, tlvs: NO_TLVS }
  const messageClass = classOf(dcs)
  if (messageClass === undefined) {
    return { dataCoding: { gsm7: DATA_CODING.default, '8bit': DATA_CODING.octets, ucs2: DATA_CODING.ucs2 }[alphabet], tlvs: NO_TLVS }
  }
  switch (alphabet) {
    case 'gsm7': return { dataCoding: DATA_CODING.gsmClass | messageClass, tlvs: NO_TLVS }
    case '8bit': return { dataCoding: DATA_CODING.gsmClassOctets | messageClass, tlvs: NO_TLVS }
    // 1 is the display, 2 the equipment, 3 the SIM, 4 what is connected to it: the classes in their order.
    case 'ucs2': return { dataCoding: DATA_CODING.ucs2, tlvs: new Map([[TAG.destAddrSubunit, Uint8Array.of(messageClass + 1)]]) }
  }
}

/** The class in a TP-DCS of the general group (0xxx, bit 4 set) or of the group of classes (1111). */
function classOf (dcs: number): number | undefined {
  return dcs >= 0xf0 || (dcs < 0x80 && (dcs & 0x10) !== 0) ? dcs & 0x03 : undefined
}
