import { MAX_LENGTH, MAX_SHORT_MESSAGE_BYTES } from './codes.ts'
import { cString, joined, readCString, type Read } from './octets.ts'
import { readTlvs, tlvBytes, type Tlvs } from './tlv.ts'

/** An address on the wire: TON and NPI as numbers (SMPP 3.4 clauses 5.2.5 and 5.2.6). */
export interface WireAddress { ton: number, npi: number, value: string }

/** Body of a submit_sm or deliver_sm: both have the same fields (clauses 4.4.1 and 4.6.1). */
export interface Message {
  serviceType: string
  source: WireAddress
  destination: WireAddress
  esmClass: number
  protocolId: number
  priority: number
  scheduleDeliveryTime: string
  validityPeriod: string
  registeredDelivery: number
  replaceIfPresent: number
  dataCoding: number
  defaultMessageId: number
  /** At most 254 octets. */
  shortMessage: Uint8Array
  tlvs: Tlvs
}

/** The body's octets; undefined when a field does not fit its place. */
export function messageBody (message: Message): Uint8Array | undefined {
  const { source, destination, shortMessage } = message
  if (shortMessage.length > MAX_SHORT_MESSAGE_BYTES) return undefined
  return joined([
    cString(message.serviceType, MAX_LENGTH.serviceType),
    Uint8Array.of(source.ton, source.npi), cString(source.value, MAX_LENGTH.address),
    Uint8Array.of(destination.ton, destination.npi), cString(destination.value, MAX_LENGTH.address),
    Uint8Array.of(message.esmClass, message.protocolId, message.priority),
    cString(message.scheduleDeliveryTime, MAX_LENGTH.time),
    cString(message.validityPeriod, MAX_LENGTH.time),
    Uint8Array.of(message.registeredDelivery, message.replaceIfPresent, message.dataCoding, message.defaultMessageId, shortMessage.length),
    shortMessage,
    tlvBytes(message.tlvs)
  ])
}

/** Why a body cannot be read. */
export type MessageFault = 'smpp.truncated' | 'smpp.string' | 'smpp.message-length' | 'smpp.tlv-length'

/** Reads a body; strings are Latin-1. A sm_length of 255 is taken, though the standard has it not: nothing is doubtful about it. */
export function readMessage (body: Uint8Array): Message | MessageFault {
  const serviceType = readCString(body, 0, body.length, MAX_LENGTH.serviceType)
  const source = serviceType && readAddress(body, serviceType.next)
  const destination = source && readAddress(body, source.next)
  if (destination === undefined) return 'smpp.string'
  const schedule = readCString(body, destination.next + 3, body.length, MAX_LENGTH.time)
  const validity = schedule && readCString(body, schedule.next, body.length, MAX_LENGTH.time)
  if (validity === undefined) return 'smpp.string'
  const at = validity.next
  if (at + 5 > body.length) return 'smpp.truncated'
  const end = at + 5 + body[at + 4]!
  if (end > body.length) return 'smpp.message-length'
  const tlvs = readTlvs(body, end)
  if (tlvs === undefined) return 'smpp.tlv-length'
  return {
    serviceType: serviceType!.value,
    source: source!.value,
    destination: destination.value,
    esmClass: body[destination.next]!,
    protocolId: body[destination.next + 1]!,
    priority: body[destination.next + 2]!,
    scheduleDeliveryTime: schedule!.value,
    validityPeriod: validity.value,
    registeredDelivery: body[at]!,
    replaceIfPresent: body[at + 1]!,
    dataCoding: body[at + 2]!,
    defaultMessageId: body[at + 3]!,
    shortMessage: body.subarray(at + 5, end),
    tlvs
  }
}

function readAddress (body: Uint8Array, at: number): Read<WireAddress> | undefined {
  if (at + 2 > body.length) return undefined
  const text = readCString(body, at + 2, body.length, MAX_LENGTH.address)
  return text && { value: { ton: body[at]!, npi: body[at + 1]!, value: text.value }, next: text.next }
}

/** message_id of a submit_sm_resp (clause 4.4.2); empty when there is none, as in most that refuse, or when it is too long to be kept. */
export function readMessageId (body: Uint8Array): string {
  return readCString(body, 0, body.length, MAX_LENGTH.messageId)?.value ?? ''
}
