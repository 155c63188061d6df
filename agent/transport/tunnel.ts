import { uint16 } from '../lib/bytes.ts'
import { enterEthernet, ETHER, type Layer } from './link.ts'

/** Bits of a GRE header (RFC 2784, RFC 2890; routing is RFC 1701 and is not read). */
const GRE = { checksum: 0x8000, routing: 0x4000, key: 0x2000, sequence: 0x1000, version: 0x0007 } as const

/** Headers between GRE and the mirrored frame: ERSPAN II, and III with its optional subheader (draft-foschiano-erspan). */
const ERSPAN2_BYTES = 8
const ERSPAN3_BYTES = 12
const ERSPAN3_SUBHEADER_BYTES = 8

/** A VXLAN header (RFC 7348 clause 5). */
const VXLAN_BYTES = 8

/** Takes a GRE header off, and ERSPAN's. Gives the reason why it could not, if so. */
export function enterGre (bytes: Uint8Array, at: number, end: number, layer: Layer): string | undefined {
  if (end - at < 4) return 'tunnel.cut-short'
  const bits = uint16(bytes, at)
  if ((bits & (GRE.routing | GRE.version)) !== 0) return 'tunnel.unknown-gre'
  const hasSequence = (bits & GRE.sequence) !== 0
  const type = uint16(bytes, at + 2)
  const length = 4 + ((bits & GRE.checksum) !== 0 ? 4 : 0) + ((bits & GRE.key) !== 0 ? 4 : 0) + (hasSequence ? 4 : 0)
  const inner = at + length
  if (inner > end) return 'tunnel.cut-short'
  switch (type) {
    case ETHER.bridged: return enterEthernet(bytes, inner, end, layer)
    // Without a sequence number it is type I, which has no header of its own.
    case ETHER.erspan: return enterEthernet(bytes, hasSequence ? inner + ERSPAN2_BYTES : inner, end, layer)
    case ETHER.erspan3: return enterErspan3(bytes, inner, end, layer)
    default:
      layer.type = type
      layer.at = inner
      return undefined
  }
}

/** The lowest bit of the header says whether a platform's subheader follows. */
function enterErspan3 (bytes: Uint8Array, at: number, end: number, layer: Layer): string | undefined {
  if (end - at < ERSPAN3_BYTES) return 'tunnel.cut-short'
  const hasSubheader = (bytes[at + ERSPAN3_BYTES - 1]! & 1) !== 0
  return enterEthernet(bytes, at + ERSPAN3_BYTES + (hasSubheader ? ERSPAN3_SUBHEADER_BYTES : 0), end, layer)
}

/** Takes a VXLAN header off. */
export function enterVxlan (bytes: Uint8Array, at: number, end: number, layer: Layer): string | undefined {
  if (end - at < VXLAN_BYTES) return 'tunnel.cut-short'
  return enterEthernet(bytes, at + VXLAN_BYTES, end, layer)
}
