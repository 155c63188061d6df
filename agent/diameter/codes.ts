/** Vendor-Id of 3GPP (TS 29.230 clause 5.1). */
export const VENDOR_3GPP = 10415

/** The R bit of the command flags: a request (RFC 6733 clause 3). */
export const REQUEST_FLAG = 0x80

/** Application-Ids (TS 29.272 clause 7.1.8). */
export const APPLICATION = { s6a: 16777251, s13: 16777252 } as const

/** Command-Codes (TS 29.272 clause 7.2.2). */
export const COMMAND = {
  updateLocation: 316,
  cancelLocation: 317,
  authenticationInformation: 318,
  insertSubscriberData: 319,
  purgeUe: 321,
  notify: 323,
  meIdentityCheck: 324
} as const

/** AVPs of the base protocol, vendor 0 (RFC 6733 clause 4.5). */
export const BASE_AVP = {
  userName: 1,
  sessionId: 263,
  originHost: 264,
  resultCode: 268,
  destinationRealm: 283,
  destinationHost: 293,
  originRealm: 296,
  experimentalResult: 297,
  experimentalResultCode: 298
} as const

/** AVPs of 3GPP (TS 29.272 clause 7.3; MSISDN TS 29.329 clause 6.3.2; RAT-Type TS 29.212 clause 5.3.31). */
export const AVP_3GPP = {
  msisdn: 701,
  ratType: 1032,
  subscriptionData: 1400,
  terminalInformation: 1401,
  imei: 1402,
  softwareVersion: 1403,
  ulrFlags: 1405,
  ulaFlags: 1406,
  visitedPlmnId: 1407,
  cancellationType: 1420,
  norFlags: 1443,
  equipmentStatus: 1445,
  sgsnNumber: 1489,
  purFlags: 1635,
  mmeNumberForMtSms: 1645,
  smsRegisterRequest: 1648
} as const

/** Bits of ULR-Flags (TS 29.272 clause 7.3.7). */
export const ULR_FLAG = { singleRegistration: 1 << 0, s6aIndicator: 1 << 1 } as const

/** Bits of ULA-Flags (TS 29.272 clause 7.3.8). */
export const ULA_FLAG = { mmeRegisteredForSms: 1 << 1 } as const

/** Bits of NOR-Flags (TS 29.272 clause 7.3.49). */
export const NOR_FLAG = {
  singleRegistration: 1 << 0,
  sgsnAreaRestricted: 1 << 1,
  readyForSmFromSgsn: 1 << 2,
  reachableFromMme: 1 << 3,
  reachableFromSgsn: 1 << 5,
  readyForSmFromMme: 1 << 6,
  removalOfSmsRegistration: 1 << 9
} as const

/** Bits of PUR-Flags (TS 29.272 clause 7.3.149). */
export const PUR_FLAG = { purgedInMme: 1 << 0, purgedInSgsn: 1 << 1 } as const

/** SMS-Register-Request: 0 required, 1 not required, 2 no preference (TS 29.272 clause 7.3.162). */
export const SMS_REGISTER = { required: 0, notRequired: 1 } as const

/** Cancellation-Type (TS 29.272 clause 7.3.24). */
export const CANCELLATION = { mmeUpdate: 0, sgsnUpdate: 1 } as const

/** RAT-Types of an SGSN: UTRAN and GERAN (TS 29.212 clause 5.3.31). */
export const RAT = { utran: 1000, geran: 1001 } as const

/** Experimental-Result-Code of an EIR that does not know the handset, which was seen all the same (TS 29.272 clause 7.4.3.5). */
export const EQUIPMENT_UNKNOWN = 5422
