import { TON, type Address } from '../../agent/sms/address.ts'
import type { Submission } from '../../agent/sms/link.ts'

const SUBSCRIBER: Address = { ton: TON.international, value: '4790000001' }
const SHORT_CODE: Address = { ton: TON.networkSpecific, value: '1234' }

const DAY_MS = 86_400_000

/** A submission that says "hi" to a subscriber, but for what is given. */
export function submission (wish: Partial<Submission> & { text?: string } = {}): Submission {
  const { text = 'hi', ...rest } = wish
  return {
    direction: 'to-subscriber',
    from: SHORT_CODE,
    to: SUBSCRIBER,
    imsi: '242010000000001',
    msisdn: SUBSCRIBER.value,
    servingNode: undefined,
    pid: 0,
    dcs: 0,
    alphabet: 'gsm7',
    fragment: { header: new Uint8Array(0), body: Buffer.from(text, 'latin1') },
    reference: 1,
    acceptedAt: Date.UTC(2026, 0, 1),
    validForMs: 7 * DAY_MS,
    more: false,
    resent: false,
    ...rest
  }
}

/** A header of concatenation: part `index` of `count` (TS 23.040 clause 9.2.3.24.1). */
export function concatenated (count: number, index: number): Uint8Array {
  return Uint8Array.of(5, 0, 3, 0x2a, count, index)
}
