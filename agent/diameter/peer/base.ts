import { BASE_AVP } from '../codes.ts'
import { base } from './tag.ts'

/** Bits of the command flags (RFC 6733 clause 3). The low four are reserved. */
export const FLAG = { request: 0x80, proxiable: 0x40, error: 0x20, resent: 0x10, reserved: 0x0f } as const

/** Application-Id of the base protocol's own messages, and of an agent that relays every application (RFC 6733 clause 2.4). */
export const APPLICATION_COMMON = 0
export const APPLICATION_RELAY = 0xffffffff

/** Commands between neighbours (RFC 6733 clause 3.1). */
export const PEER_COMMAND = { capabilitiesExchange: 257, deviceWatchdog: 280, disconnectPeer: 282 } as const

/** AVPs of the base protocol (RFC 6733 clause 4.5). */
export const BASE = {
  userName: base(BASE_AVP.userName),
  hostIpAddress: base(257),
  authApplicationId: base(258),
  acctApplicationId: base(259),
  vendorSpecificApplicationId: base(260),
  sessionId: base(BASE_AVP.sessionId),
  originHost: base(BASE_AVP.originHost),
  supportedVendorId: base(265),
  vendorId: base(266),
  resultCode: base(BASE_AVP.resultCode),
  productName: base(269, false),
  disconnectCause: base(273),
  authSessionState: base(277),
  originStateId: base(278),
  failedAvp: base(279),
  errorMessage: base(281, false),
  routeRecord: base(282),
  destinationRealm: base(BASE_AVP.destinationRealm),
  proxyInfo: base(284),
  destinationHost: base(BASE_AVP.destinationHost),
  originRealm: base(BASE_AVP.originRealm),
  experimentalResult: base(BASE_AVP.experimentalResult),
  experimentalResultCode: base(BASE_AVP.experimentalResultCode)
} as const

/** Values of Result-Code (RFC 6733 clause 7.1). */
export const RESULT = {
  success: 2001,
  commandUnsupported: 3001,
  unableToDeliver: 3002,
  realmNotServed: 3003,
  tooBusy: 3004,
  loopDetected: 3005,
  applicationUnsupported: 3007,
  invalidHeaderBits: 3008,
  invalidAvpBits: 3009,
  avpUnsupported: 5001,
  invalidAvpValue: 5004,
  missingAvp: 5005,
  resourcesExceeded: 5006,
  noCommonApplication: 5010,
  unableToComply: 5012,
  invalidAvpLength: 5014
} as const

/** Whether a result is a protocol error: its answer has the E bit (RFC 6733 clause 7.1.3). */
export function isProtocolError (result: number): boolean {
  return result >= 3000 && result < 4000
}

/** Values of Disconnect-Cause (RFC 6733 clause 5.4.3). */
export const DISCONNECT = { rebooting: 0, busy: 1, doNotWantToTalkToYou: 2 } as const

/** Auth-Session-State: the server keeps none (RFC 6733 clause 8.11). */
export const NO_STATE_MAINTAINED = 1
