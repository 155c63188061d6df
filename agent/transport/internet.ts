import type { Discards } from '../lib/discards.ts'
import type { Budget } from './budget.ts'
import { uint16, uint32 } from '../lib/bytes.ts'
import { Fragments } from './fragments.ts'
import { enterLink, ETHER, type Layer } from './link.ts'
import { LIMITS } from './options.ts'
import type { Packet } from './packet.ts'
import { enterGre, enterVxlan } from './tunnel.ts'

/** Protocol numbers (IANA) that are read. */
const PROTOCOL = { ipv4: 4, tcp: 6, udp: 17, ipv6: 41, gre: 47, sctp: 132 } as const

/** Extension headers of IPv6 that are passed over (RFC 8200 clause 4), and the fragment header. */
const EXTENSION = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const

/** UDP ports of what is carried inside: VXLAN (RFC 7348), SCTP (RFC 6951). */
const UDP_PORT = { vxlan: 4789, sctp: 9899 } as const

const UDP_HEADER_BYTES = 8

/** Takes a TCP segment or an SCTP packet, `bytes[start, end)`, between the packet's addresses. */
export type SegmentSink = (packet: Packet, bytes: Uint8Array, start: number, end: number) => void

/**
 * From a frame to the TCP segments and SCTP packets in it: link layers, tags, IP, fragments and the tunnels of mirrors, taken off one
 * after the other down to a bounded depth.
 */
export class Internet {
  readonly #onTcp: SegmentSink
  readonly #onSctp: SegmentSink
  readonly #discards: Discards
  readonly #fragments: Fragments
  readonly #layer: Layer = { type: 0, at: 0 }

  constructor (onTcp: SegmentSink, onSctp: SegmentSink, discards: Discards, budget: Budget) {
    this.#onTcp = onTcp
    this.#onSctp = onSctp
    this.#discards = discards
    this.#fragments = new Fragments(discards, budget)
  }

  frame (packet: Packet, linkType: number, bytes: Uint8Array): void {
    this.#enter(enterLink(linkType, bytes, bytes.length, this.#layer), packet, bytes, bytes.length, 0)
  }

  /** Gives up fragments that have waited too long. */
  sweep (now: number): void {
    this.#fragments.sweep(now)
  }

  /** Goes on with the layer that was found; what is not IP is none of ours. */
  #enter (reason: string | undefined, packet: Packet, bytes: Uint8Array, end: number, depth: number): void {
    if (reason !== undefined) return this.#discards.count(reason)
    if (depth > LIMITS.nesting) return this.#discards.count('ip.nested-too-deep')
    if (this.#layer.type === ETHER.ipv4) this.#ipv4(packet, bytes, this.#layer.at, end, depth)
    else if (this.#layer.type === ETHER.ipv6) this.#ipv6(packet, bytes, this.#layer.at, end, depth)
  }

  /** RFC 791 clause 3.1. A total length of 0 is an offloaded frame's: it goes to the frame's end. */
  #ipv4 (packet: Packet, bytes: Uint8Array, at: number, end: number, depth: number): void {
    if (end - at < 20 || bytes[at]! >>> 4 !== 4) return this.#discards.count('ip.malformed')
    const header = (bytes[at]! & 15) * 4
    const total = uint16(bytes, at + 2)
    if (header < 20 || at + header > end || (total !== 0 && total < header)) return this.#discards.count('ip.malformed')
    const whole = total === 0 ? end : at + total
    const stop = Math.min(end, whole)
    if (whole > end) this.#discards.count('ip.cut-short')
    packet.addressBytes = bytes
    packet.sourceAt = at + 12
    packet.destinationAt = at + 16
    packet.addressLength = 4
    const fragment = uint16(bytes, at + 6)
    if ((fragment & 0x3fff) === 0) return this.#payload(packet, bytes[at + 9]!, bytes, at + header, stop, depth)
    if (whole > end) return
    const hasMore = (fragment & 0x2000) !== 0
    this.#fragment(packet, uint16(bytes, at + 4), bytes[at + 9]!, (fragment & 0x1fff) * 8, !hasMore, bytes, at + header, stop, depth)
  }

  /** RFC 8200 clause 3. A payload length of 0 is an offloaded frame's, or a jumbogram's: it goes to the frame's end. */
  #ipv6 (packet: Packet, bytes: Uint8Array, at: number, end: number, depth: number): void {
    if (end - at < 40 || bytes[at]! >>> 4 !== 6) return this.#discards.count('ip.malformed')
    const length = uint16(bytes, at + 4)
    const whole = length === 0 ? end : at + 40 + length
    const stop = Math.min(end, whole)
    if (whole > end) this.#discards.count('ip.cut-short')
    packet.addressBytes = bytes
    packet.sourceAt = at + 8
    packet.destinationAt = at + 24
    packet.addressLength = 16
    let next = bytes[at + 6]!
    let inner = at + 40
    for (let steps = 0; next === EXTENSION.hopByHop || next === EXTENSION.routing || next === EXTENSION.destination || next === EXTENSION.fragment; steps++) {
      if (stop - inner < 8 || steps > LIMITS.nesting) return this.#discards.count('ip.malformed')
      const following = bytes[inner]!
      if (next === EXTENSION.fragment) {
        const bits = uint16(bytes, inner + 2)
        const isAtomic = (bits & 0xfff9) === 0
        if (!isAtomic) {
          if (whole > end) return
          return this.#fragment(packet, uint32(bytes, inner + 4), following, bits & 0xfff8, (bits & 1) === 0, bytes, inner + 8, stop, depth)
        }
        inner += 8
      } else inner += (bytes[inner + 1]! + 1) * 8
      next = following
    }
    if (inner > stop) return this.#discards.count('ip.malformed')
    this.#payload(packet, next, bytes, inner, stop, depth)
  }

  #fragment (packet: Packet, identification: number, protocol: number, offset: number, isLast: boolean,
    bytes: Uint8Array, start: number, end: number, depth: number): void {
    const whole = this.#fragments.take(packet, identification, protocol, offset, isLast, bytes, start, end)
    if (whole === undefined) return
    packet.addressBytes = whole.bytes
    packet.sourceAt = 0
    packet.destinationAt = whole.addressLength
    packet.addressLength = whole.addressLength
    this.#payload(packet, whole.protocol, whole.bytes, whole.payloadAt, whole.bytes.length, depth)
  }

  #payload (packet: Packet, protocol: number, bytes: Uint8Array, start: number, end: number, depth: number): void {
    switch (protocol) {
      case PROTOCOL.tcp: return this.#onTcp(packet, bytes, start, end)
      case PROTOCOL.sctp: return this.#onSctp(packet, bytes, start, end)
      case PROTOCOL.udp: return this.#udp(packet, bytes, start, end, depth)
      case PROTOCOL.gre: return this.#enter(enterGre(bytes, start, end, this.#layer), packet, bytes, end, depth + 1)
      case PROTOCOL.ipv4:
      case PROTOCOL.ipv6:
        this.#layer.type = protocol === PROTOCOL.ipv4 ? ETHER.ipv4 : ETHER.ipv6
        this.#layer.at = start
        return this.#enter(undefined, packet, bytes, end, depth + 1)
    }
  }

  #udp (packet: Packet, bytes: Uint8Array, start: number, end: number, depth: number): void {
    if (end - start < UDP_HEADER_BYTES) return
    const inner = start + UDP_HEADER_BYTES
    if (uint16(bytes, start + 2) === UDP_PORT.vxlan) {
      this.#enter(enterVxlan(bytes, inner, end, this.#layer), packet, bytes, end, depth + 1)
    } else if (uint16(bytes, start + 2) === UDP_PORT.sctp || uint16(bytes, start) === UDP_PORT.sctp) this.#onSctp(packet, bytes, inner, end)
  }
}
