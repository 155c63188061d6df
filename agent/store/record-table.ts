import type { RangeOptions } from 'lmdb'
import { crc32c } from '../lib/crc32c.ts'
import type { Table } from './environment.ts'
import { CHECKSUM_BYTES } from './record.ts'

/** A key and its record. */
export interface Entry { key: Buffer, value: Buffer }

/**
 * A table of records. On disk the checksum of each is mixed with that of its key, so that a record that stands under a wrong key does
 * not pass for that key's.
 */
export class RecordTable {
  readonly #table: Table

  constructor (table: Table) {
    this.#table = table
  }

  get (key: Buffer): Buffer | undefined {
    const value = this.#table.get(key)
    return value === undefined ? undefined : mix(key, value)
  }

  /** Takes the record over: its bytes are not the caller's any more. */
  put (key: Buffer, record: Buffer): void {
    void this.#table.put(key, mix(key, record))
  }

  remove (key: Buffer): void {
    void this.#table.remove(key)
  }

  getRange (range: RangeOptions = {}): Iterable<Entry> {
    return this.#table.getRange(range).map(({ key, value }) => ({ key, value: mix(key, value) }))
  }

  /** How many records it has. */
  get count (): number { return this.#stats['entryCount']! }

  /** Bytes that the table takes in the file. */
  get size (): number {
    const { treeBranchPageCount, treeLeafPageCount, overflowPages, pageSize } = this.#stats
    return (treeBranchPageCount! + treeLeafPageCount! + overflowPages!) * pageSize!
  }

  get #stats (): Record<string, number> { return this.#table.getStats() as Record<string, number> }
}

/** Mixes the key's checksum into the record's, or takes it out again. */
function mix (key: Buffer, record: Buffer): Buffer {
  const at = record.length - CHECKSUM_BYTES
  if (at >= 0) record.writeUInt32BE((record.readUInt32BE(at) ^ crc32c(key)) >>> 0, at)
  return record
}
