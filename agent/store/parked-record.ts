import { decodeEvent, encodeEvent, type ReadEvent } from './event-record.ts'
import { RecordReader, RecordWriter } from './record.ts'

/** An event that a queue has put aside after too many deliveries: a copy, so that retention does not take it. */
export interface ParkedEvent {
  id: number
  /** How often it was sent, and when first (ms since 1970). */
  attempts: number
  firstAt: number
  /** When it was parked, ms since 1970. */
  parkedAt: number
  /** An operator has put it back into the queue; the copy goes when it is acknowledged. */
  released: boolean
  event: ReadEvent
}

const VERSION = 1

/** Layout: attempts, times, released, then the event's own record. */
export function encodeParked ({ attempts, firstAt, parkedAt, released, event }: ParkedEvent): Buffer {
  const writer = new RecordWriter(VERSION)
  writer.number(attempts)
  writer.number(Math.floor(firstAt))
  writer.number(Math.floor(parkedAt))
  writer.byte(released ? 1 : 0)
  writer.bytes(encodeEvent(event))
  return writer.end()
}

/** Throws RecordDamaged. */
export function decodeParked (id: number, record: Uint8Array): ParkedEvent {
  const reader = new RecordReader(record, VERSION, 'a parked event')
  const parked = {
    id,
    attempts: reader.number(),
    firstAt: reader.number(),
    parkedAt: reader.number(),
    released: reader.byte() === 1,
    event: decodeEvent(reader.bytes())
  }
  reader.end()
  return parked
}
