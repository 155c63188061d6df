import { uint32 } from '../../lib/bytes.ts'

/** Octets of a PDU's header (SMPP 3.4 clause 3.2): command_length, command_id, command_status, sequence_number. */
export const HEADER_BYTES = 16

/** A whole PDU, its body not yet looked at. */
export interface Pdu {
  command: number
  status: number
  sequence: number
  body: Uint8Array
}

/** Takes apart what the framer gives: at least a header. */
export function parsePdu (bytes: Uint8Array): Pdu {
  return { command: uint32(bytes, 4), status: uint32(bytes, 8), sequence: uint32(bytes, 12), body: bytes.subarray(HEADER_BYTES) }
}

const NOTHING = new Uint8Array(0)

/** A PDU's octets. */
export function pduBytes ({ command, status = 0, sequence, body = NOTHING }: Pick<Pdu, 'command' | 'sequence'> & Partial<Pdu>): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + body.length)
  bytes.writeUInt32BE(bytes.length, 0)
  bytes.writeUInt32BE(command, 4)
  bytes.writeUInt32BE(status, 8)
  bytes.writeUInt32BE(sequence, 12)
  bytes.set(body, HEADER_BYTES)
  return bytes
}
