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
    if (this.has(id)) return false
    const place = this.#after(id)
    const before = this.#ranges[place - 1]
    const after = this.#ranges[place]
    const touchesBefore = before !== undefined && before.to === id - 1
    const touchesAfter = after !== undefined && after.from === id + 1
    if (touchesBefore && touchesAfter) {
      before.to = after.to
      this.#ranges.splice(place, 1)
    } else if (touchesBefore) before.to = id
    else if (touchesAfter) after.from = id
    else this.#ranges.splice(place, 0, { from: id, to: id })
    const first = this.#ranges[0]
    if (first !== undefined && first.from === this.#floor + 1) {
      this.#floor = first.to
      this.#ranges.shift()
    }
    return true
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
