import type { Clock } from '../lib/clock.ts'

/** Time in which refusals are counted together: whoever knocks a thousand times does not fill the log. */
const TOGETHER_MS = 60_000

/** Counts connections that were refused, by reason, and tells the first at once and the others once a minute. */
export class Refusals {
  readonly #clock: Clock
  readonly #tell: (counts: Record<string, number>) => void
  #counts: Record<string, number> = {}
  #cancel: (() => void) | undefined

  constructor (clock: Clock, tell: (counts: Record<string, number>) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** Counts one; reasons are few and fixed. */
  add (reason: string): void {
    this.#counts[reason] = (this.#counts[reason] ?? 0) + 1
    if (this.#cancel === undefined) this.#flush()
  }

  /** Tells what is left, and waits for nothing more. */
  stop (): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (Object.keys(this.#counts).length > 0) this.#tell(this.#counts)
    this.#counts = {}
  }

  #flush (): void {
    this.#cancel = undefined
    if (Object.keys(this.#counts).length === 0) return
    this.#tell(this.#counts)
    this.#counts = {}
    this.#cancel = this.#clock.after(TOGETHER_MS, () => { this.#flush() })
  }
}
