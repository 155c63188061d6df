import type { Discards } from '../lib/discards.ts'
import type { Budget } from './budget.ts'
import { sameBytes } from '../lib/bytes.ts'
import { LIMITS } from './options.ts'
import type { Packet } from './packet.ts'

/** The longest datagram (RFC 791 clause 3.1). */
const MAX_DATAGRAM_BYTES = 65_535

interface Datagram {
  /** Source address, destination address. */
  addresses: Uint8Array
  identification: number
  protocol: number
  /** Pieces in the order of their offsets, apart from each other: what came first stays. */
  pieces: { offset: number, bytes: Uint8Array }[]
  /** Known once the last fragment came. */
  length: number | undefined
  bytes: number
  arrived: number
}

/** A datagram that was put together: its addresses first (source, destination), then its payload from `payloadAt` on. */
export interface Whole { bytes: Uint8Array, addressLength: number, payloadAt: number, protocol: number }

/** Puts the fragments of IPv4 and IPv6 datagrams together, in any order, bounded in number, bytes and age. */
export class Fragments {
  readonly #datagrams = new Map<number, Datagram[]>()
  readonly #discards: Discards
  readonly #budget: Budget
  #count = 0

  constructor (discards: Discards, budget: Budget) {
    this.#discards = discards
    this.#budget = budget
  }

  /** Takes the fragment `bytes[start, end)` at `offset` of its datagram's payload; gives the datagram once it is whole. */
  take (packet: Packet, identification: number, protocol: number, offset: number, isLast: boolean,
    bytes: Uint8Array, start: number, end: number): Whole | undefined {
    if (offset + end - start > MAX_DATAGRAM_BYTES || end <= start) return this.#drop('ip.malformed-fragment')
    const datagram = this.#find(packet, identification, protocol)
    if (datagram === undefined) return undefined
    if (isLast) datagram.length ??= offset + end - start
    this.#insert(datagram, offset, bytes, start, end)
    return this.#complete(datagram)
  }

  /** Gives up what has waited too long; with Infinity, all. */
  sweep (now: number): void {
    for (const datagrams of this.#datagrams.values()) {
      for (const datagram of [...datagrams]) {
        if (now - datagram.arrived <= LIMITS.datagramAgeMs) continue
        this.#remove(datagram)
        this.#discards.count('ip.fragment-lost')
      }
    }
  }

  #find (packet: Packet, identification: number, protocol: number): Datagram | undefined {
    const { addressBytes, sourceAt, destinationAt, addressLength, now } = packet
    const list = this.#datagrams.get(identification)
    const known = list?.find(({ addresses, protocol: other }) => other === protocol && addresses.length === 2 * addressLength &&
      sameBytes(addresses, 0, addressBytes, sourceAt, addressLength) && sameBytes(addresses, addressLength, addressBytes, destinationAt, addressLength))
    if (known !== undefined) return known
    if (this.#count >= LIMITS.datagrams) {
      this.sweep(now)
      if (this.#count >= LIMITS.datagrams) return this.#drop('ip.fragments-full')
    }
    const addresses = new Uint8Array(2 * addressLength)
    addresses.set(addressBytes.subarray(sourceAt, sourceAt + addressLength))
    addresses.set(addressBytes.subarray(destinationAt, destinationAt + addressLength), addressLength)
    const datagram: Datagram = { addresses, identification, protocol, pieces: [], length: undefined, bytes: 0, arrived: now }
    if (list === undefined) this.#datagrams.set(identification, [datagram])
    else list.push(datagram)
    this.#count++
    return datagram
  }

  /** Keeps what is new of a fragment: where it overlaps, what came first stays (RFC 5722 lets nobody overlap on purpose). */
  #insert (datagram: Datagram, offset: number, bytes: Uint8Array, start: number, end: number): void {
    const { pieces } = datagram
    let at = offset
    const stop = offset + end - start
    let index = 0
    while (at < stop) {
      while (index < pieces.length && pieces[index]!.offset + pieces[index]!.bytes.length <= at) index++
      const next = pieces[index]
      if (next !== undefined && next.offset <= at) { at = next.offset + next.bytes.length; continue }
      const until = Math.min(stop, next?.offset ?? stop)
      if (pieces.length >= LIMITS.fragmentsPerDatagram || !this.#budget.take(until - at)) {
        this.#drop('ip.fragments-full')
        return
      }
      pieces.splice(index, 0, { offset: at, bytes: bytes.slice(start + at - offset, start + until - offset) })
      datagram.bytes += until - at
      at = until
    }
  }

  #complete (datagram: Datagram): Whole | undefined {
    const { length, bytes, addresses, pieces, protocol } = datagram
    if (length === undefined || bytes < length) return undefined
    this.#remove(datagram)
    const whole = new Uint8Array(addresses.length + length)
    whole.set(addresses)
    for (const piece of pieces) {
      if (piece.offset < length) whole.set(piece.bytes.subarray(0, length - piece.offset), addresses.length + piece.offset)
    }
    return { bytes: whole, addressLength: addresses.length / 2, payloadAt: addresses.length, protocol }
  }

  #remove (datagram: Datagram): void {
    const list = this.#datagrams.get(datagram.identification)!
    if (list.length === 1) this.#datagrams.delete(datagram.identification)
    else list.splice(list.indexOf(datagram), 1)
    this.#count--
    this.#budget.give(datagram.bytes)
  }

  #drop (reason: string): undefined {
    this.#discards.count(reason)
    return undefined
  }
}
