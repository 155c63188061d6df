import { uint24, uint32 } from '../../lib/bytes.ts'
import { readAvps, sizeOf, writeAvps, type Avp, type Fault } from './avp.ts'
import { FLAG } from './base.ts'

/** Length of a Diameter header (RFC 6733 clause 3). */
export const HEADER_BYTES = 20

/** One Diameter message (RFC 6733 clause 3). */
export interface Message {
  /** Command flags: see FLAG. */
  flags: number
  command: number
  applicationId: number
  hopByHop: number
  endToEnd: number
  avps: Avp[]
}

/** A message as it was read: with a fault, its AVPs are those before it. */
export interface ReadMessage extends Message {
  fault: Fault | undefined
}

/** Writes a message. */
export function encodeMessage ({ flags, command, applicationId, hopByHop, endToEnd, avps }: Message): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + sizeOf(avps))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x01000000 + bytes.length)
  view.setUint32(4, flags * 0x1000000 + command)
  view.setUint32(8, applicationId)
  view.setUint32(12, hopByHop)
  view.setUint32(16, endToEnd)
  writeAvps(avps, bytes, HEADER_BYTES)
  return bytes
}

/** Reads a whole message: what the framer gave, at least a header long. */
export function decodeMessage (bytes: Uint8Array): ReadMessage {
  return {
    flags: bytes[4]!,
    command: uint24(bytes, 5),
    applicationId: uint32(bytes, 8),
    hopByHop: uint32(bytes, 12),
    endToEnd: uint32(bytes, 16),
    ...readAvps(bytes, HEADER_BYTES)
  }
}

/** Whether it is a request (RFC 6733 clause 3). */
export function isRequest ({ flags }: Message): boolean {
  return (flags & FLAG.request) !== 0
}
