import type { MessageOrigin } from '../transport/message-sink.ts'
import { CANCELLATION, COMMAND, NOR_FLAG, PUR_FLAG, RAT, SMS_REGISTER, ULA_FLAG, ULR_FLAG } from './codes.ts'
import { NONE, type Facts } from './facts.ts'
import type { NodeType } from './sighting.ts'
import type { IdentityCache } from './text-cache.ts'
import { hashBytes, readImei, readImsi, readPlmn, readSoftwareVersion, readTbcd } from './values.ts'

/** A request or an answer that waits for its other half: what the sighting needs of it, and nothing of its bytes. */
export interface Half {
  isRequest: boolean
  command: number
  applicationId: number
  hopByHop: number
  endToEnd: number
  /** Two hashes of the Session-Id; 0 and 0 when there is none. */
  session: number
  session2: number
  connection: number
  sourcePort: number
  destinationPort: number
  /** When it was captured, ms since 1970. */
  time: number
  /** When it came by StreamTime: its age counts from here. */
  arrived: number
  /** Found its other half, or was given up. */
  done: boolean
  /** The next one that waits under the same hash. */
  next: Half | undefined
  /** Of an answer: whether it says that something happened. */
  success: boolean
  imsi: string | undefined
  plmn: string | undefined
  node: NodeType
  host: string | undefined
  realm: string | undefined
  singleRegistration: boolean
  smsRegistered: boolean | undefined
  reachable: boolean
  smsNumber: string | undefined
  imei: string | undefined
  softwareVersion: string | undefined
  msisdn: string | undefined
  cancellationType: number | undefined
}

/** Copies out of a message what outlives it. */
export function makeHalf (bytes: Uint8Array, facts: Facts, origin: MessageOrigin, arrived: number, identities: IdentityCache): Half {
  const { sessionId, imei, softwareVersion, msisdn, visitedPlmn, userName } = facts
  const hasSession = sessionId.start !== NONE
  // HSS to MME: the serving node is the one addressed.
  const toNode = facts.command === COMMAND.cancelLocation || facts.command === COMMAND.insertSubscriberData
  const host = toNode ? facts.destinationHost : facts.originHost
  const realm = toNode ? facts.destinationRealm : facts.originRealm
  const smsNumber = facts.mmeNumberForMtSms.start !== NONE ? facts.mmeNumberForMtSms : facts.sgsnNumber
  return {
    isRequest: facts.isRequest,
    command: facts.command,
    applicationId: facts.applicationId,
    hopByHop: facts.hopByHop,
    endToEnd: facts.endToEnd,
    session: hasSession ? hashBytes(bytes, sessionId.start, sessionId.end, 0) : 0,
    session2: hasSession ? hashBytes(bytes, sessionId.start, sessionId.end, 0x5bd1e995) : 0,
    connection: origin.connection,
    sourcePort: origin.sourcePort,
    destinationPort: origin.destinationPort,
    time: origin.seconds * 1000 + Math.floor(origin.nanoseconds / 1e6),
    arrived,
    done: false,
    next: undefined,
    success: facts.isSuccess,
    imsi: userName.start === NONE ? undefined : readImsi(bytes, userName.start, userName.end),
    plmn: visitedPlmn.start === NONE ? undefined : readPlmn(bytes, visitedPlmn.start, visitedPlmn.end),
    node: nodeOf(facts),
    host: host.start === NONE ? undefined : identities.read(bytes, host.start, host.end),
    realm: realm.start === NONE ? undefined : identities.read(bytes, realm.start, realm.end),
    singleRegistration: isSingleRegistration(facts),
    smsRegistered: readSmsRegistered(facts),
    reachable: facts.norFlags !== NONE && (facts.norFlags & REACHABLE) !== 0,
    smsNumber: smsNumber.start === NONE ? undefined : readTbcd(bytes, smsNumber.start, smsNumber.end),
    imei: imei.start === NONE ? undefined : readImei(bytes, imei.start, imei.end),
    softwareVersion: softwareVersion.start === NONE ? undefined : readSoftwareVersion(bytes, softwareVersion.start, softwareVersion.end),
    msisdn: msisdn.start === NONE ? undefined : readTbcd(bytes, msisdn.start, msisdn.end),
    cancellationType: facts.cancellationType === NONE ? undefined : facts.cancellationType
  }
}

/**
 * Which of a SIM's two registrations a message is about. An Update-Location says so (ULR-Flags bit 1: S6a, else S6d). The others only hint,
 * and the tracker holds what they say against the node on record.
 */
function nodeOf (facts: Facts): NodeType {
  switch (facts.command) {
    case COMMAND.updateLocation:
      if (facts.ulrFlags !== NONE) return (facts.ulrFlags & ULR_FLAG.s6aIndicator) !== 0 ? 'mme' : 'sgsn'
      return isSgsnRat(facts) ? 'sgsn' : 'mme'
    case COMMAND.cancelLocation:
      return facts.cancellationType === CANCELLATION.sgsnUpdate ? 'sgsn' : 'mme'
    case COMMAND.purgeUe:
      return facts.purFlags !== NONE && (facts.purFlags & PUR_FLAG.purgedInSgsn) !== 0 && (facts.purFlags & PUR_FLAG.purgedInMme) === 0 ? 'sgsn' : 'mme'
    case COMMAND.notify:
      return facts.norFlags !== NONE && (facts.norFlags & FROM_SGSN) !== 0 ? 'sgsn' : 'mme'
    default:
      return 'mme'
  }
}

const FROM_SGSN = NOR_FLAG.sgsnAreaRestricted | NOR_FLAG.readyForSmFromSgsn | NOR_FLAG.reachableFromSgsn

const REACHABLE = NOR_FLAG.readyForSmFromMme | NOR_FLAG.reachableFromMme | NOR_FLAG.readyForSmFromSgsn | NOR_FLAG.reachableFromSgsn

function isSgsnRat ({ ratType, sgsnNumber }: Facts): boolean {
  return ratType === RAT.utran || ratType === RAT.geran || (ratType === NONE && sgsnNumber.start !== NONE)
}

function isSingleRegistration ({ ulrFlags, norFlags }: Facts): boolean {
  return (ulrFlags !== NONE && (ulrFlags & ULR_FLAG.singleRegistration) !== 0) || (norFlags !== NONE && (norFlags & NOR_FLAG.singleRegistration) !== 0)
}

/** Whether a message says that its node takes short messages for the SIM, or does not any more. */
function readSmsRegistered (facts: Facts): boolean | undefined {
  if (facts.norFlags !== NONE && (facts.norFlags & NOR_FLAG.removalOfSmsRegistration) !== 0) return false
  if (facts.ulaFlags !== NONE && (facts.ulaFlags & ULA_FLAG.mmeRegisteredForSms) !== 0) return true
  if (facts.smsRegisterRequest === SMS_REGISTER.required) return true
  if (facts.smsRegisterRequest === SMS_REGISTER.notRequired) return false
  return undefined
}
