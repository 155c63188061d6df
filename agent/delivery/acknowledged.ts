import type { IdRange } from '../store/queue-record.ts'

/**
 * A set of acknowledged ids: all up to a floor, and ranges beyond it.
 *
 * Invariant: ranges ascend, each begins at least two beyond the end of the one before it (or of the floor), so that what touches is merged.
 */
export class Acknowledged {
  #floor: number
  readonly #ranges: IdRange[]

  constructor (floor: number, ranges: readonly IdRange[]) {
    this.#floor = floor
    this.#ranges = ranges.map(range => ({ ...range }))
  }

  get floor (): number { return this.#floor }

  /** A copy of the ranges beyond the floor. */
  ranges (): IdRange[] {
    return this.#ranges.map(range => ({ ...range }))
  }

  has (id: number): boolean {
    if (id <= this.#floor) return true
    const range = this.#ranges[this.#after(id) - 1]
    return range !== undefined && id <= range.to
  }

  /** Adds an id; false when it was there. */
  add (id: number): boolean {
    return this.addRange(id, id) === 1
  }

  /** Adds all ids from `from` to `to`, both included; gives how many were not there. */
  addRange (from: number, to: number): number {
    from = Math.max(from, this.#floor + 1)
    if (to < from) return 0
    // Every range that overlaps or touches becomes one with it.
    let first = this.#after(from)
    if (first > 0 && this.#ranges[first - 1]!.to >= from - 1) first--
    let end = first
    let added = to - from + 1
    let merged: IdRange = { from, to }
    for (let range; (range = this.#ranges[end]) !== undefined && range.from <= to + 1; end++) {
      added -= Math.max(0, Math.min(range.to, to) - Math.max(range.from, from) + 1)
      merged = { from: Math.min(merged.from, range.from), to: Math.max(merged.to, range.to) }
    }
    if (merged.from === this.#floor + 1) {
      this.#floor = merged.to
      this.#ranges.splice(first, end - first)
    } else this.#ranges.splice(first, end - first, merged)
    return added
  }

  /** How many ids up to `to` are acknowledged. */
  count (to: number): number {
    let count = Math.min(this.#floor, to)
    for (const range of this.#ranges) count += Math.max(0, Math.min(range.to, to) - range.from + 1)
    return count
  }

  /** The first id from `id` on that is not acknowledged. */
  nextOpen (id: number): number {
    if (id <= this.#floor) id = this.#floor + 1
    const range = this.#ranges[this.#after(id) - 1]
    return range !== undefined && id <= range.to ? range.to + 1 : id
  }

  /** Index of the first range that begins after `id`. */
  #after (id: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ranges[middle]!.from <= id) low = middle + 1
      else high = middle
    }
    return low
  }
}
