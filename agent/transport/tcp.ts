import type { Discards } from '../lib/discards.ts'
import type { Budget } from './budget.ts'
import { uint16, uint32 } from '../lib/bytes.ts'
import { flowOf, isOn, reversed, type Flow, type FlowMessageSink } from './flow.ts'
import { LIMITS, type TransportOptions } from './options.ts'
import { hashEndpoint, hashPair, type Packet } from './packet.ts'
import { TcpStream } from './tcp-stream.ts'

const FLAG = { fin: 1, syn: 2, rst: 4 } as const
const MIN_HEADER_BYTES = 20

interface Connection {
  hash: number
  /** As its first packet ran, and the other way. */
  forward: Flow
  backward: Flow
  forwardStream: TcpStream
  backwardStream: TcpStream
  /** StreamTime, ms. */
  lastHeard: number
}

/** The TCP connections that carry Diameter: those with a configured port on either side. */
export class Tcp {
  readonly #ports: ReadonlySet<number>
  readonly #tlsPorts: ReadonlySet<number>
  readonly #onMessage: FlowMessageSink
  readonly #discards: Discards
  readonly #budget: Budget
  /** By hash of both endpoints. */
  readonly #connections = new Map<number, Connection>()

  constructor ({ ports, tlsPorts }: TransportOptions, onMessage: FlowMessageSink, discards: Discards, budget: Budget) {
    this.#ports = new Set(ports)
    this.#tlsPorts = new Set(tlsPorts)
    this.#onMessage = onMessage
    this.#discards = discards
    this.#budget = budget
  }

  /** Takes one segment (RFC 9293 clause 3.1). Checksums are not looked at: captures on the sending host have none that is right. */
  segment (packet: Packet, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < MIN_HEADER_BYTES) return this.#discards.count('tcp.malformed')
    const sourcePort = uint16(bytes, start)
    const destinationPort = uint16(bytes, start + 2)
    if (!this.#ports.has(sourcePort) && !this.#ports.has(destinationPort)) {
      if (this.#tlsPorts.has(sourcePort) || this.#tlsPorts.has(destinationPort)) this.#discards.count('tcp.encrypted')
      return
    }
    const payload = start + (bytes[start + 12]! >>> 4) * 4
    if (payload < start + MIN_HEADER_BYTES || payload > end) return this.#discards.count('tcp.malformed')
    const sequence = uint32(bytes, start + 4)
    const flags = bytes[start + 13]!
    const hash = hashPair(hashEndpoint(packet, packet.sourceAt, sourcePort), hashEndpoint(packet, packet.destinationAt, destinationPort))
    const connection = this.#find(packet, hash, sourcePort, destinationPort)
    connection.lastHeard = packet.now
    if ((flags & FLAG.rst) !== 0) return this.#remove(connection)
    const isForward = connection.forward.sourcePort === sourcePort && isOn(connection.forward, packet)
    const stream = isForward ? connection.forwardStream : connection.backwardStream
    const isSyn = (flags & FLAG.syn) !== 0
    if (isSyn) stream.synchronize(sequence)
    stream.segment(isSyn ? sequence + 1 >>> 0 : sequence, bytes, payload, end, packet.now)
  }

  /** Gives up on holes that have been open for too long; with Infinity, on all. */
  sweep (now: number): void {
    for (const { forwardStream, backwardStream } of this.#connections.values()) {
      forwardStream.sweep(now)
      backwardStream.sweep(now)
    }
  }

  /** Forgets all connections; what waits is given up. */
  clear (): void {
    for (const connection of this.#connections.values()) this.#remove(connection)
  }

  #find (packet: Packet, hash: number, sourcePort: number, destinationPort: number): Connection {
    const known = this.#connections.get(hash)
    if (known !== undefined) {
      if (belongs(known.forward, packet, sourcePort, destinationPort) || belongs(known.backward, packet, sourcePort, destinationPort)) return known
      // Two connections of one hash are one in four thousand million: the newer one takes the place.
      this.#remove(known)
    }
    if (this.#connections.size >= LIMITS.connections) this.#evict()
    const forward = flowOf(packet, hash, sourcePort, destinationPort)
    const backward = reversed(forward)
    const made: Connection = {
      hash,
      forward,
      backward,
      forwardStream: this.#stream(forward),
      backwardStream: this.#stream(backward),
      lastHeard: packet.now
    }
    this.#connections.set(hash, made)
    return made
  }

  #stream (flow: Flow): TcpStream {
    return new TcpStream((bytes, start, end) => { this.#onMessage(bytes, start, end, flow) }, this.#discards, this.#budget)
  }

  #remove (connection: Connection): void {
    connection.forwardStream.reset()
    connection.backwardStream.reset()
    this.#connections.delete(connection.hash)
  }

  /** The connection not heard for longest goes. */
  #evict (): void {
    let oldest: Connection | undefined
    for (const connection of this.#connections.values()) {
      if (oldest === undefined || connection.lastHeard < oldest.lastHeard) oldest = connection
    }
    this.#discards.count('tcp.connections-full')
    if (oldest !== undefined) this.#remove(oldest)
  }
}

function belongs (flow: Flow, packet: Packet, sourcePort: number, destinationPort: number): boolean {
  return flow.sourcePort === sourcePort && flow.destinationPort === destinationPort && isOn(flow, packet)
}
