/** command_id (SMPP 3.4 clause 5.1.2.1). What is not here is answered with generic_nack. */
export const COMMAND = {
  bindReceiver: 0x00000001,
  bindTransmitter: 0x00000002,
  submitSm: 0x00000004,
  deliverSm: 0x00000005,
  unbind: 0x00000006,
  bindTransceiver: 0x00000009,
  enquireLink: 0x00000015,
  alertNotification: 0x00000102,
  genericNack: 0x80000000
} as const

/** The bit that makes a command its response (clause 5.1.2.1). */
export const RESPONSE = 0x80000000

/** The response's command_id of a request. */
export function responseTo (command: number): number {
  return (command | RESPONSE) >>> 0
}

/** interface_version (clause 5.2.4): 3.4. Others are not answered by some service centres. */
export const INTERFACE_VERSION = 0x34

/** Tags of optional parameters (clause 5.3.2). */
export const TAG = {
  destAddrSubunit: 0x0005,
  receiptedMessageId: 0x001e,
  networkErrorCode: 0x0423,
  messagePayload: 0x0424,
  messageState: 0x0427
} as const

/** esm_class (clause 5.2.12): bit 6 says that a user data header comes first; bits 5 to 2 of a deliver_sm say what it is. */
export const ESM = {
  udhi: 0x40,
  kindMask: 0x3c,
  message: 0x00,
  receipt: 0x04,
  intermediate: 0x20
} as const

/** data_coding (clause 5.2.19) of alphabets without a class; 0xC0 and above is GSM's own coding, passed through. */
export const DATA_CODING = { default: 0x00, ascii: 0x01, latin1: 0x03, octets: 0x04, ucs2: 0x08, gsmClass: 0xf0, gsmClassOctets: 0xf4 } as const

/** registered_delivery (clause 5.2.17): a receipt of the final outcome, success or failure. */
export const REGISTERED_DELIVERY_FINAL = 0x01

/** Lengths of strings, without the octet that ends them (clauses 4.1.1, 4.2.2 and 4.4.1). */
export const MAX_LENGTH = {
  systemId: 15,
  /** The standard has 8; many service centres give longer ones. */
  password: 64,
  systemType: 12,
  serviceType: 5,
  address: 20,
  time: 16,
  messageId: 64
} as const

/** Longest short_message (clause 5.2.22: sm_length 255 is not allowed). */
export const MAX_SHORT_MESSAGE_BYTES = 254
