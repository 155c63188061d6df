import { RecordReader, RecordWriter } from './record.ts'

/** Where one event log ends. */
export interface LogHead {
  /** Id of the newest event; 0 before the first. Ids grow by one without gaps. */
  id: number
  /** When the newest was committed, ms since 1970; never decreases within a log. */
  committedAt: number
}

const VERSION = 1

export function encodeHead ({ id, committedAt }: LogHead): Buffer {
  const writer = new RecordWriter(VERSION)
  writer.number(id)
  writer.number(committedAt)
  return writer.end()
}

/** Throws RecordDamaged. */
export function decodeHead (bytes: Uint8Array): LogHead {
  const reader = new RecordReader(bytes, VERSION, 'the head of an event log')
  const head = { id: reader.number(), committedAt: reader.number() }
  reader.end()
  return head
}
