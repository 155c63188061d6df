import type { Message } from '../store/message-record.ts'
import type { Ton } from './address.ts'
import type { Submission } from './link.ts'

/** Who a subscriber is for the network, now. */
export interface Destination {
  imsi: string | undefined
  /** The MME that serves them and is registered for SMS. */
  servingNode: Submission['servingNode']
}

/** What a link is given of a message's fragment. `now`: ms since 1970. */
export function submissionOf (message: Message, place: number, destination: Destination | undefined, now: number): Submission {
  const { direction, from, to, msisdn, imsi, pid, dcs, alphabet, reference, acceptedAt, deadlineAt, fragments } = message
  const { header, body, doubts } = fragments[place]!
  return {
    direction,
    from: { ...from, ton: from.ton as Ton },
    to: { ...to, ton: to.ton as Ton },
    imsi: destination?.imsi ?? imsi,
    msisdn,
    servingNode: destination?.servingNode,
    pid,
    dcs,
    alphabet,
    fragment: { header, body },
    reference: (reference + place) % 256,
    acceptedAt,
    validForMs: Math.max(0, deadlineAt - now),
    more: place < fragments.length - 1,
    resent: doubts > 0
  }
}
