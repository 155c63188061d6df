import { uint16 } from '../../lib/bytes.ts'
import type { Receipt, ReceiptState } from '../link.ts'
import { DATA_CODING, ESM, TAG } from './codes.ts'
import type { Message } from './message.ts'
import { comparableId, type IdFormat } from './message-id.ts'
import { messageText } from './user-data.ts'

/** message_state (SMPP 3.4 clause 5.2.28). */
const STATES: Readonly<Record<number, ReceiptState>> = {
  1: 'enroute', 2: 'delivered', 3: 'expired', 4: 'deleted', 5: 'undeliverable', 6: 'accepted', 7: 'unknown', 8: 'rejected'
}

/** The states of a receipt's text (appendix B) by how they begin: some write them out. */
const TEXT_STATES: readonly (readonly [RegExp, ReceiptState])[] = [
  [/^DELIV/, 'delivered'], [/^EXPIR/, 'expired'], [/^DELET/, 'deleted'], [/^UNDELIV/, 'undeliverable'], [/^ACCEP/, 'accepted'],
  [/^UNKNOWN/, 'unknown'], [/^REJEC/, 'rejected'], [/^ENROUTE/, 'enroute']
]

/** Fields of a receipt's text, wherever they stand: `id:` may be empty, `err:` be decimal, hexadecimal or a name. */
const ID = /(?:^|\s)id:[ \t]*(?!(?:sub|dlvrd|submit|done|stat|err|text)\b)(\S{1,64})/i
const STATE = /(?:^|\s)stat:[ \t]*([a-z]+)/i
const ERROR = /(?:^|\s)err:[ \t]*([0-9a-z]{1,16})\b/i

/** Characters of the text that are looked at: the fields have 122 in the standard. */
const MAX_TEXT_CHARACTERS = 1_000

/** network_error_code (clause 5.3.2.31): the kind of network, and its code. */
const NETWORK_ERROR_BYTES = 3

/** Whether a deliver_sm tells of a message that was sent. Those that have it in a parameter are not always marked. */
export function isReceipt ({ esmClass, tlvs }: Message): boolean {
  const kind = esmClass & ESM.kindMask
  return kind === ESM.receipt || kind === ESM.intermediate || (kind === ESM.message && tlvs.has(TAG.receiptedMessageId))
}

/** Reads a receipt, from parameters before text. Undefined when it does not say which message, or not what became of it. */
export function readReceipt (message: Message, format: IdFormat): Receipt | undefined {
  const text = receiptText(message)
  const id = idParameter(message) || ID.exec(text)?.[1]
  const state = STATES[message.tlvs.get(TAG.messageState)?.[0] ?? 0] ?? textState(STATE.exec(text)?.[1])
  if (id === undefined || state === undefined) return undefined
  return { id: comparableId(id, 'receipt', format), state, networkError: networkError(message) ?? textError(ERROR.exec(text)?.[1]) }
}

/** receipted_message_id (clause 5.3.2.12), which ends in a NUL or, with some, does not. */
function idParameter ({ tlvs }: Message): string {
  const text = Buffer.from(tlvs.get(TAG.receiptedMessageId) ?? []).toString('latin1')
  return text.split('\0', 1)[0]!.trim()
}

function receiptText (message: Message): string {
  const bytes = Buffer.from(messageText(message))
  const text = message.dataCoding === DATA_CODING.ucs2 ? bytes.subarray(0, bytes.length & ~1).swap16().toString('utf16le') : bytes.toString('latin1')
  return text.slice(0, MAX_TEXT_CHARACTERS)
}

function textState (word: string | undefined): ReceiptState | undefined {
  const upper = word?.toUpperCase()
  return upper === undefined ? undefined : TEXT_STATES.find(([start]) => start.test(upper))?.[1]
}

function networkError ({ tlvs }: Message): string | undefined {
  const value = tlvs.get(TAG.networkErrorCode)
  if (value?.length !== NETWORK_ERROR_BYTES || uint16(value, 1) === 0) return undefined
  return `${value[0]!}:${uint16(value, 1)}`
}

/** Zeros are no error. */
function textError (text: string | undefined): string | undefined {
  return text === undefined || /^0+$/.test(text) ? undefined : text.toUpperCase()
}
