import type { Address } from './address.ts'
import type { ZonedTime } from './service-centre-time.ts'
import type { UserData } from './user-data.ts'
import type { Validity } from './validity.ts'

/** Which way a TPDU goes: the types of the two ways have the same codes (TS 23.040 clause 9.2.3.1). */
export type Direction = 'to-phone' | 'from-phone'

/** A short message to a phone (TS 23.040 clause 9.2.2.1). */
export interface Deliver {
  kind: 'deliver'
  from: Address
  /** TP-PID (clause 9.2.3.9). */
  pid: number
  /** TP-DCS (clause 9.2.3.10). */
  dcs: number
  /** TP-SCTS (clause 9.2.3.11); undefined when it is no time. */
  time: ZonedTime | undefined
  /** More messages wait for the phone: TP-MMS (clause 9.2.3.2) is 0. */
  more: boolean
  /** TP-SRI (clause 9.2.3.4): the phone's user or its service centre asked for a report. */
  statusReport: boolean
  /** TP-RP (clause 9.2.3.17). */
  replyPath: boolean
  userData: UserData
}

/** A short message from a phone (TS 23.040 clause 9.2.2.2). */
export interface Submit {
  kind: 'submit'
  to: Address
  /** TP-MR (clause 9.2.3.6). */
  reference: number
  pid: number
  dcs: number
  /** TP-VP (clause 9.2.3.12); undefined when there is none or it says nothing that the standard knows. */
  validity: Validity | undefined
  /** TP-RD (clause 9.2.3.25). */
  rejectDuplicates: boolean
  /** TP-SRR (clause 9.2.3.5). */
  statusReport: boolean
  replyPath: boolean
  userData: UserData
}

/** What a phone says of an SMS-DELIVER (TS 23.040 clause 9.2.2.1a). */
interface DeliverReport extends ReportParameters {
  kind: 'deliver-report'
  /** TP-FCS (clause 9.2.3.22), see `failureCause`; undefined when the phone took the message. */
  failureCause: number | undefined
}

/** What a service centre says of an SMS-SUBMIT (TS 23.040 clause 9.2.2.2a). */
interface SubmitReport extends ReportParameters {
  kind: 'submit-report'
  /** As of a deliver report; undefined when the service centre took the message. */
  failureCause: number | undefined
  /** When the service centre received it. */
  time: ZonedTime | undefined
}

/** What became of a message that was submitted before (TS 23.040 clause 9.2.2.3). */
export interface StatusReport extends ReportParameters {
  kind: 'status-report'
  reference: number
  more: boolean
  /** TP-SRQ (clause 9.2.3.26): the report answers an SMS-COMMAND. */
  answersCommand: boolean
  /** To whom the message went. */
  to: Address
  time: ZonedTime | undefined
  /** TP-DT (clause 9.2.3.13): when this status came to be. */
  dischargeTime: ZonedTime | undefined
  /** TP-ST (clause 9.2.3.15). */
  status: number
}

/** What a report has where TP-PI says so (TS 23.040 clause 9.2.3.27). */
export interface ReportParameters {
  pid: number | undefined
  dcs: number | undefined
  userData: UserData | undefined
}

export type Tpdu = Deliver | Submit | DeliverReport | SubmitReport | StatusReport

/** Why octets are no TPDU that is known: names to count by. */
export type TpduDamage =
  /** It ends before everything is there. */
  | 'tpdu.cut-short'
  /** A type that does not exist, or SMS-COMMAND, which nothing here takes. */
  | 'tpdu.type'
  /** An address longer than one may be. */
  | 'tpdu.address'
  /** User data longer than they may be. */
  | 'tpdu.user-data'

/** TP-MTI (TS 23.040 clause 9.2.3.1): bits 1 and 0 of the first octet. */
export const MESSAGE_TYPE = {
  deliver: 0,
  deliverReport: 0,
  submit: 1,
  submitReport: 1,
  statusReport: 2
} as const

/** The other bits of the first octet. Bit 2 is another for each way. */
export const FLAG = {
  /** TP-MMS, to a phone; set when nothing more waits. */
  noMore: 0x04,
  /** TP-RD, from a phone. */
  rejectDuplicates: 0x04,
  /** TP-SRI, TP-SRR and TP-SRQ. */
  statusReport: 0x20,
  /** TP-UDHI (clause 9.2.3.23). */
  header: 0x40,
  replyPath: 0x80
} as const

/** TP-VPF (clause 9.2.3.3) is bits 4 and 3 of the first octet of an SMS-SUBMIT. */
export const VALIDITY_FORMAT_SHIFT = 3
