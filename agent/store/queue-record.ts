import { RecordReader, RecordWriter } from './record.ts'

/** Acknowledged ids beyond the floor, from `from` to `to`, both included. */
export interface IdRange { from: number, to: number }

/** What deliveries of one event have come to so far. */
export interface Attempts {
  id: number
  /** How often it was sent. */
  attempts: number
  /** When it was sent first, ms since 1970. */
  firstAt: number
}

/** What is kept of a queue. */
export interface QueuePosition {
  /** Every id up to this one is acknowledged (or was never asked for). */
  floor: number
  /** Acknowledged beyond the floor: ascending, apart from each other and from the floor. */
  ranges: readonly IdRange[]
  /** Ids up to this one may have been sent, so they count as redelivered after a crash. */
  reserved: number
  /** Events that retention took before they were acknowledged, since the queue was made, and the newest of them (0: none). */
  missed: number
  missedUpTo: number
  /** Whether an operator has paused it. */
  paused: boolean
  /** When its last connection ended, ms since 1970; 0 while it has one. */
  idleSince: number
  /** Events that were sent and not acknowledged, as far as that is worth a record. Ascending. */
  tried: readonly Attempts[]
}

/** The first layout ended with the ranges. */
const VERSION = 2

/** A queue that begins after an id. */
export function positionAfter (id: number): QueuePosition {
  return { floor: id, ranges: [], reserved: id, missed: 0, missedUpTo: 0, paused: false, idleSince: 0, tried: [] }
}

/**
 * Layout: floor, reserved less floor, number of ranges, for each the gap before it and its length; missed, the newest missed, paused, idle
 * since; number of tried ids, for each its distance from the one before, attempts and time.
 */
export function encodeQueuePosition ({ floor, reserved, ranges, missed, missedUpTo, paused, idleSince, tried }: QueuePosition): Buffer {
  const writer = new RecordWriter(VERSION)
  writer.number(floor)
  writer.number(Math.max(0, reserved - floor))
  writer.number(ranges.length)
  let last = floor
  for (const { from, to } of ranges) {
    writer.number(from - last)
    writer.number(to - from)
    last = to
  }
  writer.number(missed)
  writer.number(missedUpTo)
  writer.byte(paused ? 1 : 0)
  writer.number(Math.floor(idleSince))
  writer.number(tried.length)
  last = floor
  for (const { id, attempts, firstAt } of tried) {
    writer.number(id - last)
    writer.number(attempts)
    writer.number(Math.floor(firstAt))
    last = id
  }
  return writer.end()
}

/** Throws RecordDamaged. */
export function decodeQueuePosition (record: Uint8Array): QueuePosition {
  const reader = new RecordReader(record, VERSION, 'a queue position')
  const floor = reader.number()
  const reserved = floor + reader.number()
  const ranges: IdRange[] = []
  let last = floor
  for (let left = reader.number(); left > 0; left--) {
    const from = last + reader.number()
    last = from + reader.number()
    ranges.push({ from, to: last })
  }
  const position = { ...positionAfter(floor), reserved, ranges }
  if (reader.version > 1) {
    position.missed = reader.number()
    position.missedUpTo = reader.number()
    position.paused = reader.byte() === 1
    position.idleSince = reader.number()
    position.tried = readTried(reader, floor)
  }
  reader.end()
  return position
}

function readTried (reader: RecordReader, floor: number): Attempts[] {
  const tried: Attempts[] = []
  let last = floor
  for (let left = reader.number(); left > 0; left--) {
    last += reader.number()
    tried.push({ id: last, attempts: reader.number(), firstAt: reader.number() })
  }
  return tried
}
