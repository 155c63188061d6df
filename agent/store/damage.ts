import { RecordDamaged } from './record-damaged.ts'

/** The data in the state directory cannot be used as it is. The message says what is wrong and how to go on; it never holds personal data. */
export class StoreDamaged extends Error {
  constructor (what: string, directory: string) {
    super(`${what} in ${directory}. Nothing was changed. Restore the state directory from a backup, or move it away to start empty ` +
      '(every SIM would then be told as a first attachment: import the subscribers first)')
    this.name = 'StoreDamaged'
  }
}

/** An error of the store as its owner should see it: a damaged record means that the data cannot be used as they are. */
export function asDamage (error: unknown, directory: string): Error {
  if (error instanceof Error) return error.name === RecordDamaged.name ? new StoreDamaged(error.message, directory) : error
  return new Error(String(error))
}

/** What LMDB says of a file whose tree of free pages is broken; nobody can read that tree before it is needed for writing. */
const BROKEN_FILE = /^MDB_(BAD_TXN|CORRUPTED|CURSOR_FULL|INVALID|PAGE_NOTFOUND|PROBLEM)/

/** The same for an error that came while the data were opened, before anything else could go wrong. */
export function asDamageAtStart (error: unknown, directory: string): Error {
  const found = asDamage(error, directory)
  return BROKEN_FILE.test(found.message) ? new StoreDamaged(`the database file is broken (${found.message})`, directory) : found
}

/** Another process holds the state directory. */
export class StoreLocked extends Error {
  constructor (directory: string) {
    super(`another landfall uses ${directory}: stop it first, or give this one a state_directory of its own`)
    this.name = 'StoreLocked'
  }
}

/** The state directory cannot be read and written by this user. The message says what to do. */
export class StoreInaccessible extends Error {}
