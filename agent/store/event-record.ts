import { EVENT_KINDS, type EventHandset, type SubscriberEvent } from '../location/event.ts'
import { RecordDamaged } from './record-damaged.ts'
import { RecordReader, RecordWriter } from './record.ts'
import { putSmsEvent, SMS_EVENT_KINDS, takeSmsEvent, type SmsEvent } from './sms-event.ts'

/** Every kind of event that a log holds; a kind's place stands for it in keys. The first four logs are in `network`, the others in `clients`. */
export const LOG_KINDS = [...EVENT_KINDS, ...SMS_EVENT_KINDS] as const

export type LogKind = typeof LOG_KINDS[number]

/** An event of any log. */
export type LoggedEvent = SubscriberEvent | SmsEvent

/** An event as its log holds it. */
export interface StoredEvent {
  /** When it was committed, ms since 1970: never decreases within a log. */
  committedAt: number
  /** `undefined`: a tombstone. The event was erased; its id stays, so that ids have no gaps. */
  event: LoggedEvent | undefined
}

/** An event as it was read. */
export interface ReadEvent extends StoredEvent {
  /** Size of its record. */
  bytes: number
}

const VERSION = 1
/** The layout of events that come from short messages. */
const SMS_VERSION = 2
const WHAT = 'an event'

/** Which parts an event has. The two low bits are its kind, by index in EVENT_KINDS. */
const KIND = 3
const HAS = { event: 4, number: 8, previousHandset: 16, handset: 32, previousCountry: 64, country: 128 } as const

/** Layout: version, what there is, time of the commit, then the event: its time, IMSI, number, handsets, countries; CRC-32C. */
export function encodeEvent ({ committedAt, event }: StoredEvent): Buffer {
  if (event !== undefined && isSmsEvent(event)) {
    const record = new RecordWriter(SMS_VERSION)
    record.number(committedAt)
    putSmsEvent(record, event)
    return record.end()
  }
  const record = new RecordWriter(VERSION)
  if (event === undefined) {
    record.byte(0)
    record.number(committedAt)
    return record.end()
  }
  const { number, previousHandset, handset, previousCountry, country } = event
  record.byte(EVENT_KINDS.indexOf(event.kind) | HAS.event | (number !== undefined ? HAS.number : 0) |
    (previousHandset !== undefined ? HAS.previousHandset : 0) | (handset !== undefined ? HAS.handset : 0) |
    (previousCountry !== undefined ? HAS.previousCountry : 0) | (country !== undefined ? HAS.country : 0))
  record.number(committedAt)
  record.number(event.time)
  record.digits(event.imsi)
  if (number !== undefined) record.digits(number)
  if (previousHandset !== undefined) putHandset(record, previousHandset)
  if (handset !== undefined) putHandset(record, handset)
  if (previousCountry !== undefined) record.country(previousCountry)
  if (country !== undefined) record.country(country)
  return record.end()
}

/** Throws RecordDamaged. */
export function decodeEvent (bytes: Uint8Array): ReadEvent {
  const record = new RecordReader(bytes, SMS_VERSION, WHAT)
  if (record.version === SMS_VERSION) {
    const stored = { committedAt: record.number(), event: takeSmsEvent(record), bytes: bytes.length }
    record.end()
    return stored
  }
  const has = record.byte()
  const committedAt = record.number()
  let event: SubscriberEvent | undefined
  if ((has & HAS.event) !== 0) {
    event = {
      kind: EVENT_KINDS[has & KIND]!,
      time: record.number(),
      imsi: record.digits(),
      number: (has & HAS.number) !== 0 ? record.digits() : undefined,
      previousHandset: (has & HAS.previousHandset) !== 0 ? takeHandset(record) : undefined,
      handset: (has & HAS.handset) !== 0 ? takeHandset(record) : undefined,
      previousCountry: (has & HAS.previousCountry) !== 0 ? record.country() : undefined,
      country: (has & HAS.country) !== 0 ? record.country() : undefined
    }
  } else if (has !== 0) throw new RecordDamaged(WHAT, 'a tombstone with content')
  record.end()
  return { committedAt, event, bytes: bytes.length }
}

function putHandset (record: RecordWriter, { imei, softwareVersion }: EventHandset): void {
  record.digits(imei)
  record.byte(softwareVersion === undefined ? 0 : 1)
  if (softwareVersion !== undefined) record.text(softwareVersion)
}

function takeHandset (record: RecordReader): EventHandset {
  return { imei: record.digits(), softwareVersion: record.byte() === 0 ? undefined : record.text() }
}

function isSmsEvent (event: LoggedEvent): event is SmsEvent {
  return event.kind === 'sms-delivery' || event.kind === 'received-sms'
}
