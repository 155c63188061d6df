import type { Message } from '../store/message-record.ts'
import type { SmsDeliveryEvent } from '../store/sms-event.ts'
import { progress } from './message.ts'

/** What a client is told when its message has come from one state to another; undefined where that is no news to it. */
export function deliveryReport (before: Message, after: Message, now: number): SmsDeliveryEvent | undefined {
  const final = after.endedAt > 0
  const news = final
    ? before.endedAt === 0
    // Of failures that will be tried again only the first is told.
    : (after.state === 'sent' && before.state !== 'sent') || (after.state === 'waiting' && after.failures === 1 && before.failures === 0)
  if (!news) return undefined
  return {
    kind: 'sms-delivery',
    time: now,
    imsi: after.imsi,
    client: after.client,
    messageId: after.id,
    state: after.state,
    final,
    fragments: after.fragments.length,
    ...progress(after),
    cause: after.cause,
    doubtful: after.fragments.some(({ doubts }) => doubts > 0)
  }
}
