import type { Clock } from '../../agent/lib/clock.ts'

interface Alarm { at: number, callback: () => void }

/** A clock that moves only when told to; alarms ring in the order of their times. */
export class ManualClock implements Clock {
  #monotonic = 0
  #alarms: Alarm[] = []
  #start: number

  constructor (start = Date.UTC(2026, 0, 1)) {
    this.#start = start
  }

  now = (): number => this.#start + this.#monotonic
  monotonic = (): number => this.#monotonic

  after = (delayMs: number, callback: () => void): (() => void) => {
    const alarm = { at: this.#monotonic + Math.max(delayMs, 0), callback }
    this.#alarms.push(alarm)
    return () => { this.#alarms = this.#alarms.filter(other => other !== alarm) }
  }

  /** Moves the wall clock alone, as somebody who sets it does. */
  jump (ms: number): void {
    this.#start += ms
  }

  /** Moves time on, ringing what falls due on the way. */
  advance (ms: number): void {
    const end = this.#monotonic + ms
    for (;;) {
      const next = this.#alarms.filter(alarm => alarm.at <= end).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#alarms = this.#alarms.filter(alarm => alarm !== next)
      this.#monotonic = Math.max(this.#monotonic, next.at)
      next.callback()
    }
    this.#monotonic = end
  }
}
