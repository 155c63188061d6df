import { AVP_3GPP } from '../codes.ts'
import { gpp } from './tag.ts'

/** Application-Ids of short messages in EPC (TS 29.338 clauses 5.3.1 and 6.3.1). */
export const SMS_APPLICATION = { s6c: 16777312, sgd: 16777313 } as const

/** Command-Codes (TS 29.338 clauses 5.3.2 and 6.3.2): OFR/OFA, TFR/TFA, ALR/ALA. */
export const SMS_COMMAND = { moForward: 8388645, mtForward: 8388646, alertServiceCentre: 8388648 } as const

/** AVPs of SGd and S6c, with the M bits of TS 29.338 tables 5.3.3.1/1 and 6.3.3.1/1. The clause stands beside each. */
export const SMS_AVP = {
  /** TS 29.329 clause 6.3.2. */
  msisdn: gpp(AVP_3GPP.msisdn),
  /** TS 29.336 clause 6.4.2. */
  userIdentifier: gpp(3102),
  /** TBCD digits, no nature of address (TS 29.338 clause 6.3.3.2). */
  scAddress: gpp(3300),
  /** A TPDU of TS 23.040, at most 200 octets (TS 29.338 clause 6.3.3.1). */
  smRpUi: gpp(3301),
  /** TS 29.338 clause 6.3.3.3; see TFR_FLAG. */
  tfrFlags: gpp(3302, false),
  /** TS 29.338 clause 6.3.3.5. */
  deliveryFailureCause: gpp(3303, false),
  /** TS 29.338 clause 6.3.3.6; see FAILURE. */
  enumeratedFailureCause: gpp(3304),
  /** The SMS-DELIVER-REPORT or SMS-SUBMIT-REPORT of an error (TS 29.338 clause 6.3.3.7). */
  diagnosticInfo: gpp(3305),
  /** Seconds (TS 29.338 clause 6.3.3.8). */
  deliveryTimer: gpp(3306),
  /** TS 29.338 clause 5.3.3.20; see UNREACHABLE. */
  absentUserDiagnostic: gpp(3322, false)
} as const

/** AVPs of SGd and S6c that a request may carry besides those above, and that we can do without: from 3300 to 3333, and what they borrow. */
export const OTHER_SMS_AVPS: ReadonlySet<number> = new Set([
  // Supported-Features and what is in it (TS 29.229 clauses 6.3.29 to 6.3.31).
  628, 629, 630,
  // SGSN-Number, EPS-Location-Information, MME-Number-for-MT-SMS, A-MSISDN (TS 29.272 clause 7.3).
  1489, 1496, 1645, 1643,
  // Serving-Node (TS 29.172 clause 7.4.6), External-Identifier (TS 29.336 clause 6.4.11).
  2401, 3111,
  // SM-Delivery-Start-Time to MWD-Status, the three Absent-User-Diagnostics, SM-Delivery-Outcome and its parts, RDR-Flags (TS 29.338 clause 5.3.3).
  3307, 3308, 3309, 3310, 3311, 3312, 3313, 3314, 3315, 3316, 3317, 3318, 3319, 3320, 3321, 3323,
  // SMSMI-Correlation-ID and its parts, OFR-Flags, times of availability and retransmission, SMS-GMSC-Address, -Alert-Event (clauses 5.3.3, 6.3.3).
  3324, 3325, 3326, 3327, 3328, 3329, 3330, 3331, 3332, 3333
])

/** Bits of TFR-Flags (TS 29.338 table 6.3.3.3/1). */
export const TFR_FLAG = { moreMessagesToSend: 1 << 0 } as const

/** Values of Experimental-Result-Code (TS 29.338 clause 7.3, TS 29.272 clause 7.4.3.1 for the first). */
export const SMS_RESULT = {
  userUnknown: 5001,
  absentUser: 5550,
  userBusy: 5551,
  facilityNotSupported: 5552,
  illegalUser: 5553,
  illegalEquipment: 5554,
  deliveryFailure: 5555,
  serviceNotSubscribed: 5556,
  serviceBarred: 5557,
  waitingListFull: 5558
} as const

/** Values of SM-Enumerated-Delivery-Failure-Cause (TS 29.338 clause 6.3.3.6). */
export const FAILURE = {
  memoryExceeded: 0,
  equipmentProtocolError: 1,
  notEquipped: 2,
  unknownServiceCentre: 3,
  congestion: 4,
  invalidSmeAddress: 5,
  notSubscriberOfCentre: 6
} as const

/**
 * Diagnostics of an absent subscriber (TS 23.040 clause 3.3.2) that say that it left the network or may not use it: detached, roaming restriction,
 * deregistered, purged. The others (no paging response, temporarily unavailable) may be over any moment.
 */
export const UNREACHABLE: ReadonlySet<number> = new Set([1, 2, 3, 4, 6, 7, 8, 11])
