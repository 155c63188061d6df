import { StoreDamaged } from './damage.ts'
import type { Table } from './environment.ts'

/** Whose data an environment holds, and who wrote it last. Both environments and the identity file say the same. */
export interface Belonging {
  /** The data's own mark, made once; 16 hexadecimal digits. */
  incarnation: string
  /** The mark of the process that writes, made at each start; 16 hexadecimal digits. Two backups of one data set differ in it. */
  run: string
}

const INCARNATION = Buffer.from('incarnation')
const RUN = Buffer.from('run')

/** Marks an environment that was opened for writing; a new one takes the incarnation, an old one must carry it. Throws StoreDamaged. */
export function claim (meta: Table, { incarnation, run }: Belonging, path: string): void {
  if (meta.get(INCARNATION) === undefined) void meta.putSync(INCARNATION, Buffer.from(incarnation))
  demandOurs(meta, incarnation, path)
  void meta.putSync(RUN, Buffer.from(run))
}

/** Throws StoreDamaged when an environment belongs to other data. */
export function demandOurs (meta: Table, incarnation: string, path: string): void {
  if (meta.get(INCARNATION)?.toString() === incarnation) return
  throw new StoreDamaged('the data belong to another identity file (a mix of two backups?)', path)
}

/** The run that wrote an environment last; undefined in data of a version that did not say so. */
export function lastRun (meta: Table): string | undefined {
  return meta.get(RUN)?.toString()
}
