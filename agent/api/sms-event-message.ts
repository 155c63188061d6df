import { SmsState, type SmsDeliveryEvent as WireDelivery } from '../../gen/landfall/v1/sms.ts'
import type { MessageState } from '../store/message-record.ts'
import type { SmsDeliveryEvent } from '../store/sms-event.ts'

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
