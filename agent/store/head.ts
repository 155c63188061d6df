import { RecordReader, RecordWriter } from './record.ts'

/** Where one event log begins and ends. */
export interface LogHead {
  /** Id of the newest event; 0 before the first. Ids grow by one without gaps. */
  id: number
  /** When the newest was committed, ms since 1970; never decreases within a log. */
  committedAt: number
  /** Id of the oldest event that retention has left; the newest's id plus one when there is none. */
  oldest: number
  /** When the newest event that retention has taken was committed, ms since 1970; 0 when it has taken none. */
  takenAt: number
}

const VERSION = 1

export function encodeHead ({ id, committedAt, oldest, takenAt }: LogHead): Buffer {
  const writer = new RecordWriter(VERSION)
  writer.number(id)
  writer.number(committedAt)
  writer.number(oldest)
  writer.number(takenAt)
  return writer.end()
}

/** Throws RecordDamaged. */
export function decodeHead (bytes: Uint8Array): LogHead {
  const reader = new RecordReader(bytes, VERSION, 'the head of an event log')
  const head = { id: reader.number(), committedAt: reader.number(), oldest: reader.number(), takenAt: reader.number() }
  reader.end()
  return head
}
