import { ALPHABETS, MESSAGE_STATES, type MessageAddress, type MessageState } from './message-record.ts'
import { RecordDamaged } from './record-damaged.ts'
import type { RecordReader, RecordWriter } from './record.ts'

/** Kinds of events that come from short messages, by the names used on the command line. Their logs are in `clients`. */
export const SMS_EVENT_KINDS = ['sms-delivery', 'received-sms'] as const

/** What became of a message that a client sent. Only that client is told. */
export interface SmsDeliveryEvent {
  kind: 'sms-delivery'
  /** When, ms since 1970. */
  time: number
  /** The subscriber's IMSI, where it is known: for their pseudonym, and to erase them. */
  imsi: string | undefined
  client: string
  messageId: string
  state: MessageState
  /** Whether nothing more can become of it. */
  final: boolean
  /** How many fragments there are, how many a service centre or phone has taken, and how many are known to have reached the phone. */
  fragments: number
  sent: number
  delivered: number
  /** Why the network refused it last, a stable name such as `sgd.absent-user`; empty: it did not. */
  cause: string
  /** Whether the phone may have got a part of it twice. */
  doubtful: boolean
}

/** A short message from a subscriber towards a service. */
export interface ReceivedSmsEvent {
  kind: 'received-sms'
  time: number
  /** The sender's IMSI, where it is known. */
  imsi: string | undefined
  from: MessageAddress
  to: MessageAddress
  pid: number
  dcs: number
  alphabet: typeof ALPHABETS[number]
  /** User data header and what follows it (septets unpacked). */
  header: Uint8Array
  body: Uint8Array
}

export type SmsEvent = SmsDeliveryEvent | ReceivedSmsEvent

const WHAT = 'an event of a short message'

/** Writes the event's fields after those that all events have. */
export function putSmsEvent (record: RecordWriter, event: SmsEvent): void {
  record.byte(SMS_EVENT_KINDS.indexOf(event.kind))
  record.number(event.time)
  record.digits(event.imsi ?? '')
  if (event.kind === 'sms-delivery') {
    record.text(event.client)
    record.text(event.messageId)
    record.byte(MESSAGE_STATES.indexOf(event.state))
    record.byte((event.final ? 1 : 0) | (event.doubtful ? 2 : 0))
    record.number(event.fragments)
    record.number(event.sent)
    record.number(event.delivered)
    record.text(event.cause)
    return
  }
  for (const { ton, value } of [event.from, event.to]) {
    record.byte(ton)
    record.text(value)
  }
  record.byte(event.pid)
  record.byte(event.dcs)
  record.byte(ALPHABETS.indexOf(event.alphabet))
  record.bytes(event.header)
  record.bytes(event.body)
}

/** Throws RecordDamaged. */
export function takeSmsEvent (record: RecordReader): SmsEvent {
  const kind = SMS_EVENT_KINDS[record.byte()]
  const time = record.number()
  const digits = record.digits()
  const imsi = digits === '' ? undefined : digits
  switch (kind) {
    case 'sms-delivery': {
      const [client, messageId, state, flags] = [record.text(), record.text(), MESSAGE_STATES[record.byte()], record.byte()]
      if (state === undefined) throw new RecordDamaged(WHAT, 'its state has a code that means nothing')
      return {
        kind,
        time,
        imsi,
        client,
        messageId,
        state,
        final: (flags & 1) !== 0,
        doubtful: (flags & 2) !== 0,
        fragments: record.number(),
        sent: record.number(),
        delivered: record.number(),
        cause: record.text()
      }
    }
    case 'received-sms': {
      const address = (): MessageAddress => ({ ton: record.byte(), value: record.text() })
      const [from, to, pid, dcs, alphabet] = [address(), address(), record.byte(), record.byte(), ALPHABETS[record.byte()]]
      if (alphabet === undefined) throw new RecordDamaged(WHAT, 'its alphabet has a code that means nothing')
      return { kind, time, imsi, from, to, pid, dcs, alphabet, header: Uint8Array.from(record.bytes()), body: Uint8Array.from(record.bytes()) }
    }
    case undefined:
    default: throw new RecordDamaged(WHAT, 'its kind has a code that means nothing')
  }
}
