import type { Clock } from '../lib/clock.ts'
import type { Frame, FrameSink } from './frame.ts'

/** Longest single wait, so that a gap of days in a capture, or a stamp gone wild, does not stop a replay for good. */
const MAX_WAIT_MS = 60_000

/**
 * Hands frames on at the pace at which they were captured, times a speed. Frames that come in one chunk are kept until their time has
 * come, so memory is bounded by the chunk.
 */
export class Pacer {
  readonly #clock: Clock
  readonly #speed: number
  readonly #onFrame: FrameSink
  #waiting: Frame[] = []
  #last: { captured: number, played: number } | undefined

  /** `speed`: 1 is real time, 10 ten times as fast; it must be above 0. */
  constructor (clock: Clock, speed: number, onFrame: FrameSink) {
    this.#clock = clock
    this.#speed = speed
    this.#onFrame = onFrame
  }

  /** Takes a frame; its bytes are copied. */
  frame = (frame: Frame): void => {
    this.#waiting.push({ ...frame, data: frame.data.slice() })
  }

  /** Plays what was taken, resolving when the last frame was handed on. */
  async play (): Promise<void> {
    const frames = this.#waiting
    this.#waiting = []
    for (const frame of frames) {
      const captured = frame.seconds * 1000 + frame.nanoseconds / 1e6
      await this.#waitFor(captured)
      this.#onFrame(frame)
    }
  }

  async #waitFor (captured: number): Promise<void> {
    const last = this.#last
    if (last !== undefined) {
      const due = last.played + Math.min((captured - last.captured) / this.#speed, MAX_WAIT_MS)
      const wait = due - this.#clock.monotonic()
      if (wait >= 1) await new Promise<void>(resolve => { this.#clock.after(wait, resolve) })
    }
    this.#last = { captured, played: this.#clock.monotonic() }
  }
}
