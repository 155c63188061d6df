import type { ControlServiceServer, ListSmsRequest, SendSmsRequest } from '../../gen/landfall/control/v1/control.ts'
import type { Link } from '../sms/link.ts'
import { progress } from '../sms/message.ts'
import type { Messages } from '../sms/messages.ts'
import { MESSAGE_STATES, type Message, type MessageState } from '../store/message-record.ts'
import { InvalidArgument, NotServed, ResourceExhausted, answer } from './status.ts'
import type { SmsSender } from './sms-sender.ts'

/** What the commands about short messages need. */
export interface SmsControlParts {
  messages: Messages
  sender: SmsSender
  links: readonly Link[]
}

/** When a command may be tried again that found the queue full, ms. */
const RETRY_MS = 5_000

/** Messages that one list holds at most. */
const MAX_LISTED = 10_000

/** Handlers of the commands about short messages; `parts` is undefined where none are relayed. */
export function smsControlHandlers (parts: SmsControlParts | undefined): Pick<ControlServiceServer, 'sendSms' | 'showSms' | 'listSms' | 'cancelSms'> {
  const relay = (): SmsControlParts => {
    if (parts === undefined) throw new NotServed('this agent relays no short messages: its configuration has neither "sms.smpp" nor "sms.sgd"')
    return parts
  }
  return {
    sendSms: ({ request }, callback) => { answer((async () => await send(relay(), request))(), callback) },
    showSms: ({ request: { messageId } }, callback) => {
      answer((async () => {
        const message = relay().messages.find(messageId)
        return { message: message === undefined ? '' : JSON.stringify(messageJson(message)) }
      })(), callback)
    },
    listSms: ({ request }, callback) => { answer((async () => await list(relay(), request))(), callback) },
    cancelSms: ({ request: { messageId } }, callback) => {
      answer((async () => ({ cancelled: await relay().messages.cancel(messageId) }))(), callback)
    }
  }
}

async function send ({ sender }: SmsControlParts, request: SendSmsRequest): Promise<{ messageId: string, numFragments: number }> {
  const sent = await sender.operators(request)
  if (sent.kind === 'full') throw new ResourceExhausted(sent.why, RETRY_MS)
  if (sent.kind !== 'accepted') throw new InvalidArgument(sent.kind === 'conflict' ? 'it was sent before' : sent.why)
  return { messageId: sent.id, numFragments: sent.fragments }
}

async function list ({ messages, links }: SmsControlParts, { msisdn, state, limit }: ListSmsRequest): Promise<{ messages: string[], links: string[] }> {
  if (state !== '' && !MESSAGE_STATES.includes(state as MessageState)) throw new InvalidArgument(`a state is one of ${MESSAGE_STATES.join(', ')}`)
  if (limit < 1 || limit > MAX_LISTED) throw new InvalidArgument(`the limit may be 1 to ${MAX_LISTED}`)
  const found: string[] = []
  const isWanted = (message: Message): boolean => (state === '' || message.state === state) && (msisdn === '' || message.msisdn === msisdn)
  for await (const slice of messages.newest()) {
    found.push(...slice.filter(isWanted).map(message => JSON.stringify(messageJson(message))))
    if (found.length >= limit) break
  }
  return { messages: found.slice(0, limit), links: links.map(({ name, up, room, trouble }) => JSON.stringify({ link: name, up, room, trouble })) }
}

/** A message as the operator sees it: everything but its content. */
function messageJson (message: Message): object {
  const { id, client, direction, from, to, state, cause, failures, absent, acceptedAt, deadlineAt, nextAt, endedAt, fragments } = message
  const time = (ms: number): string => new Date(ms).toISOString()
  const waits = endedAt === 0 && (state === 'accepted' || state === 'waiting')
  return {
    id,
    client,
    direction,
    from: from.value,
    to: to.value,
    state,
    cause: cause === '' ? undefined : cause,
    accepted: time(acceptedAt),
    deadline: time(deadlineAt),
    ended: endedAt === 0 ? undefined : time(endedAt),
    next: waits ? time(nextAt) : undefined,
    waitsForSubscriber: waits ? absent : undefined,
    failures,
    fragments: fragments.length,
    ...progress(message),
    attempts: fragments.reduce((sum, { attempts }) => sum + attempts, 0),
    possibleDuplicate: fragments.some(({ doubts }) => doubts > 0),
    link: fragments.find(({ link }) => link !== '')?.link
  }
}
