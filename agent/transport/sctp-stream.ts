import type { Discards } from '../lib/discards.ts'
import type { Budget } from './budget.ts'
import type { Flow } from './flow.ts'
import { LIMITS } from './options.ts'
import type { Packet } from './packet.ts'
import { TsnWindow } from './tsn-window.ts'

/** Bits of a DATA chunk's flags (RFC 9260 clause 3.3.1). */
export const CHUNK_FLAG = { end: 1, begin: 2, unordered: 4 } as const

/** A chunk that holds part of a message. */
interface Part {
  /** Where it stands among the parts of its message: the TSN, or the FSN of I-DATA. */
  place: number
  flags: number
  ppid: number
  bytes: Uint8Array
}

/** Parts that belong together, by place. DATA of one direction is one such row; I-DATA has one for each message (RFC 8260 clause 2.1). */
interface Row { parts: Map<number, Part>, arrived: number }

/** Row of the DATA chunks: their TSNs tell messages apart. */
const DATA_ROW = 'data'

/** Takes the user data of a whole message. */
export type UserDataSink = (bytes: Uint8Array, start: number, end: number, ppid: number, flow: Flow) => void

/** One direction of an association: retransmissions dropped, fragments put together in any order. */
export class SctpStream {
  flow: Flow
  lastHeard = 0
  readonly #onData: UserDataSink
  readonly #discards: Discards
  readonly #budget: Budget
  readonly #tsns = new TsnWindow()
  readonly #rows = new Map<string, Row>()
  #waiting = 0

  constructor (flow: Flow, onData: UserDataSink, discards: Discards, budget: Budget) {
    this.flow = flow
    this.#onData = onData
    this.#discards = discards
    this.#budget = budget
  }

  /** Takes a DATA chunk with its user data in `bytes[start, end)`. */
  data (packet: Packet, tsn: number, flags: number, ppid: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#tsns.add(tsn, bytes, start, end)) return
    if (isWhole(flags)) this.#onData(bytes, start, end, ppid, this.flow)
    else this.#part(packet, DATA_ROW, tsn, flags, ppid, bytes, start, end)
  }

  /** Takes an I-DATA chunk: `message` names the message it is part of, `fsn` its place in it. The first part alone has the PPID. */
  interleaved (packet: Packet, tsn: number, message: string, fsn: number, flags: number, ppid: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#tsns.add(tsn, bytes, start, end)) return
    if (isWhole(flags)) this.#onData(bytes, start, end, ppid, this.flow)
    else this.#part(packet, message, (flags & CHUNK_FLAG.begin) !== 0 ? 0 : fsn, flags, ppid, bytes, start, end)
  }

  /** The sender has given up on all up to a TSN (RFC 3758 clause 3.2). */
  forward (tsn: number): void {
    const row = this.#rows.get(DATA_ROW)
    if (row === undefined) return
    for (const place of [...row.parts.keys()]) {
      if ((place - tsn | 0) <= 0) this.#lose(DATA_ROW, row, place)
    }
  }

  /** Gives up parts whose message has not come in time; with Infinity, all. */
  sweep (now: number): void {
    for (const [name, row] of this.#rows) {
      if (now - row.arrived <= LIMITS.chunkAgeMs) continue
      for (const place of [...row.parts.keys()]) this.#lose(name, row, place)
    }
  }

  #part (packet: Packet, name: string, place: number, flags: number, ppid: number, bytes: Uint8Array, start: number, end: number): void {
    // A place that is taken is a peer that counts wrong: what came first stays.
    if (this.#rows.get(name)?.parts.has(place) === true) return
    if (this.#waiting >= LIMITS.chunksWaiting) this.#dropOldestRow()
    if (!this.#budget.take(end - start)) return this.#discards.count('sctp.buffer-full')
    let row = this.#rows.get(name)
    if (row === undefined) this.#rows.set(name, row = { parts: new Map(), arrived: packet.now })
    row.arrived = packet.now
    row.parts.set(place, { place, flags, ppid, bytes: bytes.slice(start, end) })
    this.#waiting++
    this.#complete(name, row, place)
    if (name === DATA_ROW && row.parts.size > 0) this.#dropPassed(row)
  }

  /** Hands the message on if this part was the last that lacked. */
  #complete (name: string, row: Row, place: number): void {
    let first = place
    let begin = row.parts.get(first)
    while (begin !== undefined && (begin.flags & CHUNK_FLAG.begin) === 0) begin = row.parts.get(first = first - 1 >>> 0)
    if (begin === undefined) return
    let length = 0
    let last = first
    for (;;) {
      const part = row.parts.get(last)
      if (part === undefined) return
      length += part.bytes.length
      if (length > LIMITS.messageBytes) break
      if ((part.flags & CHUNK_FLAG.end) !== 0) break
      last = last + 1 >>> 0
    }
    const whole = new Uint8Array(length)
    let at = 0
    for (let next = first; ; next = next + 1 >>> 0) {
      const part = row.parts.get(next)!
      whole.set(part.bytes, at)
      at += part.bytes.length
      this.#take(name, row, next)
      if (next === last) break
    }
    if (length <= LIMITS.messageBytes) this.#onData(whole, 0, length, begin.ppid, this.flow)
    else this.#discards.count('sctp.message-too-long')
  }

  /** Parts that lie so far behind that their message cannot be retransmitted any more. */
  #dropPassed (row: Row): void {
    const highest = this.#tsns.highest!
    for (const place of row.parts.keys()) {
      if ((highest - place | 0) < LIMITS.tsnWindow) return
      this.#lose(DATA_ROW, row, place)
    }
  }

  #dropOldestRow (): void {
    let oldest: [string, Row] | undefined
    for (const entry of this.#rows) if (oldest === undefined || entry[1].arrived < oldest[1].arrived) oldest = entry
    for (const place of [...oldest![1].parts.keys()]) this.#lose(oldest![0], oldest![1], place)
  }

  #lose (name: string, row: Row, place: number): void {
    this.#take(name, row, place)
    this.#discards.count('sctp.fragment-lost')
  }

  #take (name: string, row: Row, place: number): void {
    const part = row.parts.get(place)!
    this.#budget.give(part.bytes.length)
    this.#waiting--
    row.parts.delete(place)
    if (row.parts.size === 0) this.#rows.delete(name)
  }
}

function isWhole (flags: number): boolean {
  return (flags & (CHUNK_FLAG.begin | CHUNK_FLAG.end)) === (CHUNK_FLAG.begin | CHUNK_FLAG.end)
}
