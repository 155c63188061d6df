import { open, type Database, type RootDatabase } from 'lmdb'

/** A table of raw keys and values. */
export type Table = Database<Buffer, Buffer>

/** Readers of one environment: the two halves, a scan, and slots left behind by processes that died. */
const MAX_READERS = 126

/** Tables of one environment, with room for those of later versions. */
const MAX_TABLES = 32

/**
 * Opens one LMDB environment the way Landfall relies on: a commit is visible only once it is on disk (no overlapping sync), commits are
 * explicit (no turn batching: its failures reject a promise that nobody holds), pages are cleared before they are written so that
 * no memory of ours reaches the file, and the file is never written through the map (a full disk would be a SIGBUS).
 */
export function openEnvironment (path: string, readOnly: boolean): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path,
    readOnly,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
    noMemInit: false,
    useWritemap: false,
    compression: false,
    maxReaders: MAX_READERS,
    maxDbs: MAX_TABLES
  })
}

/** Opens a table, making it if the environment is writable. Throws when it is not there and cannot be made. */
export function openTable (root: RootDatabase<Buffer, Buffer>, name: string): Table {
  const table = root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' }) as Table | undefined
  if (table === undefined) throw new Error(`table "${name}" is missing`)
  return table
}
