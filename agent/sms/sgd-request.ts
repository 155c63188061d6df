import { group, octets, text, unsigned, type Avp } from '../diameter/peer/avp.ts'
import { BASE, NO_STATE_MAINTAINED } from '../diameter/peer/base.ts'
import { vendorSpecificApplication } from '../diameter/peer/capabilities.ts'
import { SMS_APPLICATION, SMS_AVP, TFR_FLAG } from '../diameter/peer/sgd-codes.ts'
import { toTbcd } from '../diameter/peer/tbcd.ts'
import type { Submission } from './link.ts'

/** A node by its names. */
export interface Node {
  host: string
  realm: string
}

/** What every request of ours says. */
export interface Common {
  origin: Node
  destination: Node
  sessionId: string
  /** Digits of the service centre's address. */
  scAddress: string
}

/** The AVPs of a TFR (TS 29.338 clause 6.3.2.5) to the MME that serves a subscriber. */
export function mtForwardAvps (common: Common, imsi: string, tpdu: Uint8Array, more: boolean, deliveryTimerSeconds: number): Avp[] {
  return [
    ...commonAvps(common),
    text(BASE.userName, imsi),
    octets(SMS_AVP.scAddress, toTbcd(common.scAddress)),
    octets(SMS_AVP.smRpUi, tpdu),
    unsigned(SMS_AVP.tfrFlags, more ? TFR_FLAG.moreMessagesToSend : 0),
    unsigned(SMS_AVP.deliveryTimer, deliveryTimerSeconds)
  ]
}

/** The AVPs of an OFR (TS 29.338 clause 6.3.2.3): a message as if the subscriber's phone had sent it, to the service centre. */
export function moForwardAvps (common: Common, { imsi, msisdn }: Pick<Submission, 'imsi' | 'msisdn'>, tpdu: Uint8Array): Avp[] {
  const user = [...(imsi === undefined ? [] : [text(BASE.userName, imsi)]), octets(SMS_AVP.msisdn, toTbcd(msisdn))]
  return [
    ...commonAvps(common),
    octets(SMS_AVP.scAddress, toTbcd(common.scAddress)),
    group(SMS_AVP.userIdentifier, user),
    octets(SMS_AVP.smRpUi, tpdu)
  ]
}

function commonAvps ({ origin, destination, sessionId }: Common): Avp[] {
  return [
    text(BASE.sessionId, sessionId),
    vendorSpecificApplication(SMS_APPLICATION.sgd),
    unsigned(BASE.authSessionState, NO_STATE_MAINTAINED),
    text(BASE.originHost, origin.host),
    text(BASE.originRealm, origin.realm),
    text(BASE.destinationHost, destination.host),
    text(BASE.destinationRealm, destination.realm)
  ]
}
