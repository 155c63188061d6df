import type { Clock } from '../../lib/clock.ts'
import type { ReadMessage } from './message.ts'

/** What became of a request. */
export type Exchange =
  /** It was answered, whatever the result. */
  | { kind: 'answered', answer: ReadMessage }
  /** No answer came in time. */
  | { kind: 'timeout' }
  /** The connection ended before an answer came. */
  | { kind: 'lost' }
  /** It was not written. */
  | { kind: 'unsent' }

/** The requests of one connection that wait for their answers, by Hop-by-Hop. How many there may be is for the one who sends them. */
export class Pending {
  readonly #clock: Clock
  readonly #waiting = new Map<number, { command: number, settle: (exchange: Exchange) => void }>()
  #drained: (() => void)[] = []

  constructor (clock: Clock) {
    this.#clock = clock
  }

  get size (): number { return this.#waiting.size }

  /** Waits for the answer to a request that is being sent. */
  async add (hopByHop: number, command: number, timeoutMs: number): Promise<Exchange> {
    return await new Promise(resolve => {
      const cancel = this.#clock.after(timeoutMs, () => { settle({ kind: 'timeout' }) })
      const settle = (exchange: Exchange): void => {
        cancel()
        this.#waiting.delete(hopByHop)
        resolve(exchange)
        if (this.#waiting.size === 0) for (const drained of this.#drained.splice(0)) drained()
      }
      this.#waiting.set(hopByHop, { command, settle })
    })
  }

  /** Takes an answer; false when nothing waits for it. */
  answer (answer: ReadMessage): boolean {
    const waiting = this.#waiting.get(answer.hopByHop)
    if (waiting?.command !== answer.command) return false
    waiting.settle({ kind: 'answered', answer })
    return true
  }

  /** The connection ended. */
  lose (): void {
    for (const { settle } of [...this.#waiting.values()]) settle({ kind: 'lost' })
  }

  /** Resolves once nothing waits. */
  async drained (): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>(resolve => { this.#drained.push(resolve) })
  }
}
