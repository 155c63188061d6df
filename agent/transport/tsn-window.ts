import { LIMITS } from './options.ts'

const SIZE = LIMITS.tsnWindow

/** The TSNs of one direction seen lately, to know a retransmission by (RFC 9260 clause 6.2). TSNs count modulo 2^32. */
export class TsnWindow {
  /** One bit for each TSN from `#highest` down. */
  readonly #seen = new Uint32Array(SIZE / 32)
  #highest: number | undefined

  get highest (): number | undefined { return this.#highest }

  /** Marks a TSN; false when it was there already, or is older than can be known. */
  add (tsn: number): boolean {
    if (this.#highest === undefined) {
      this.#highest = tsn
      this.#mark(tsn)
      return true
    }
    const ahead = tsn - this.#highest | 0
    if (ahead > 0) {
      if (ahead >= SIZE) this.#seen.fill(0)
      else for (let step = 1; step <= ahead; step++) this.#clear(this.#highest + step)
      this.#highest = tsn
    } else if (ahead <= -SIZE || this.#has(tsn)) return false
    this.#mark(tsn)
    return true
  }

  #has (tsn: number): boolean {
    const bit = tsn & SIZE - 1
    return (this.#seen[bit >>> 5]! & 1 << (bit & 31)) !== 0
  }

  #mark (tsn: number): void {
    const bit = tsn & SIZE - 1
    this.#seen[bit >>> 5]! |= 1 << (bit & 31)
  }

  #clear (tsn: number): void {
    const bit = tsn & SIZE - 1
    this.#seen[bit >>> 5]! &= ~(1 << (bit & 31))
  }
}
