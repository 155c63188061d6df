import { ESM, TAG } from './codes.ts'
import type { Message } from './message.ts'

/** User data of a deliver_sm, taken apart. */
export interface UserData {
  /** With its length octet; empty when there is none. */
  header: Uint8Array
  body: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** Takes apart user data (SMPP 3.4 clauses 5.2.12 and 5.3.2.32); undefined when the header is longer than what there is. */
export function readUserData ({ esmClass, shortMessage, tlvs }: Message): UserData | undefined {
  const data = shortMessage.length > 0 ? shortMessage : tlvs.get(TAG.messagePayload) ?? NOTHING
  if ((esmClass & ESM.udhi) === 0) return { header: NOTHING, body: data }
  const length = 1 + (data[0] ?? data.length)
  return length > data.length ? undefined : { header: data.subarray(0, length), body: data.subarray(length) }
}

/** What is behind the header, or all where that is damaged. */
export function messageText (message: Message): Uint8Array {
  return readUserData(message)?.body ?? message.shortMessage
}
