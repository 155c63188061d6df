import type { LogHead } from '../store/head.ts'

/** Where a queue begins that has no stored position. */
export type StartPosition =
  { at: 'new' } |
  { at: 'oldest' } |
  /** This event first. */
  { at: 'id', id: number } |
  /** The first event that was recorded at this time or later, ms since 1970. */
  { at: 'time', time: number }

/** A start position whose events retention has taken, or that lies beyond the newest event. */
export class PositionNotHeld extends Error {
  /** Id of the oldest event that is held. */
  readonly oldest: number

  constructor (text: string, oldest: number) {
    super(text)
    this.oldest = oldest
  }
}

/**
 * Id of the first event that a start position means. `firstCommittedAt` finds the first event recorded at a time or later. Throws
 * PositionNotHeld where something before the answer would have been meant, but is gone.
 */
export function firstId (start: StartPosition, head: LogHead, firstCommittedAt: (time: number) => number): number {
  switch (start.at) {
    case 'new': return head.id + 1
    case 'oldest': return head.oldest
    case 'id':
      if (start.id > head.id + 1) {
        throw new PositionNotHeld(`start_at_id is ${start.id}, and the newest event is ${head.id}: start at ${head.id + 1} at most`, head.oldest)
      }
      if (start.id < head.oldest) {
        throw new PositionNotHeld(`event ${start.id} is no longer held: the oldest is ${head.oldest}. ` +
          `Start at ${head.oldest}, or with start_at_oldest_possible`, head.oldest)
      }
      return start.id
    case 'time':
      if (start.time <= head.takenAt) {
        throw new PositionNotHeld('events of that time are no longer held: they were recorded up to ' +
          `${new Date(head.takenAt).toISOString()}. The oldest event is ${head.oldest}: use start_at_oldest_possible`, head.oldest)
      }
      return firstCommittedAt(start.time)
  }
}
