import type { Address } from './address.ts'
import type { Alphabet, Fragment } from './fragment.ts'

/** One fragment on its way into the network. Its bytes are the same each time it is sent; only what is left of its time is not. */
export interface Submission {
  /** `to-subscriber`: an SMS-DELIVER to a phone. `from-subscriber`: an SMS-SUBMIT, as if the subscriber's phone had sent it. */
  direction: 'to-subscriber' | 'from-subscriber'
  from: Address
  to: Address
  /** The subscriber's IMSI, where it is known. */
  imsi: string | undefined
  /** The subscriber's number, international digits without "+". */
  msisdn: string
  /** The MME that serves the subscriber and registered it for SMS, where there is one. */
  servingNode: { host: string, realm: string } | undefined
  /** TP-PID (TS 23.040 clause 9.2.3.9). */
  pid: number
  /** TP-DCS (TS 23.040 clause 9.2.3.10). */
  dcs: number
  alphabet: Alphabet
  fragment: Fragment
  /** TP-MR of an SMS-SUBMIT (TS 23.040 clause 9.2.3.6). */
  reference: number
  /** When the message was accepted, ms since 1970: TP-SCTS. */
  acceptedAt: number
  /** What is left until its deadline, ms. */
  validForMs: number
  /** Whether more fragments follow at once to the same phone (TP-MMS). */
  more: boolean
  /** Whether it may have been sent before. */
  resent: boolean
}

/** What became of a submission. `cause` is for people and programs: a stable name such as `smpp.0x00000058` or `sgd.absent-user`. */
export type Outcome =
  /** The phone has it. */
  | { kind: 'delivered' }
  /** The service centre has it. `id` may be empty: then no receipt can be matched. */
  | { kind: 'accepted', id: string }
  /** Not now. `absent`: the subscriber cannot be reached until they come back; `memory`: their store is full. `afterMs`: not before.
   *  `throttled`: the link is to slow down, and the message itself has failed in nothing. */
  | { kind: 'temporary', cause: string, absent?: boolean, memory?: boolean, afterMs?: number, throttled?: boolean }
  /** Never. */
  | { kind: 'permanent', cause: string }
  /** It was written and nobody knows what became of it: no answer in time, or the connection was lost. */
  | { kind: 'unknown', cause: string }
  /** It was not written: no connection, no room, or no such path for this message. Not an attempt. */
  | { kind: 'unsent', cause: string }

/** The state a receipt tells (SMPP 3.4 clause 5.2.28). */
export type ReceiptState = 'delivered' | 'expired' | 'deleted' | 'undeliverable' | 'accepted' | 'unknown' | 'rejected' | 'enroute'

/** What a service centre tells of a message that it took. */
export interface Receipt {
  /** The id that it gave, as it is compared: see `comparableId`. */
  id: string
  state: ReceiptState
  /** The network's own error, such as `3:1`; undefined when there is none. */
  networkError: string | undefined
}

/** A short message that came from the network towards a service. */
export interface Received {
  from: Address
  to: Address
  pid: number
  dcs: number
  /** User data as they came: header and body (septets unpacked for gsm7). */
  header: Uint8Array
  body: Uint8Array
}

/** What a link tells of its own accord. */
export interface LinkListener {
  /** There is room again, or the link came up. */
  ready: () => void
  /** Resolves once it is on disk; rejects when it could not be taken: the service centre is told to send it again. */
  receipt: (receipt: Receipt) => Promise<void>
  /** As `receipt`. */
  received: (message: Received) => Promise<void>
  /** The network says that a subscriber can be reached again (ALR, TS 29.338 clause 5.3.2). */
  alert: (subscriber: { imsi: string | undefined, msisdn: string | undefined }) => void
}

/** One way into the network. */
export interface Link {
  /** Name in configuration, logs and records: `smpp` or `sgd`. */
  readonly name: string
  readonly up: boolean
  /** Submissions that it takes now: what its window and its rate leave; 0 while it is down. */
  readonly room: number
  /** Why it does not take any, in words; undefined while it does. */
  readonly trouble: string | undefined
  /** Never rejects and always resolves within the link's own time limit. */
  submit: (submission: Submission) => Promise<Outcome>
  /** Connects, and again whenever the connection is lost. */
  start: (listener: LinkListener) => void
  /** Takes no more, waits for what is under way at most so long, says goodbye and ends. */
  stop: (graceMs: number) => Promise<void>
}
