import { RecordReader, RecordWriter } from './record.ts'

/** Acknowledged ids beyond the floor, from `from` to `to`, both included. */
export interface IdRange { from: number, to: number }

/** What is kept of a queue. */
export interface QueuePosition {
  /** Every id up to this one is acknowledged (or was never asked for). */
  floor: number
  /** Acknowledged beyond the floor: ascending, apart from each other and from the floor. */
  ranges: readonly IdRange[]
  /** Ids up to this one may have been sent, so they count as redelivered after a crash. */
  reserved: number
}

const VERSION = 1

/** Layout: floor, reserved less floor, number of ranges, then for each the gap before it and its length. */
export function encodeQueuePosition ({ floor, reserved, ranges }: QueuePosition): Buffer {
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
  reader.end()
  return { floor, reserved, ranges }
}
