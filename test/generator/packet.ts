import { crc32c } from '../../agent/lib/crc32c.ts'

/** Two ends of a connection. */
export interface Ends { source: string, sourcePort: number, destination: string, destinationPort: number }

/** The same ends, the other way. */
export function back ({ source, sourcePort, destination, destinationPort }: Ends): Ends {
  return { source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort }
}

/** An Ethernet II frame (IEEE 802.3) around an IPv4 or other packet. */
export function ethernet (payload: Uint8Array, type = 0x0800): Buffer {
  return Buffer.concat([Buffer.from('020000000002020000000001', 'hex'), uint16(type), payload])
}

/** An IPv4 packet (RFC 791 clause 3.1). */
export function ipv4 ({ source, destination }: Pick<Ends, 'source' | 'destination'>, protocol: number, payload: Uint8Array, identification = 1): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + payload.length, 2)
  header.writeUInt16BE(identification, 4)
  header[8] = 64
  header[9] = protocol
  header.set(source.split('.').map(Number), 12)
  header.set(destination.split('.').map(Number), 16)
  header.writeUInt16BE(checksum(header), 10)
  return Buffer.concat([header, payload])
}

/** A TCP segment (RFC 9293 clause 3.1) with ACK and PSH; its checksum is left out, as offloading leaves it. */
export function tcp ({ sourcePort, destinationPort }: Ends, sequence: number, payload: Uint8Array, flags = 0x18): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(sourcePort)
  header.writeUInt16BE(destinationPort, 2)
  header.writeUInt32BE(sequence >>> 0, 4)
  header[12] = 5 << 4
  header[13] = flags
  header.writeUInt16BE(65_535, 14)
  return Buffer.concat([header, payload])
}

/** An SCTP packet (RFC 9260 clause 3) with its checksum. */
export function sctp ({ sourcePort, destinationPort }: Ends, tag: number, chunks: readonly Uint8Array[]): Buffer {
  const packet = Buffer.concat([Buffer.alloc(12), ...chunks])
  packet.writeUInt16BE(sourcePort)
  packet.writeUInt16BE(destinationPort, 2)
  packet.writeUInt32BE(tag >>> 0, 4)
  packet.writeUInt32LE(crc32c(packet), 8)
  return packet
}

/** A DATA chunk (RFC 9260 clause 3.3.1) with a whole message. */
export function data (tsn: number, payload: Uint8Array, { flags = 3, ppid = 46, stream = 0, sequence = 0 } = {}): Buffer {
  const header = Buffer.alloc(16)
  header[1] = flags
  header.writeUInt16BE(16 + payload.length, 2)
  header.writeUInt32BE(tsn >>> 0, 4)
  header.writeUInt16BE(stream, 8)
  header.writeUInt16BE(sequence, 10)
  header.writeUInt32BE(ppid, 12)
  return Buffer.concat([header, payload, Buffer.alloc(-payload.length & 3)])
}

/** An I-DATA chunk (RFC 8260 clause 2.1): the PPID in the first part, the part's number in the others. */
export function iData (tsn: number, payload: Uint8Array, { flags = 3, message = 0, part = 0, ppid = 46, stream = 0 } = {}): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 64
  header[1] = flags
  header.writeUInt16BE(20 + payload.length, 2)
  header.writeUInt32BE(tsn >>> 0, 4)
  header.writeUInt16BE(stream, 8)
  header.writeUInt32BE(message, 12)
  header.writeUInt32BE((flags & 2) !== 0 ? ppid : part, 16)
  return Buffer.concat([header, payload, Buffer.alloc(-payload.length & 3)])
}

/** A chunk of any type with a body. INIT (1) and INIT ACK (2) begin with the tag that answers will carry. */
export function chunk (type: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(4)
  header[0] = type
  header.writeUInt16BE(4 + body.length, 2)
  return Buffer.concat([header, body, Buffer.alloc(-body.length & 3)])
}

/** A message cut into parts of a size, with the flags of a fragmented one: B first, E last. */
export function parts (message: Buffer, size: number): { payload: Buffer, flags: number }[] {
  const cut: { payload: Buffer, flags: number }[] = []
  for (let at = 0; at < message.length; at += size) {
    cut.push({ payload: message.subarray(at, at + size), flags: (at === 0 ? 2 : 0) | (at + size >= message.length ? 1 : 0) })
  }
  return cut
}

/** Four bytes of a number. */
export function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

function uint16 (value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

/** The Internet checksum (RFC 1071). */
function checksum (bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
