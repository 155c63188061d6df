import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { StoreLocked } from './damage.ts'

/** Exit code of flock(1) when the lock is taken. */
const TAKEN = 1

/**
 * Takes the state directory for this process. LMDB itself does not refuse a second writer. The lock belongs to the open file
 * description that the child inherits and shares with us, so it outlives the child and ends with this process, however that ends.
 * Throws StoreLocked when it is taken. Returns what gives it back.
 */
export function lockDirectory (directory: string): () => void {
  const descriptor = openSync(join(directory, 'lock'), 'a', 0o600)
  const { status, error } = spawnSync('flock', ['--nonblock', '--exclusive', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] })
  if (status === 0) return () => closeSync(descriptor)
  closeSync(descriptor)
  if (error !== undefined) throw new Error(`cannot lock ${directory}: flock (util-linux) does not run: ${error.message}`)
  if (status === TAKEN) throw new StoreLocked(directory)
  throw new Error(`cannot lock ${directory}: flock ended with ${status}`)
}
