import type { Clock } from '../../lib/clock.ts'
import { COMMAND, responseTo } from './codes.ts'
import type { Pdu } from './pdu.ts'

/** What became of a request: its response (or the generic_nack in its place), or why there is none. */
export type Answer = { status: number, body: Uint8Array } | { lost: Loss }

/** Why a request has no answer although it was written. */
export type Loss = 'smpp.no-answer' | 'smpp.connection-lost' | 'smpp.unbound'

/** Highest sequence number; 1 comes after it (SMPP 3.4 clause 3.2). */
export const MAX_SEQUENCE = 0x7fffffff

interface Pending { command: number, settle: (answer: Answer) => void, cancelTimer: () => void }

/** Requests that wait for their answers, by sequence number. Each is settled once: by its answer, by its time, or by the end of all. */
export class Requests {
  readonly #clock: Clock
  readonly #answerMs: number
  readonly #pending = new Map<number, Pending>()
  #sequence: number

  /** `lastSequence`: the number before the first one that is given. */
  constructor (clock: Clock, answerMs: number, lastSequence = 0) {
    this.#clock = clock
    this.#answerMs = answerMs
    this.#sequence = lastSequence
  }

  get size (): number {
    return this.#pending.size
  }

  /** Gives a request its number. `settle` is called once and not before this returns. */
  add (command: number, settle: (answer: Answer) => void): number {
    // There are far fewer requests than numbers, so this ends.
    do this.#sequence = this.#sequence >= MAX_SEQUENCE ? 1 : this.#sequence + 1
    while (this.#pending.has(this.#sequence))
    const sequence = this.#sequence
    const cancelTimer = this.#clock.after(this.#answerMs, () => { this.#settle(sequence, { lost: 'smpp.no-answer' }) })
    this.#pending.set(sequence, { command, settle, cancelTimer })
    return sequence
  }

  /** Whether a PDU is the answer to a request that waits: its response, or a generic_nack with its number. */
  answer ({ command, status, sequence, body }: Pdu): boolean {
    const pending = this.#pending.get(sequence)
    if (pending === undefined || (command !== responseTo(pending.command) && command !== COMMAND.genericNack)) return false
    // A generic_nack refuses, even one that says 0.
    this.#settle(sequence, { status: command === COMMAND.genericNack && status === 0 ? UNKNOWN_ERROR : status, body })
    return true
  }

  /** Settles all that wait. */
  end (lost: Loss): void {
    for (const sequence of [...this.#pending.keys()]) this.#settle(sequence, { lost })
  }

  #settle (sequence: number, answer: Answer): void {
    const pending = this.#pending.get(sequence)
    if (pending === undefined) return
    this.#pending.delete(sequence)
    pending.cancelTimer()
    pending.settle(answer)
  }
}

/** ESME_RUNKNOWNERR. */
const UNKNOWN_ERROR = 0xff
