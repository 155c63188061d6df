import { EVENT_KINDS } from '../location/event.ts'
import { headKey, headOf, kindIndex, type EventLog, type Heads } from './event-log.ts'
import { decodeEvent, encodeEvent, type ReadEvent } from './event-record.ts'
import { decodeHead, encodeHead } from './head.ts'
import { decodeEventKey, eventKey } from './keys.ts'
import { eventRange } from './ranges.ts'
import type { RecordTable } from './record-table.ts'
import type { SmsEvent } from './sms-event.ts'

/** Events of one log that one step of retention removes at most, so that no commit stalls. */
const RETENTION_SLICE = 5_000

/** Events that an erasure looks at before other work gets its turn. */
const ERASURE_SLICE = 5_000

/** Events of one log that are kept at most, however young: as many bytes as a few hundred thousand messages take. */
const MAX_EVENTS = 1_000_000

/** Whether a log is one of those in `clients`. */
export function isSmsLog ({ kind }: EventLog): boolean {
  return kind >= EVENT_KINDS.length
}

/** The logs of events that come from short messages. Its writes are made inside somebody else's transaction: the outbox's own step. */
export class SmsLog {
  readonly #events: RecordTable
  readonly #heads: RecordTable

  constructor (events: RecordTable, heads: RecordTable) {
    this.#events = events
    this.#heads = heads
  }

  /** Adds an event; gives its log. `now`: the wall clock, ms since 1970. Only inside a transaction. */
  append (tenant: number, event: SmsEvent, now: number): EventLog {
    const log = { tenant, kind: kindIndex(event.kind) }
    const head = this.#head(log)
    const committedAt = Math.max(head.committedAt, now)
    this.#events.put(eventKey(tenant, log.kind, head.id + 1), encodeEvent({ committedAt, event }))
    this.#heads.put(headKey(log), encodeHead({ ...head, id: head.id + 1, committedAt }))
    return log
  }

  /** Makes a tombstone of an event that retention has not taken meanwhile. Only inside a transaction. */
  erase (key: Buffer): void {
    const record = this.#events.get(key)
    if (record !== undefined) this.#events.put(key, encodeEvent({ committedAt: decodeEvent(record).committedAt, event: undefined }))
  }

  /** Removes the oldest events of each log: those committed before `before`, and those above a million. Only inside a transaction. */
  retain (before: number): EventLog[] {
    const changed: EventLog[] = []
    for (const { key, value } of [...this.#heads.getRange()]) {
      const log = { tenant: key.readUInt16BE(), kind: key[2]! }
      const head = decodeHead(value)
      const taken: Buffer[] = []
      let { takenAt } = head
      for (const { key, value } of this.#events.getRange(eventRange(log.tenant, log.kind, 0, RETENTION_SLICE))) {
        const { committedAt } = decodeEvent(value)
        if (committedAt >= before && decodeEventKey(key).id > head.id - MAX_EVENTS) break
        taken.push(key)
        takenAt = committedAt
      }
      if (taken.length === 0) continue
      for (const key of taken) this.#events.remove(key)
      this.#heads.put(headKey(log), encodeHead({ ...head, oldest: decodeEventKey(taken.at(-1)!).id + 1, takenAt }))
      changed.push(log)
    }
    return changed
  }

  /** Where these logs begin and end. Throws RecordDamaged. */
  heads (): Heads {
    const heads: Heads = new Map()
    for (const { key, value } of this.#heads.getRange()) {
      const tenant = key.readUInt16BE()
      const list = heads.get(tenant) ?? []
      list[key[2]!] = decodeHead(value)
      heads.set(tenant, list)
    }
    return heads
  }

  /** One event; undefined when retention has taken it. Throws RecordDamaged. */
  event ({ tenant, kind }: EventLog, id: number): ReadEvent | undefined {
    const record = this.#events.get(eventKey(tenant, kind, id))
    return record === undefined ? undefined : decodeEvent(record)
  }

  /** Keys of a SIM's events, and of those that only its number tells, among the next ones from a key on, and where to go on. Throws RecordDamaged. */
  eventsOf (imsi: string, msisdn: string | undefined, from: Buffer | undefined): { found: Buffer[], next: Buffer | undefined } {
    const slice = [...this.#events.getRange({ ...(from !== undefined && { start: from }), limit: ERASURE_SLICE })]
    const found = slice.filter(({ value }) => {
      const { event } = decodeEvent(value)
      return event?.imsi === imsi || (event?.kind === 'received-sms' && event.imsi === undefined && event.from.value === msisdn)
    })
    return { found: found.map(({ key }) => key), next: slice.length < ERASURE_SLICE ? undefined : Buffer.concat([slice.at(-1)!.key, Buffer.of(0)]) }
  }

  #head (log: EventLog): ReturnType<typeof decodeHead> {
    const value = this.#heads.get(headKey(log))
    return value === undefined ? headOf(NO_HEADS, log) : decodeHead(value)
  }
}

const NO_HEADS: Heads = new Map()
