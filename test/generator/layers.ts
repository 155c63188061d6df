import { ethernet, ipv4, type Ends } from './packet.ts'

/** Wrappers that put an IP packet onto a link or into a tunnel. Each gives the link type of the capture and the frame. */
export interface Wrapped { linkType: number, frame: Buffer }

const MIRROR: Pick<Ends, 'source' | 'destination'> = { source: '203.0.113.1', destination: '203.0.113.2' }
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')
const onEthernet = (payload: Uint8Array, type = 0x0800): Wrapped => ({ linkType: 1, frame: ethernet(payload, type) })
const ip = (protocol: number, payload: Uint8Array): Buffer => ipv4(MIRROR, protocol, payload)

/** An IPv6 packet (RFC 8200 clause 3) between addresses of the documentation range, with extension headers before the payload if given. */
export function ipv6 (protocol: number, payload: Uint8Array, extensions: Uint8Array = Buffer.alloc(0), next = protocol): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(extensions.length + payload.length, 4)
  header[6] = next
  header[7] = 64
  header.set(hex('20010db8000000000000000000000001'), 8)
  header.set(hex('20010db8000000000000000000000002'), 24)
  return Buffer.concat([header, extensions, payload])
}

function udp (port: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(50_000)
  header.writeUInt16BE(port, 2)
  header.writeUInt16BE(8 + payload.length, 4)
  return Buffer.concat([header, payload])
}

/** Every link and tunnel that is read, by name. `packet` is an IPv4 packet. */
export const LAYERS: Readonly<Record<string, (packet: Buffer) => Wrapped>> = {
  ethernet: packet => onEthernet(packet),
  'ethernet with trailer': packet => onEthernet(Buffer.concat([packet, Buffer.alloc(6, 0xee)])),
  vlan: packet => onEthernet(Buffer.concat([hex('0064 0800'), packet]), 0x8100),
  qinq: packet => onEthernet(Buffer.concat([hex('0065 8100 0064 0800'), packet]), 0x88a8),
  'old qinq': packet => onEthernet(Buffer.concat([hex('0065 8100 0064 0800'), packet]), 0x9100),
  mpls: packet => onEthernet(Buffer.concat([hex('00010040 00020140'), packet]), 0x8847),
  pseudowire: packet => onEthernet(Buffer.concat([hex('00010140 00000000'), ethernet(packet)]), 0x8847),
  'null little-endian': packet => ({ linkType: 0, frame: Buffer.concat([hex('02000000'), packet]) }),
  'null big-endian': packet => ({ linkType: 0, frame: Buffer.concat([hex('00000002'), packet]) }),
  loop: packet => ({ linkType: 108, frame: Buffer.concat([hex('00000002'), packet]) }),
  'raw 12': packet => ({ linkType: 12, frame: packet }),
  'raw 14': packet => ({ linkType: 14, frame: packet }),
  'raw 101': packet => ({ linkType: 101, frame: packet }),
  'ipv4 link': packet => ({ linkType: 228, frame: packet }),
  'cooked 1': packet => ({ linkType: 113, frame: Buffer.concat([hex('0000 0001 0006 020000000001 0000 0800'), packet]) }),
  'cooked 2': packet => ({ linkType: 276, frame: Buffer.concat([hex('0800 0000 00000001 0001 00 06 0200000000010000'), packet]) }),
  'ip in ip': packet => onEthernet(ip(4, packet)),
  'ip in ipv6': packet => ({ linkType: 229, frame: ipv6(4, packet) }),
  gre: packet => onEthernet(ip(47, Buffer.concat([hex('0000 0800'), packet]))),
  'gre with all options': packet => onEthernet(ip(47, Buffer.concat([hex('b000 0800 0000 0000 00000007 00000001'), packet]))),
  'gre bridged': packet => onEthernet(ip(47, Buffer.concat([hex('0000 6558'), ethernet(packet)]))),
  'erspan 1': packet => onEthernet(ip(47, Buffer.concat([hex('0000 88be'), ethernet(packet)]))),
  'erspan 2': packet => onEthernet(ip(47, Buffer.concat([hex('1000 88be 00000001 1001 0001 00000000'), ethernet(packet)]))),
  'erspan 3': packet => onEthernet(ip(47, Buffer.concat([hex('1000 22eb 00000001 2001 0001 00000000 0000 0000'), ethernet(packet)]))),
  'erspan 3 with subheader': packet =>
    onEthernet(ip(47, Buffer.concat([hex('1000 22eb 00000001 2001 0001 00000000 0000 0001 0000000000000000'), ethernet(packet)]))),
  vxlan: packet => onEthernet(ip(17, udp(4789, Buffer.concat([hex('08000000 00000100'), ethernet(packet)]))))
}

/** The IPv4 fragments of a packet, `size` payload bytes in each but the last (a multiple of 8). */
export function fragments4 (packet: Buffer, size: number): Buffer[] {
  const payload = packet.subarray(20)
  const pieces: Buffer[] = []
  for (let at = 0; at < payload.length; at += size) {
    const piece = payload.subarray(at, at + size)
    const fragment = Buffer.concat([packet.subarray(0, 20), piece])
    fragment.writeUInt16BE(fragment.length, 2)
    fragment.writeUInt16BE((at + size < payload.length ? 0x2000 : 0) | at / 8, 6)
    fragment.writeUInt16BE(0, 10)
    let sum = 0
    for (let i = 0; i < 20; i += 2) sum += fragment.readUInt16BE(i)
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
    fragment.writeUInt16BE(~sum & 0xffff, 10)
    pieces.push(fragment)
  }
  return pieces
}

/** The IPv6 packets with fragment headers (RFC 8200 clause 4.5) of a payload. */
export function fragments6 (protocol: number, payload: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < payload.length; at += size) {
    const header = Buffer.alloc(8)
    header[0] = protocol
    header.writeUInt16BE(at | (at + size < payload.length ? 1 : 0), 2)
    header.writeUInt32BE(77, 4)
    pieces.push(ipv6(protocol, payload.subarray(at, at + size), header, 44))
  }
  return pieces
}
