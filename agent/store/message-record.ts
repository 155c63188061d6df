import { RecordDamaged } from './record-damaged.ts'
import { RecordReader, RecordWriter } from './record.ts'

/** What may become of a message, in the order of their codes on disk. `agent/sms/message.ts` has the table of what leads where. */
export const MESSAGE_STATES = ['accepted', 'waiting', 'in-flight', 'sent', 'delivered', 'failed', 'expired', 'unknown', 'cancelled'] as const

export type MessageState = typeof MESSAGE_STATES[number]

/** What may become of one fragment, in the order of their codes on disk. */
const FRAGMENT_STATES = ['unsent', 'in-flight', 'sent', 'delivered', 'failed'] as const

export type FragmentState = typeof FRAGMENT_STATES[number]

/** How the user data are coded (TS 23.038 clause 4), in the order of their codes on disk. */
export const ALPHABETS = ['gsm7', '8bit', 'ucs2'] as const

const DIRECTIONS = ['to-subscriber', 'from-subscriber'] as const

/** An address: type of number (TS 23.040 clause 9.1.2.5) and digits or text. */
export interface MessageAddress { ton: number, value: string }

/** One fragment of a message, and how far it has come. */
export interface MessageFragment {
  /** User data header and what follows it (septets unpacked); both are emptied when the message ends. */
  header: Uint8Array
  body: Uint8Array
  state: FragmentState
  /** Times it was given to a link. */
  attempts: number
  /** Times that nobody knew what had become of it, 0 to 15: when it is sent again, the phone may have it more than once. */
  doubts: number
  /** The link that had it last; empty before. */
  link: string
  /** What the service centre calls it, as links compare ids; empty where it has no name. */
  linkId: string
}

/** A message that was accepted. Times are ms since 1970. */
export interface Message {
  /** 32 hex digits; the first twelve are the time, so that ids sort by acceptance. */
  id: string
  tenant: number
  /** Whose it is. */
  client: string
  direction: typeof DIRECTIONS[number]
  from: MessageAddress
  to: MessageAddress
  /** The subscriber's number, international digits; and IMSI, where it was known. */
  msisdn: string
  imsi: string | undefined
  /** TP-PID, TP-DCS and the alphabet; TP-MR of the first fragment. */
  pid: number
  dcs: number
  alphabet: typeof ALPHABETS[number]
  reference: number
  acceptedAt: number
  /** When it is given up. */
  deadlineAt: number
  /** When time alone decides something: its deadline; later than that while a receipt may still come; once it has ended, when its record goes. */
  endsAt: number
  state: MessageState
  /** When nothing more can become of it was known; 0 before. */
  endedAt: number
  /** When the next fragment may be sent. */
  nextAt: number
  /** The subscriber cannot be reached: it goes out as soon as they come back. */
  absent: boolean
  /** Temporary failures so far, for the schedule. */
  failures: number
  /** Why the network did not take it, a stable name; empty: it never refused. */
  cause: string
  /** Hash of tenant, client and idempotency key; empty without one. */
  key: Uint8Array
  fragments: readonly MessageFragment[]
}

const VERSION = 1
const WHAT = 'a message'

/** Bits of a message's first byte. */
const HAS = { imsi: 1, absent: 2, key: 4 } as const

/** Layout: what there is, whose, addresses, codings, times, state, then each fragment. */
export function encodeMessage (message: Message): Buffer {
  const record = new RecordWriter(VERSION)
  const { imsi, absent, key, acceptedAt } = message
  record.byte((imsi !== undefined ? HAS.imsi : 0) | (absent ? HAS.absent : 0) | (key.length > 0 ? HAS.key : 0))
  record.number(message.tenant)
  record.text(message.client)
  record.byte(DIRECTIONS.indexOf(message.direction))
  putAddress(record, message.from)
  putAddress(record, message.to)
  record.digits(message.msisdn)
  if (imsi !== undefined) record.digits(imsi)
  record.byte(message.pid)
  record.byte(message.dcs)
  record.byte(ALPHABETS.indexOf(message.alphabet))
  record.number(message.reference)
  record.number(acceptedAt)
  record.number(message.deadlineAt)
  record.number(message.endsAt)
  record.byte(MESSAGE_STATES.indexOf(message.state))
  record.number(message.endedAt)
  record.number(message.nextAt)
  record.number(message.failures)
  record.text(message.cause)
  if (key.length > 0) record.bytes(key)
  record.number(message.fragments.length)
  for (const fragment of message.fragments) {
    record.bytes(fragment.header)
    record.bytes(fragment.body)
    record.byte(Math.min(fragment.doubts, 15) << 4 | FRAGMENT_STATES.indexOf(fragment.state) << 1 | (fragment.doubts > 0 ? 1 : 0))
    record.number(fragment.attempts)
    record.text(fragment.link)
    record.text(fragment.linkId)
  }
  return record.end()
}

/** Throws RecordDamaged. What it gives shares no bytes with the record. */
export function decodeMessage (id: string, bytes: Uint8Array): Message {
  const record = new RecordReader(bytes, VERSION, WHAT)
  const has = record.byte()
  const message: Message = {
    id,
    tenant: record.number(),
    client: record.text(),
    direction: pick(DIRECTIONS, record.byte()),
    from: takeAddress(record),
    to: takeAddress(record),
    msisdn: record.digits(),
    imsi: (has & HAS.imsi) !== 0 ? record.digits() : undefined,
    pid: record.byte(),
    dcs: record.byte(),
    alphabet: pick(ALPHABETS, record.byte()),
    reference: record.number(),
    acceptedAt: record.number(),
    deadlineAt: record.number(),
    endsAt: record.number(),
    state: pick(MESSAGE_STATES, record.byte()),
    endedAt: record.number(),
    nextAt: record.number(),
    absent: (has & HAS.absent) !== 0,
    failures: record.number(),
    cause: record.text(),
    key: (has & HAS.key) !== 0 ? Uint8Array.from(record.bytes()) : NO_BYTES,
    fragments: takeFragments(record)
  }
  record.end()
  return message
}

function takeFragments (record: RecordReader): MessageFragment[] {
  const fragments: MessageFragment[] = []
  for (let left = record.number(); left > 0; left--) {
    const header = Uint8Array.from(record.bytes())
    const body = Uint8Array.from(record.bytes())
    const state = record.byte()
    fragments.push({
      header,
      body,
      state: pick(FRAGMENT_STATES, state >> 1 & 7),
      // Earlier records have the last bit alone.
      doubts: Math.max(state >> 4, state & 1),
      attempts: record.number(),
      link: record.text(),
      linkId: record.text()
    })
  }
  return fragments
}

function putAddress (record: RecordWriter, { ton, value }: MessageAddress): void {
  record.byte(ton)
  record.text(value)
}

function takeAddress (record: RecordReader): MessageAddress {
  return { ton: record.byte(), value: record.text() }
}

function pick<T> (values: readonly T[], code: number): T {
  const value = values[code]
  if (value === undefined) throw new RecordDamaged(WHAT, 'it has a code that means nothing')
  return value
}

const NO_BYTES = new Uint8Array(0)
