import type { RootDatabase } from 'lmdb'

/** Runs `work` in one transaction of an environment; resolves once that is on disk. Rejects when the disk failed, with what it said. */
export async function commit (root: RootDatabase<Buffer, Buffer>, work: () => void): Promise<void> {
  try {
    await root.transaction(work)
  } catch (error) {
    throw new Error(`a commit failed: ${await reason(error)}`)
  }
}

/** What the disk said. LMDB rejects a second promise with it, which would end the thread if nobody heard it. */
async function reason (error: unknown): Promise<string> {
  const { message, commitError } = error as Error & { commitError?: Promise<never> }
  const told = commitError?.catch((cause: Error) => cause.message)
  // It is rejected in the same turn; one that is not shall not hold up the end.
  return await Promise.race([told ?? message, new Promise<string>(resolve => { setImmediate(() => { resolve(message) }) })])
}
