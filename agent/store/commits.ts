import type { RootDatabase } from 'lmdb'

/**
 * The commits of one environment. They can be halted: a process must not exit in the midst of one. The exit waits for LMDB's writing thread,
 * which waits for a transaction's callback that does not run any more, and what that had written so far may be committed without the rest.
 */
export class Commits {
  readonly #root: RootDatabase<Buffer, Buffer>
  #underWay = 0
  #halted = false
  #quiet: () => void = () => {}

  constructor (root: RootDatabase<Buffer, Buffer>) {
    this.#root = root
  }

  /** Runs `work` in one transaction; resolves once that is on disk. Rejects when the disk failed; after `halt`, waits for ever. */
  async run (work: () => void): Promise<void> {
    if (this.#halted) await new Promise<never>(() => {})
    this.#underWay++
    try {
      await this.#root.transaction(work)
    } catch (error) {
      throw new Error(`a commit failed: ${await reason(error)}`)
    } finally {
      if (--this.#underWay === 0) this.#quiet()
    }
  }

  /** Lets no new one begin; resolves when what is under way has ended, well or not. */
  async halt (): Promise<void> {
    this.#halted = true
    if (this.#underWay > 0) await new Promise<void>(resolve => { this.#quiet = resolve })
  }
}

/** What the disk said. LMDB rejects a second promise with it, which would end the thread if nobody heard it. */
async function reason (error: unknown): Promise<string> {
  const { message, commitError } = error as Error & { commitError?: Promise<never> }
  const told = commitError?.catch((cause: Error) => cause.message)
  // It is rejected in the same turn; one that is not shall not hold up the end.
  return await Promise.race([told ?? message, new Promise<string>(resolve => { setImmediate(() => { resolve(message) }) })])
}
