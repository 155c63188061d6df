import { SmsState, type ReceivedSmsEvent as WireReceived, type SmsDeliveryEvent as WireDelivery } from '../../gen/landfall/v1/sms.ts'
import { TON } from '../sms/address.ts'
import { decodeHeader } from '../sms/header.ts'
import { textOf } from '../sms/user-data.ts'
import type { MessageAddress, MessageState } from '../store/message-record.ts'
import type { ReceivedSmsEvent, SmsDeliveryEvent } from '../store/sms-event.ts'

const STATES: Record<MessageState, SmsState> = {
  accepted: SmsState.SMS_STATE_WAITING,
  waiting: SmsState.SMS_STATE_WAITING,
  'in-flight': SmsState.SMS_STATE_WAITING,
  sent: SmsState.SMS_STATE_SENT,
  delivered: SmsState.SMS_STATE_DELIVERED,
  failed: SmsState.SMS_STATE_FAILED,
  expired: SmsState.SMS_STATE_EXPIRED,
  unknown: SmsState.SMS_STATE_UNKNOWN,
  cancelled: SmsState.SMS_STATE_CANCELLED
}

/** Puts what became of a message into the words of the stream. */
export function deliveryEvent ({ messageId, state, final, fragments, sent, delivered, cause, doubtful }: SmsDeliveryEvent): WireDelivery {
  return {
    messageId,
    state: STATES[state],
    final,
    numFragments: fragments,
    numSent: sent,
    numDelivered: delivered,
    networkError: cause,
    possibleDuplicate: doubtful
  }
}

/** Puts a message from a subscriber into the words of the stream. */
export function receivedEvent ({ from, to, pid, alphabet, header, body }: ReceivedSmsEvent): WireReceived {
  const { header: elements } = decodeHeader(header)
  const { ports, concatenation } = elements
  const text = textOf(alphabet, body, elements)
  return {
    fromAddress: addressText(from),
    toAddress: addressText(to),
    content: text === undefined ? { $case: 'data', value: Buffer.from(body) } : { $case: 'text', value: text },
    originatorPort: ports?.source ?? 0,
    destinationPort: ports?.destination ?? 0,
    part: concatenation === undefined ? undefined : { reference: concatenation.reference, number: concatenation.part, count: concatenation.total },
    protocolIdentifier: pid
  }
}

function addressText ({ ton, value }: MessageAddress): string {
  return ton === TON.international ? `+${value}` : value
}
