import type { Discards } from '../lib/discards.ts'
import type { Budget } from './budget.ts'
import { Framer, type FramedSink } from './framer.ts'
import { LIMITS } from './options.ts'

interface Segment { sequence: number, bytes: Uint8Array, arrived: number }

/** First bytes of a TLS record that begins a connection: handshake, version 3.x (RFC 8446 clause 5.1). */
const TLS_HANDSHAKE = 0x16
const TLS_MAJOR = 3

/**
 * One direction of a TCP connection, as a passive reader sees it: segments in any order, some twice, some never.
 *
 * Invariant: all bytes before `#next` were handed to the framer (or lie in `#tail`), and every waiting segment begins beyond `#next`.
 */
export class TcpStream {
  readonly #framer: Framer
  readonly #onMessage: FramedSink
  readonly #discards: Discards
  readonly #budget: Budget
  /** Sequence number of the next byte; undefined before the first segment. */
  #next: number | undefined
  /** Where reading began in the middle of a connection: what comes from before it was not seen yet. Undefined after a SYN. */
  #origin: number | undefined
  /** Bytes of a message that is not all there. */
  #tail = new Uint8Array(0)
  #tailLength = 0
  /** Beyond a hole, in the order of their sequence numbers. */
  #waiting: Segment[] = []
  #waitingBytes = 0
  #encrypted = false

  constructor (onMessage: FramedSink, discards: Discards, budget: Budget) {
    this.#framer = new Framer(false, onMessage, discards)
    this.#onMessage = onMessage
    this.#discards = discards
    this.#budget = budget
  }

  /** A connection begins: its first byte has the number after the SYN's, and begins a message. */
  synchronize (sequence: number): void {
    const next = sequence + 1 >>> 0
    if (this.#next === next) return
    this.reset()
    this.#next = next
    this.#framer.aligned = true
  }

  /** Forgets everything. */
  reset (): void {
    this.#skipHoles()
    this.#dropTail()
    this.#next = this.#origin = undefined
    this.#encrypted = false
    this.#framer.aligned = false
  }

  /** Takes the segment `bytes[start, end)`. */
  segment (sequence: number, bytes: Uint8Array, start: number, end: number, now: number): void {
    if (end <= start || this.#encrypted) return
    if (this.#next === undefined) this.#next = this.#origin = sequence
    const ahead = sequence - this.#next | 0
    if (Math.abs(ahead) > LIMITS.sequenceJumpBytes) {
      this.#discards.count('tcp.sequence-jump')
      this.reset()
      this.#next = this.#origin = sequence
      this.#append(bytes, start, end)
    } else if (ahead > 0) this.#hold(sequence, bytes, start, end, now)
    else {
      if (this.#origin !== undefined && (sequence - this.#origin | 0) < 0) this.#early(sequence, bytes, start, end)
      if (start - ahead >= end) return
      this.#append(bytes, start - ahead, end)
      this.#drain()
    }
  }

  /** The first segments of a capture may come out of order: the whole messages in one from before the first are taken. */
  #early (sequence: number, bytes: Uint8Array, start: number, end: number): void {
    const before = this.#origin! - sequence | 0
    this.#origin = sequence
    new Framer(false, this.#onMessage, this.#discards).take(bytes, start, Math.min(end, start + before))
  }

  /** Gives up on holes that have been open for too long; with Infinity, on all. */
  sweep (now: number): void {
    while (this.#waiting.length > 0 && now - this.#oldest() > LIMITS.holeAgeMs) this.#skipHole()
  }

  /** Takes bytes that follow what was taken: through the framer at once, or behind the part of a message that waits. */
  #append (bytes: Uint8Array, start: number, end: number): void {
    this.#next = this.#next! + end - start >>> 0
    if (this.#tailLength === 0) {
      if (this.#framer.aligned && end - start >= 2 && isTls(bytes, start)) return this.#encrypt()
      this.#keep(bytes, this.#framer.take(bytes, start, end), end)
      return
    }
    this.#grow(end - start)
    this.#tail.set(bytes.subarray(start, end), this.#tailLength)
    this.#tailLength += end - start
    const taken = this.#framer.take(this.#tail, 0, this.#tailLength)
    if (taken === 0) return
    this.#tail.copyWithin(0, taken, this.#tailLength)
    this.#tailLength -= taken
    if (this.#tailLength === 0) this.#dropTail()
  }

  /** Keeps the rest of a segment: the beginning of a message. */
  #keep (bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return
    this.#grow(end - start)
    this.#tail.set(bytes.subarray(start, end))
    this.#tailLength = end - start
  }

  /** Makes room for so many more bytes. A message has a largest size, so the tail has one too. */
  #grow (more: number): void {
    const needed = this.#tailLength + more
    if (needed <= this.#tail.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#tail.length, 2_048))
    larger.set(this.#tail.subarray(0, this.#tailLength))
    this.#tail = larger
  }

  #dropTail (): void {
    this.#tail = new Uint8Array(0)
    this.#tailLength = 0
  }

  #encrypt (): void {
    this.#discards.count('tcp.encrypted')
    this.#encrypted = true
  }

  /** Keeps a segment that is beyond a hole. */
  #hold (sequence: number, bytes: Uint8Array, start: number, end: number, now: number): void {
    const length = end - start
    let place = this.#waiting.length
    while (place > 0 && (this.#waiting[place - 1]!.sequence - sequence | 0) > 0) place--
    const before = this.#waiting[place - 1]
    if (before !== undefined && (before.sequence + before.bytes.length - sequence | 0) >= length) return
    if (this.#waiting.length > 0 &&
      (this.#waiting.length >= LIMITS.segmentsWaiting || this.#waitingBytes + length > LIMITS.segmentBytesWaiting)) {
      this.#skipHole()
      return this.segment(sequence, bytes, start, end, now)
    }
    if (!this.#budget.take(length)) return this.#discards.count('tcp.buffer-full')
    this.#waiting.splice(place, 0, { sequence, bytes: bytes.slice(start, end), arrived: now })
    this.#waitingBytes += length
  }

  /** Takes what waited and is next now. */
  #drain (): void {
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0]!
      const ahead = first.sequence - this.#next! | 0
      if (ahead > 0) return
      this.#waiting.shift()
      this.#waitingBytes -= first.bytes.length
      this.#budget.give(first.bytes.length)
      if (-ahead < first.bytes.length) this.#append(first.bytes, -ahead, first.bytes.length)
    }
  }

  /** Passes over the bytes that never came: the message they belonged to is lost, the next one is searched. */
  #skipHole (): void {
    this.#discards.count('tcp.segment-lost')
    this.#dropTail()
    this.#framer.aligned = false
    this.#next = this.#waiting[0]!.sequence
    this.#drain()
  }

  #skipHoles (): void {
    while (this.#waiting.length > 0) this.#skipHole()
  }

  #oldest (): number {
    let oldest = Infinity
    for (const { arrived } of this.#waiting) oldest = Math.min(oldest, arrived)
    return oldest
  }
}

function isTls (bytes: Uint8Array, at: number): boolean {
  return bytes[at] === TLS_HANDSHAKE && bytes[at + 1] === TLS_MAJOR
}
