import type { ControlServiceServer, ListSmsRequest, SendSmsRequest } from '../../gen/landfall/control/v1/control.ts'
import type { Link } from '../sms/link.ts'
import { progress } from '../sms/message.ts'
import type { Messages } from '../sms/messages.ts'
import { MESSAGE_STATES, type Message, type MessageState } from '../store/message-record.ts'
import { InvalidArgument, NotServed, answer } from './status.ts'
import type { SmsSender } from './sms-sender.ts'

/** What the commands about short messages need. */
export interface SmsControlParts {
  messages: Messages
  sender: SmsSender
  links: readonly Link[]
}

/** Messages that one list holds at most, and those that are looked at to find them. */
const MAX_LISTED = 10_000
const MAX_LOOKED_AT = 1_000_000

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
    listSms: ({ request }, callback) => { answer((async () => list(relay(), request))(), callback) },
    cancelSms: ({ request: { messageId } }, callback) => {
      answer((async () => ({ cancelled: await relay().messages.cancel(messageId) }))(), callback)
    }
  }
}

async function send ({ sender }: SmsControlParts, request: SendSmsRequest): Promise<{ messageId: string, numFragments: number }> {
  const sent = await sender.operators(request)
  if (sent.kind !== 'accepted') throw new InvalidArgument(sent.kind === 'conflict' ? 'it was sent before' : sent.why)
  return { messageId: sent.id, numFragments: sent.fragments }
}

function list ({ messages, links }: SmsControlParts, { msisdn, state, limit }: ListSmsRequest): { messages: string[], links: string[] } {
  if (state !== '' && !MESSAGE_STATES.includes(state as MessageState)) throw new InvalidArgument(`a state is one of ${MESSAGE_STATES.join(', ')}`)
  if (limit < 1 || limit > MAX_LISTED) throw new InvalidArgument(`the limit may be 1 to ${MAX_LISTED}`)
  const found: string[] = []
  let looked = 0
  for (const message of messages.newest()) {
    if (found.length >= limit || ++looked > MAX_LOOKED_AT) break
    if ((state === '' || message.state === state) && (msisdn === '' || message.msisdn === msisdn)) found.push(JSON.stringify(messageJson(message)))
  }
  return { messages: found, links: links.map(({ name, up, room, trouble }) => JSON.stringify({ link: name, up, room, trouble })) }
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
