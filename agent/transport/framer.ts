import type { Discards } from '../lib/discards.ts'
import { addsUp, HEADER_BYTES, looksLikeHeader, messageLength } from './header.ts'

/** Takes one whole message. */
export type FramedSink = (bytes: Uint8Array, start: number, end: number) => void

/** Nothing was decided: more bytes are needed from here on. */
const UNDECIDED = -1

/**
 * Cuts a byte stream into messages by their lengths. After a hole, a bad header or a start in the middle it finds the next message by search:
 * a header that is confirmed by another right behind the message, or by the end of what is there.
 *
 * Invariant: `aligned` means that the next byte to be taken is believed to begin a message.
 */
export class Framer {
  aligned: boolean
  readonly #onMessage: FramedSink
  readonly #discards: Discards

  constructor (aligned: boolean, onMessage: FramedSink, discards: Discards) {
    this.aligned = aligned
    this.#onMessage = onMessage
    this.#discards = discards
  }

  /** Takes what can be taken of `bytes[start, end)` and gives where the rest begins: it must come again with more behind it. */
  take (bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end) {
      const wasAligned = this.aligned
      const next = wasAligned ? this.#aligned(bytes, at, end) : this.#search(bytes, at, end)
      if (next === at && this.aligned === wasAligned) break
      at = next
    }
    return at
  }

  /** Takes one message; gives `at` itself when it is not all there. */
  #aligned (bytes: Uint8Array, at: number, end: number): number {
    if (bytes[at] !== 1) return this.#lose(bytes, at, end)
    if (end - at < HEADER_BYTES) return at
    const length = messageLength(bytes, at)
    if (length === 0) return this.#lose(bytes, at, end)
    const next = at + length
    if (next > end) return at
    // A wrong length shows in what follows. If the AVPs add up all the same, it is the next message that is broken.
    if (next < end && !beginsWell(bytes, next, end) && !addsUp(bytes, at, next)) return this.#lose(bytes, at, end)
    this.#onMessage(bytes, at, next)
    return next
  }

  /** What is here is no message: from the next byte on one is searched. */
  #lose (bytes: Uint8Array, at: number, end: number): number {
    this.#discards.count('tcp.resync', bytes, at, end)
    this.aligned = false
    return at + 1
  }

  /** Finds the first message that is confirmed; failing that, gives the first place that may yet be one. */
  #search (bytes: Uint8Array, start: number, end: number): number {
    let undecided = UNDECIDED
    for (let at = start; at < end; at++) {
      if (bytes[at] !== 1) continue
      if (end - at < HEADER_BYTES) { if (undecided === UNDECIDED) undecided = at; break }
      if (!looksLikeHeader(bytes, at, end)) continue
      const next = at + messageLength(bytes, at)
      const confirmed = next <= end && addsUp(bytes, at, next) && (next === end || beginsWell(bytes, next, end))
      if (confirmed) {
        this.aligned = true
        return at
      }
      if (next > end && undecided === UNDECIDED) undecided = at
    }
    return undecided === UNDECIDED ? end : undecided
  }
}

/** Whether another message may begin here, by as much of it as is there. */
function beginsWell (bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== 1) return false
  return end - at < HEADER_BYTES || messageLength(bytes, at) !== 0
}
