import { accessSync, constants, existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { StoreDamaged, StoreInaccessible } from './damage.ts'
import { announceRun, openIdentity, stateFiles, type Identity } from './identity.ts'
import { inspect } from './inspection.ts'
import { lockDirectory } from './lock.ts'

/** A state directory that this process holds and may open for writing. */
export interface StateDirectory {
  identity: Identity
  /** How many records were read through and found to be sound; undefined where only the structure was looked at. */
  records: number | undefined
  /** Lets go of it. */
  unlock: () => void
}

/** Data up to this size are read through before they are opened: that takes less than a second. */
const SMALL_BYTES = 64 << 20

/**
 * Takes a state directory for writing: makes it where there is none, locks it, and inspects existing data before they are opened for
 * real, since a broken file would kill this process: every record where the data are small or the last process died of reading them, else
 * the structure. Call `sealIdentity` once both environments are open. Throws
 * StoreLocked, StoreDamaged, StoreInaccessible or the system's error; then nothing is held.
 */
export async function takeStateDirectory (directory: string, now: number): Promise<StateDirectory> {
  const unlock = lockStateDirectory(directory)
  try {
    const identity = openIdentity(directory, now)
    const records = await inspectBefore(directory)
    announceRun(directory, identity.run)
    return { identity, records, unlock }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Gives how many records were read through. Throws StoreDamaged. */
async function inspectBefore (directory: string): Promise<number | undefined> {
  const { networkData, clientsData, inspectFirst } = stateFiles(directory)
  if (!existsSync(networkData) || !existsSync(clientsData)) return undefined
  const all = existsSync(inspectFirst) || statSync(networkData).size + statSync(clientsData).size <= SMALL_BYTES
  const { records, problems } = await inspect(directory, all ? 'records' : 'structure')
  if (problems.length > 0) throw new StoreDamaged(problems.join('; '), directory)
  if (!all) return undefined
  rmSync(inspectFirst, { force: true })
  return records
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
