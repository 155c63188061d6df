import type { FragmentState, Message, MessageFragment, MessageState } from '../store/message-record.ts'
import type { Outcome, ReceiptState } from './link.ts'
import { retryDelay } from './schedule.ts'

/**
 * What can happen to a message, and what becomes of it then. Pure: times and chance come in. A message is in the state that its fragments
 * make it:
 *
 * | state     | means                                              | leaves it by                                                        |
 * | accepted  | nothing was sent yet                               | send, deadline, cancel                                              |
 * | waiting   | a fragment waits for its next try                  | send, the subscriber's return (sooner), deadline, cancel            |
 * | in-flight | a fragment was given to a link                     | its outcome; a restart, which counts as an unknown one              |
 * | sent      | service centres or the phone have all of it        | receipts, deadline with grace                                       |
 * | delivered | the phone has all of it                            | (ended)                                                             |
 * | failed    | a fragment was refused for good; none is sent more | (ended)                                                             |
 * | expired   | the deadline came first                            | (ended)                                                             |
 * | unknown   | nobody said what became of a fragment              | (ended)                                                             |
 * | cancelled | the operator took it back                          | (ended)                                                             |
 *
 * A message that is sent ends there too (`endedAt`) where no receipt can be matched to it: that is all that will ever be known.
 */

/** What is decided by settings. */
export interface MessagePolicy {
  /** Links whose fragments are not sent again when nobody knows whether they arrived. */
  failWhenUnknown: readonly string[]
  /** How long after the deadline a receipt is waited for, ms. */
  receiptGraceMs: number
  /** How long the record of a message that has ended is kept, ms. */
  keepMs: number
}

/** Idempotency keys are promised for so long, so that no record goes before, ms. */
const MIN_KEPT_MS = 7 * 24 * 3_600_000

/** Times that a fragment whose outcome stays unknown is sent again. */
const MAX_DOUBTS = 3

/** How long one that is in flight past its deadline is left alone, ms. */
const IN_FLIGHT_LOOK_MS = 60_000

/** When a link took a fragment and then could not send it: how long until the next try, ms. */
const UNSENT_MS = 1_000

/** The fragment to send next; undefined when none waits. Fragments go out in order, one at a time. */
export function nextFragment (message: Message): number | undefined {
  if (message.endedAt > 0) return undefined
  for (const [place, { state }] of message.fragments.entries()) {
    if (state === 'in-flight') return undefined
    if (state === 'unsent') return place
  }
  return undefined
}

/** The next fragment is about to be given to a link: to be on disk before its bytes leave. */
export function sent (message: Message, place: number, link: string): Message {
  return withFragment(message, place, ({ attempts }) => ({ state: 'in-flight', attempts: attempts + 1, link, linkId: '' }), { state: 'in-flight' })
}

/** A link has told what became of a fragment. `now`: ms since 1970; `chance`: 0 to 1; `returned`: the subscriber has come back meanwhile. */
export function settled (
  message: Message, place: number, outcome: Outcome, now: number, policy: MessagePolicy, chance: number, returned = false
): Message {
  // One that was taken back, or given up, on its way stays what it is.
  if (message.endedAt > 0 || message.fragments[place]?.state !== 'in-flight') return message
  switch (outcome.kind) {
    case 'delivered':
      return advanced(withFragment(message, place, () => ({ state: 'delivered' }), PROGRESS), now, policy)
    case 'accepted':
      return advanced(withFragment(message, place, () => ({ state: 'sent', linkId: outcome.id }), PROGRESS), now, policy)
    case 'permanent':
      return ended(withFragment(message, place, () => ({ state: 'failed' }), { cause: outcome.cause }), 'failed', now, policy)
    case 'temporary': {
      if (outcome.throttled === true) return again(message, place, {}, now + Math.ceil(outcome.afterMs ?? UNSENT_MS))
      const absent = outcome.absent === true || outcome.memory === true
      const failures = message.failures + 1
      const wait = returned ? 0 : Math.ceil(Math.max(retryDelay(failures, absent, chance), outcome.afterMs ?? 0))
      return again(message, place, { failures, absent, cause: outcome.cause }, now + wait)
    }
    case 'unsent':
      return again(withFragment(message, place, ({ attempts }) => ({ attempts: attempts - 1 }), {}), place, {}, now + UNSENT_MS)
    case 'unknown': {
      const { doubts, link } = message.fragments[place]
      if (policy.failWhenUnknown.includes(link) || doubts >= MAX_DOUBTS) return ended({ ...message, cause: outcome.cause }, 'unknown', now, policy)
      const doubted = withFragment(message, place, () => ({ doubts: doubts + 1 }), {})
      return again(doubted, place, { failures: message.failures + 1, cause: outcome.cause }, now + retryDelay(message.failures + 1, false, chance))
    }
  }
}

/** A receipt has come for a fragment that a service centre has. */
export function receipted (
  message: Message, place: number, state: ReceiptState, networkError: string | undefined, now: number, policy: MessagePolicy
): Message {
  const fragment = message.fragments[place]
  if (message.endedAt > 0 || fragment?.state !== 'sent') return message
  const cause = networkError === undefined ? `receipt.${state}` : `receipt.${state}.${networkError}`
  switch (state) {
    case 'enroute':
    case 'accepted': return message
    case 'delivered': {
      const after = withFragment(message, place, () => ({ state: 'delivered' }), {})
      return message.state === 'sent' ? advanced(after, now, policy) : after
    }
    case 'expired': return ended({ ...message, cause }, 'expired', now, policy)
    case 'unknown': return ended({ ...message, cause }, 'unknown', now, policy)
    case 'deleted':
    case 'undeliverable':
    case 'rejected': return ended(withFragment(message, place, () => ({ state: 'failed' }), { cause }), 'failed', now, policy)
  }
}

/** The subscriber can be reached again: what waits for them goes out at once. */
export function subscriberReturned (message: Message, now: number): Message {
  return message.state === 'waiting' && message.absent ? { ...message, absent: false, nextAt: Math.min(message.nextAt, now) } : message
}

/** Time has come to `endsAt`; undefined: the record goes. */
export function timedOut (message: Message, now: number, policy: MessagePolicy): Message | undefined {
  if (now < message.endsAt) return message
  if (message.endedAt > 0) return undefined
  // What is in flight has its own time limit and an outcome soon.
  if (message.state === 'in-flight') return { ...message, endsAt: now + IN_FLIGHT_LOOK_MS }
  return ended(message, message.state === 'sent' || message.fragments.some(({ doubts }) => doubts > 0) ? 'unknown' : 'expired', now, policy)
}

/** The operator takes a message back; what is with the network already cannot be. */
export function cancelled (message: Message, now: number, policy: MessagePolicy): Message {
  return message.endedAt > 0 ? message : ended(message, 'cancelled', now, policy)
}

/** How many fragments a service centre or the phone has, and how many the phone is known to have. */
export function progress ({ fragments }: Message): { sent: number, delivered: number } {
  const count = (...states: FragmentState[]): number => fragments.filter(({ state }) => states.includes(state)).length
  return { sent: count('sent', 'delivered'), delivered: count('delivered') }
}

/** What any news from the network but a refusal does to a message. */
const PROGRESS = { failures: 0, absent: false } as const

/** What follows when a fragment has got on: the next one, or the end. */
function advanced (message: Message, now: number, policy: MessagePolicy): Message {
  const { fragments } = message
  if (fragments.some(({ state }) => state === 'in-flight')) return message
  if (fragments.some(({ state }) => state === 'unsent')) {
    return now < message.deadlineAt ? { ...message, state: 'waiting', nextAt: Math.min(message.nextAt, now) } : ended(message, 'expired', now, policy)
  }
  if (fragments.every(({ state }) => state === 'delivered')) return ended(message, 'delivered', now, policy)
  // Without an id no receipt can be told to be this one's.
  if (fragments.some(({ state, linkId }) => state === 'sent' && linkId === '')) return ended(message, 'sent', now, policy)
  return { ...message, state: 'sent', endsAt: message.deadlineAt + policy.receiptGraceMs }
}

/** The fragment is to be sent again, never after the deadline: then that ends the message. */
function again (message: Message, place: number, news: Partial<Message>, at: number): Message {
  const { deadlineAt } = message
  return withFragment(message, place, () => ({ state: 'unsent' }), { ...news, state: 'waiting', nextAt: Math.min(at, deadlineAt), endsAt: deadlineAt })
}

/** Nothing more can become of it: its content goes. */
function ended (message: Message, state: MessageState, now: number, { keepMs }: MessagePolicy): Message {
  return {
    ...message,
    state,
    endedAt: now,
    absent: false,
    endsAt: Math.max(now + keepMs, message.acceptedAt + MIN_KEPT_MS),
    fragments: message.fragments.map(fragment => ({ ...fragment, header: NO_BYTES, body: NO_BYTES }))
  }
}

function withFragment (
  message: Message, place: number, news: (fragment: MessageFragment) => Partial<MessageFragment>, rest: Partial<Message>
): Message {
  return { ...message, ...rest, fragments: message.fragments.map((fragment, at) => at === place ? { ...fragment, ...news(fragment) } : fragment) }
}

const NO_BYTES = new Uint8Array(0)
