import type { Link, LinkListener, Outcome, Submission } from '../../agent/sms/link.ts'

/** One submission that waits for the test to say what becomes of it. */
export interface Pending {
  submission: Submission
  settle: (outcome: Outcome) => void
}

/** A way into a network that the test plays: it takes submissions, and the test settles each. */
export class Way implements Link {
  readonly name: string
  readonly window: number
  up = true
  readonly pending: Pending[] = []
  /** Everything that was ever submitted, in order. */
  readonly seen: Submission[] = []
  /** Settles at once; undefined: the test does. */
  script: ((submission: Submission) => Outcome) | undefined
  listener: LinkListener | undefined
  #wake: () => void = () => {}

  constructor (name = 'smpp', window = 10) {
    this.name = name
    this.window = window
  }

  get room (): number { return this.up ? this.window - this.pending.length : 0 }

  get trouble (): string | undefined { return this.up ? undefined : 'down' }

  start (listener: LinkListener): void {
    this.listener = listener
  }

  async stop (): Promise<void> {
    this.up = false
    for (const { settle } of this.pending.splice(0)) settle({ kind: 'unknown', cause: 'stopped' })
  }

  async submit (submission: Submission): Promise<Outcome> {
    this.seen.push(submission)
    if (!this.up) return { kind: 'unsent', cause: 'down' }
    if (this.script !== undefined) return this.script(submission)
    return await new Promise(resolve => {
      const one: Pending = {
        submission,
        settle: outcome => {
          const at = this.pending.indexOf(one)
          if (at >= 0) this.pending.splice(at, 1)
          resolve(outcome)
        }
      }
      this.pending.push(one)
      this.#wake()
    })
  }

  /** The oldest submission that waits, once there is one. */
  async next (): Promise<Pending> {
    while (this.pending.length === 0) await new Promise<void>(resolve => { this.#wake = resolve })
    return this.pending[0]!
  }

  /** Goes down, or comes up. */
  turn (up: boolean): void {
    this.up = up
    if (!up) for (const { settle } of this.pending.splice(0)) settle({ kind: 'unknown', cause: 'lost' })
    else this.listener?.ready()
  }
}
