/**
 * A priority queue that can also take out, or put in its new place, any item it holds; each in O(log n). An item is in it once.
 *
 * Invariant: no item stands before its parent, and `#places` says where each item stands.
 */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #places = new Map<T, number>()
  readonly #before: (a: T, b: T) => boolean

  /** `before`: whether `a` comes before `b`. */
  constructor (before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size (): number { return this.#items.length }

  /** The item that comes first. */
  peek (): T | undefined { return this.#items[0] }

  has (item: T): boolean { return this.#places.has(item) }

  /** Puts an item in, or, where it is in already and its order has changed, in its new place. */
  put (item: T): void {
    let place = this.#places.get(item)
    if (place === undefined) {
      place = this.#items.length
      this.#items.push(item)
      this.#places.set(item, place)
    }
    this.#down(this.#up(place))
  }

  remove (item: T): void {
    const place = this.#places.get(item)
    if (place === undefined) return
    this.#places.delete(item)
    const last = this.#items.pop()!
    if (place === this.#items.length) return
    this.#set(place, last)
    this.#down(this.#up(place))
  }

  #up (place: number): number {
    const item = this.#items[place]!
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#before(item, this.#items[parent]!)) break
      this.#set(place, this.#items[parent]!)
      place = parent
    }
    this.#set(place, item)
    return place
  }

  #down (place: number): void {
    const item = this.#items[place]!
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#items.length) break
      if (child + 1 < this.#items.length && this.#before(this.#items[child + 1]!, this.#items[child]!)) child++
      if (!this.#before(this.#items[child]!, item)) break
      this.#set(place, this.#items[child]!)
      place = child
    }
    this.#set(place, item)
  }

  #set (place: number, item: T): void {
    this.#items[place] = item
    this.#places.set(item, place)
  }
}
