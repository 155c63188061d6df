import { LIMITS } from './options.ts'

const SIZE = LIMITS.tsnWindow
const SIGNED_BYTES = 64

/**
 * The TSNs of one direction seen lately, to know a retransmission by (RFC 9260 clause 6.2): the same TSN with the same data. The same TSN with
 * other data is another association that came by the same tag, in another capture as a rule, and so is one from far behind.
 */
export class TsnWindow {
  /** Signature of the chunk with a TSN, by the TSN's lowest bits; 0 where none was seen. */
  readonly #seen = new Uint32Array(SIZE)
  #highest: number | undefined

  get highest (): number | undefined { return this.#highest }

  /** Marks a TSN with its data in `bytes[start, end)`; false when it is a retransmission. */
  add (tsn: number, bytes: Uint8Array, start: number, end: number): boolean {
    const signature = sign(bytes, start, end)
    const ahead = this.#highest === undefined ? SIZE : tsn - this.#highest | 0
    if (ahead >= SIZE || ahead <= -SIZE) this.#begin(tsn)
    else if (ahead > 0) {
      for (let step = 1; step <= ahead; step++) this.#seen[this.#highest! + step & SIZE - 1] = 0
      this.#highest = tsn
    } else {
      const before = this.#seen[tsn & SIZE - 1]!
      if (before === signature) return false
      if (before !== 0) this.#begin(tsn)
    }
    this.#seen[tsn & SIZE - 1] = signature
    return true
  }

  #begin (tsn: number): void {
    this.#seen.fill(0)
    this.#highest = tsn
  }
}

/** FNV-1a over the length and the first bytes, where the identifiers of a message are; never 0. */
function sign (bytes: Uint8Array, start: number, end: number): number {
  let hash = Math.imul(0x811c9dc5 ^ (end - start), 0x01000193)
  for (let at = start; at < Math.min(end, start + SIGNED_BYTES); at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return (hash ^ hash >>> 15) >>> 0 || 1
}
