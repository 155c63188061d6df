import { FUTURE_LIMIT_MS, REORDER_WINDOW_MS, type TrackerPolicy } from './policy.ts'

/** Largest time that is kept, ms since 1970 (the year 10889): six bytes of a key. A stamp beyond it is damage. */
const MAX_TIME = 2 ** 48 - 1

/** Whether a number is a time that can be kept. */
export function isTime (time: number): boolean {
  return Number.isInteger(time) && time >= 0 && time <= MAX_TIME
}

/** When a sighting happened, seen against the facts that it would change. */
export class Order {
  /** The sighting's time, ms since 1970. */
  readonly time: number
  readonly #live: boolean
  #stepped = false

  /** `arrival`: the box's own time when the sighting arrived, where it is known. */
  constructor (time: number, mode: TrackerPolicy['mode'], arrival?: number) {
    this.#live = mode === 'live'
    this.time = this.#live && arrival !== undefined && time > arrival + FUTURE_LIMIT_MS ? arrival : time
  }

  /** Whether a fact was found further ahead than answers can overtake each other: the clock was set back. */
  get stepped (): boolean { return this.#stepped }

  /** Whether the sighting may change a fact of this time: it is not older, or only a clock that was set back makes it look older. */
  admits (factTime: number): boolean {
    return this.time >= factTime || this.#ahead(factTime)
  }

  /** Whether a fact's time can only come from before the clock was set back. */
  #ahead (factTime: number): boolean {
    if (!this.#live || factTime - this.time <= REORDER_WINDOW_MS) return false
    this.#stepped = true
    return true
  }
}
