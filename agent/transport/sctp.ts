import type { Discards } from '../lib/discards.ts'
import type { Budget } from './budget.ts'
import { uint16, uint32 } from '../lib/bytes.ts'
import { flowOf, isOn, type Flow, type FlowMessageSink } from './flow.ts'
import { HEADER_BYTES, looksLikeHeader, messageLength } from './header.ts'
import { LIMITS, type TransportOptions } from './options.ts'
import { hashEndpoint, hashPair, type Packet } from './packet.ts'
import { CHUNK_FLAG, SctpStream } from './sctp-stream.ts'

/** Chunk types (RFC 9260 clause 3.2, RFC 8260 clause 2.1, RFC 3758 clause 3.2). */
const CHUNK = { data: 0, init: 1, initAck: 2, abort: 6, shutdownComplete: 14, iData: 64, forwardTsn: 192 } as const

/** Payload protocols (IANA): Diameter, and Diameter in DTLS. 0 is common: stacks leave it unset. */
const PPID = { unset: 0, diameter: 46, diameterDtls: 47 } as const

const COMMON_HEADER_BYTES = 12
const CHUNK_HEADER_BYTES = 4
const DATA_HEADER_BYTES = 16
const IDATA_HEADER_BYTES = 20

/** Associations that are being made: the tag that INIT announced, until INIT ACK tells the other. */
const MAX_INITS = 1_024

/**
 * SCTP associations, by verification tag and ports in each direction: addresses are left out, so that several paths of one association are
 * one, even when its beginning was not seen. Checksums are not looked at: offloading leaves wrong ones in captures.
 */
export class Sctp {
  readonly #ports: ReadonlySet<number>
  readonly #onMessage: FlowMessageSink
  readonly #discards: Discards
  readonly #budget: Budget
  /** By hash of tag and ports, for each direction; those with one hash in a list. */
  readonly #streams = new Map<string, SctpStream>()
  /** Connection numbers of associations whose INIT was seen, by the tag and ports of a direction. */
  readonly #tied = new Map<string, number>()

  constructor ({ ports }: TransportOptions, onMessage: FlowMessageSink, discards: Discards, budget: Budget) {
    this.#ports = new Set(ports)
    this.#onMessage = onMessage
    this.#discards = discards
    this.#budget = budget
  }

  /** Takes one packet: the common header, then chunks. */
  packet (packet: Packet, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < COMMON_HEADER_BYTES + CHUNK_HEADER_BYTES) return this.#discards.count('sctp.malformed')
    const sourcePort = uint16(bytes, start)
    const destinationPort = uint16(bytes, start + 2)
    const tag = uint32(bytes, start + 4)
    let at = start + COMMON_HEADER_BYTES
    while (end - at >= CHUNK_HEADER_BYTES) {
      const length = uint16(bytes, at + 2)
      if (length < CHUNK_HEADER_BYTES) return this.#discards.count('sctp.malformed')
      if (length > end - at) return this.#discards.count('sctp.chunk-cut-short')
      this.#chunk(packet, tag, sourcePort, destinationPort, bytes, at, at + length)
      at += (length + 3) & ~3
    }
  }

  /** Gives up on parts that have waited too long; with Infinity, on all. */
  sweep (now: number): void {
    for (const stream of this.#streams.values()) stream.sweep(now)
  }

  /** Forgets all associations; what waits is given up. */
  clear (): void {
    for (const key of this.#streams.keys()) this.#remove(key)
    this.#tied.clear()
  }

  #chunk (packet: Packet, tag: number, sourcePort: number, destinationPort: number, bytes: Uint8Array, at: number, end: number): void {
    const type = bytes[at]!
    switch (type) {
      case CHUNK.data:
        if (end - at < DATA_HEADER_BYTES) return this.#discards.count('sctp.malformed')
        return this.#stream(packet, tag, sourcePort, destinationPort)
          .data(packet, uint32(bytes, at + 4), bytes[at + 1]!, uint32(bytes, at + 12), bytes, at + DATA_HEADER_BYTES, end)
      case CHUNK.iData: return this.#interleaved(this.#stream(packet, tag, sourcePort, destinationPort), packet, bytes, at, end)
      case CHUNK.forwardTsn:
        if (end - at >= 8) this.#stream(packet, tag, sourcePort, destinationPort).forward(uint32(bytes, at + 4))
        return
      case CHUNK.init:
        if (end - at >= 8) this.#tie(packet, keyOf(uint32(bytes, at + 4), destinationPort, sourcePort), uint32(bytes, at + 4))
        return
      case CHUNK.initAck:
        if (end - at >= 8) this.#answer(keyOf(tag, sourcePort, destinationPort), keyOf(uint32(bytes, at + 4), destinationPort, sourcePort))
        return
      case CHUNK.abort:
      case CHUNK.shutdownComplete:
        this.#remove(keyOf(tag, sourcePort, destinationPort))
    }
  }

  /** RFC 8260 clause 2.1: TSN, stream, reserved, message id, then the PPID in the first part and its place in the others. */
  #interleaved (stream: SctpStream, packet: Packet, bytes: Uint8Array, at: number, end: number): void {
    if (end - at < IDATA_HEADER_BYTES) return this.#discards.count('sctp.malformed')
    const flags = bytes[at + 1]!
    const message = `${uint16(bytes, at + 8)}/${flags & CHUNK_FLAG.unordered}/${uint32(bytes, at + 12)}`
    const last = uint32(bytes, at + 16)
    stream.interleaved(packet, uint32(bytes, at + 4), message, last, flags, last, bytes, at + IDATA_HEADER_BYTES, end)
  }

  /** An INIT names the tag of what will be sent back to it. A restart on the same ports has another tag, so nothing old survives. */
  #tie (packet: Packet, key: string, tag: number): void {
    if (this.#tied.size >= MAX_INITS) this.#tied.delete(this.#tied.keys().next().value!)
    this.#remove(key)
    this.#tied.set(key, (Math.imul(tag, 0x9e3779b1) ^ packet.now) >>> 0)
  }

  /** An INIT ACK carries that tag and names the one of the other direction: both directions are one association. */
  #answer (key: string, otherKey: string): void {
    const connection = this.#tied.get(key)
    if (connection === undefined) return
    this.#remove(otherKey)
    if (this.#tied.size < 2 * MAX_INITS) this.#tied.set(otherKey, connection)
  }

  #stream (packet: Packet, tag: number, sourcePort: number, destinationPort: number): SctpStream {
    const key = keyOf(tag, sourcePort, destinationPort)
    let stream = this.#streams.get(key)
    if (stream === undefined) {
      if (this.#streams.size >= LIMITS.connections) this.#evict()
      const connection = this.#tied.get(key) ??
        hashPair(hashEndpoint(packet, packet.sourceAt, sourcePort), hashEndpoint(packet, packet.destinationAt, destinationPort))
      this.#tied.delete(key)
      stream = new SctpStream(flowOf(packet, connection, sourcePort, destinationPort), this.#userData, this.#discards, this.#budget)
      this.#streams.set(key, stream)
    } else if (!isOn(stream.flow, packet)) stream.flow = flowOf(packet, stream.flow.connection, sourcePort, destinationPort)
    stream.lastHeard = packet.now
    return stream
  }

  #remove (key: string): void {
    this.#streams.get(key)?.sweep(Infinity)
    this.#streams.delete(key)
  }

  #evict (): void {
    let oldest: [string, SctpStream] | undefined
    for (const entry of this.#streams) if (oldest === undefined || entry[1].lastHeard < oldest[1].lastHeard) oldest = entry
    this.#discards.count('sctp.associations-full')
    if (oldest !== undefined) this.#remove(oldest[0])
  }

  /** User data that is Diameter: messages one after the other, as a rule one. */
  readonly #userData = (bytes: Uint8Array, start: number, end: number, ppid: number, flow: Flow): void => {
    if (ppid === PPID.diameterDtls) return this.#discards.count('sctp.encrypted')
    if (ppid !== PPID.diameter) {
      const onPort = this.#ports.has(flow.sourcePort) || this.#ports.has(flow.destinationPort)
      if (ppid !== PPID.unset || !(onPort || looksLikeHeader(bytes, start, end))) return
    }
    for (let at = start; at < end;) {
      const length = end - at >= HEADER_BYTES ? messageLength(bytes, at) : 0
      if (length === 0 || length > end - at) return this.#discards.count('sctp.malformed-message', bytes, at, end)
      this.#onMessage(bytes, at, at + length, flow)
      at += length
    }
  }
}

/** Tag and ports of one direction as a key. */
function keyOf (tag: number, sourcePort: number, destinationPort: number): string {
  return `${tag}/${sourcePort}/${destinationPort}`
}
