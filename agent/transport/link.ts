import { uint16, uint32 } from '../lib/bytes.ts'

/** Link types of capture files (www.tcpdump.org/linktypes.html). */
const LINK = {
  null: 0, ethernet: 1, rawBsd: 12, rawOpenBsd: 14, raw: 101, loop: 108, linuxSll: 113, ipv4: 228, ipv6: 229, linuxSll2: 276
} as const

/** EtherTypes (IEEE 802 numbers). */
export const ETHER = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  vlan: 0x8100,
  vlanService: 0x88a8,
  vlanOld: 0x9100,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  bridged: 0x6558,
  erspan: 0x88be,
  erspan3: 0x22eb
} as const

const ETHERNET_HEADER_BYTES = 14
/** Values of the type field up to this are lengths (IEEE 802.3): no IP inside. */
const MAX_802_3_LENGTH = 1_500

/** Address families of a BSD loopback header that mean IPv6, by system; IPv4 is 2 everywhere. */
const FAMILY_IPV4 = 2
const FAMILIES_IPV6: readonly number[] = [10, 24, 28, 30]

/** Where the next layer begins and what it is. Reused; `type` is an EtherType, or 0 for nothing that is read. */
export interface Layer { type: number, at: number }

/** Takes the link layer off `bytes[0, end)`. Gives the reason why it could not, if so. */
export function enterLink (linkType: number, bytes: Uint8Array, end: number, layer: Layer): string | undefined {
  switch (linkType) {
    case LINK.ethernet: return enterEthernet(bytes, 0, end, layer)
    case LINK.null:
    case LINK.loop: return enterLoopback(bytes, end, layer)
    case LINK.rawBsd:
    case LINK.rawOpenBsd:
    case LINK.raw:
    case LINK.ipv4:
    case LINK.ipv6: return enterRaw(bytes, 0, end, layer)
    case LINK.linuxSll: return enterTyped(bytes, 14, 16, end, layer)
    case LINK.linuxSll2: return enterTyped(bytes, 0, 20, end, layer)
    default: return 'link.unknown-type'
  }
}

/** Takes an Ethernet header and its VLAN tags off. */
export function enterEthernet (bytes: Uint8Array, at: number, end: number, layer: Layer): string | undefined {
  if (end - at < ETHERNET_HEADER_BYTES) return 'link.cut-short'
  return enterTags(bytes, uint16(bytes, at + 12), at + ETHERNET_HEADER_BYTES, end, layer)
}

/** A header with an EtherType at `typeAt` that is `length` long: the cooked headers of Linux. */
function enterTyped (bytes: Uint8Array, typeAt: number, length: number, end: number, layer: Layer): string | undefined {
  if (end < length) return 'link.cut-short'
  return enterTags(bytes, uint16(bytes, typeAt), length, end, layer)
}

/** VLAN tags (IEEE 802.1Q), as many as there are. */
function enterTags (bytes: Uint8Array, type: number, at: number, end: number, layer: Layer): string | undefined {
  while (type === ETHER.vlan || type === ETHER.vlanService || type === ETHER.vlanOld) {
    if (end - at < 4) return 'link.cut-short'
    type = uint16(bytes, at + 2)
    at += 4
  }
  if (type === ETHER.mpls || type === ETHER.mplsMulticast) return enterMpls(bytes, at, end, layer)
  layer.type = type <= MAX_802_3_LENGTH ? 0 : type
  layer.at = at
  return undefined
}

/** The address family is in the byte order of the host that captured (NULL) or of the network (LOOP): it is small, so either shows. */
function enterLoopback (bytes: Uint8Array, end: number, layer: Layer): string | undefined {
  if (end < 4) return 'link.cut-short'
  const family = bytes[0] !== 0 ? bytes[0]! : bytes[3]!
  layer.type = family === FAMILY_IPV4 ? ETHER.ipv4 : FAMILIES_IPV6.includes(family) ? ETHER.ipv6 : 0
  layer.at = 4
  return undefined
}

/** No link layer: the version nibble says which IP it is. */
function enterRaw (bytes: Uint8Array, at: number, end: number, layer: Layer): string | undefined {
  if (at >= end) return 'link.cut-short'
  const version = bytes[at]! >>> 4
  layer.type = version === 4 ? ETHER.ipv4 : version === 6 ? ETHER.ipv6 : 0
  layer.at = at
  return undefined
}

/** MPLS labels (RFC 3032). What they carry is not said: IP shows by its version, an Ethernet pseudowire by its control word (RFC 4448). */
function enterMpls (bytes: Uint8Array, at: number, end: number, layer: Layer): string | undefined {
  let isBottom = false
  while (!isBottom) {
    if (end - at < 4) return 'link.cut-short'
    isBottom = (bytes[at + 2]! & 1) !== 0
    at += 4
  }
  if (end - at >= 4 + ETHERNET_HEADER_BYTES && uint32(bytes, at) >>> 28 === 0) return enterEthernet(bytes, at + 4, end, layer)
  return enterRaw(bytes, at, end, layer)
}
