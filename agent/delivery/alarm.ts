import type { Clock } from '../lib/clock.ts'
import { Heap } from '../lib/heap.ts'

/** Wakes many sleepers, each at its own time, with one timer: no more of them are looked at than are due. */
export class Alarm<T> {
  readonly #clock: Clock
  readonly #wake: (sleeper: T) => void
  readonly #times = new Map<T, number>()
  readonly #sleepers = new Heap<T>((a, b) => this.#times.get(a)! < this.#times.get(b)!)
  #timer: { at: number, cancel: () => void } | undefined

  /** `wake` is called once for each `set`, and may set the same sleeper again. */
  constructor (clock: Clock, wake: (sleeper: T) => void) {
    this.#clock = clock
    this.#wake = wake
  }

  /** Wakes a sleeper at `at` (monotonic ms), and no longer when it was set to before; Infinity is never. */
  set (sleeper: T, at: number): void {
    if (at === Infinity) {
      this.#sleepers.remove(sleeper)
      this.#times.delete(sleeper)
      return
    }
    this.#times.set(sleeper, at)
    this.#sleepers.put(sleeper)
    this.#wind()
  }

  /** Wakes nobody any more until the next `set`. */
  stop (): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #wind (): void {
    const first = this.#sleepers.peek()
    if (first === undefined) return
    const at = this.#times.get(first)!
    // A timer that rings too early does no harm, and most deadlines are put off before they come.
    if (this.#timer !== undefined && this.#timer.at <= at) return
    this.#timer?.cancel()
    this.#timer = { at, cancel: this.#clock.after(at - this.#clock.monotonic(), () => { this.#ring() }) }
  }

  #ring (): void {
    this.#timer = undefined
    const now = this.#clock.monotonic()
    for (let first; (first = this.#sleepers.peek()) !== undefined && this.#times.get(first)! <= now;) {
      this.set(first, Infinity)
      this.#wake(first)
    }
    this.#wind()
  }
}
