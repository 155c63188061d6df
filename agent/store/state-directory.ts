import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { StoreDamaged, StoreInaccessible } from './damage.ts'
import { announceRun, openIdentity, stateFiles, type Identity } from './identity.ts'
import { inspect } from './inspection.ts'
import { lockDirectory } from './lock.ts'

/** A state directory that this process holds and may open for writing. */
export interface StateDirectory {
  identity: Identity
  /** Lets go of it. */
  unlock: () => void
}

/**
 * Takes a state directory for writing: makes it where there is none, locks it, and looks at the structure of existing data before they
 * are opened for real, since a broken file would kill this process. Call `sealIdentity` once both environments are open. Throws
 * StoreLocked, StoreDamaged, StoreInaccessible or the system's error; then nothing is held.
 */
export async function takeStateDirectory (directory: string, now: number): Promise<StateDirectory> {
  const unlock = lockStateDirectory(directory)
  try {
    const identity = openIdentity(directory, now)
    const files = stateFiles(directory)
    if (existsSync(files.networkData) && existsSync(files.clientsData)) {
      const { problems } = await inspect(directory, 'structure')
      if (problems.length > 0) throw new StoreDamaged(problems.join('; '), directory)
    }
    announceRun(directory, identity.run)
    return { identity, unlock }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Locks a state directory, making it where there is none. Returns what gives it back. Throws StoreLocked, StoreInaccessible. */
export function lockStateDirectory (directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  demandAccess(directory)
  return lockDirectory(directory)
}

/**
 * Throws StoreInaccessible where this user may not read and write everything, or where it belongs to somebody else: a file that root
 * makes beside another user's data would keep that user out.
 */
function demandAccess (directory: string): void {
  const user = process.geteuid!()
  for (const path of [directory, ...Object.values(stateFiles(directory))]) {
    if (!existsSync(path)) continue
    const { uid } = statSync(path)
    if (uid !== user) {
      throw new StoreInaccessible(`${path} belongs to user ${uid}, and this is user ${user}: ` +
        `run landfall as user ${uid}, or give the whole directory to user ${user} (chown -R ${user} ${directory})`)
    }
    try {
      accessSync(path, constants.R_OK | constants.W_OK)
    } catch (error) {
      throw new StoreInaccessible(`${path} cannot be written by user ${user} (${(error as NodeJS.ErrnoException).code}): ` +
        'mount its file system for writing, or give its owner the permission (chmod u+rw)')
    }
  }
}
