import { SmsState, type SmsDeliveryEvent } from '../../gen/landfall/v1/sms.ts'
import type { Submitted } from './submitted.ts'

/** A text that a client wants sent. */
export interface Wish {
  serial: number
  to: string
  text: string
  /** How many fragments it is. */
  fragments: number
  key: string | undefined
}

/** A wish, and all that was seen of it. */
interface Entry {
  wish: Wish
  /** What the answer OK gave; undefined while there was none. */
  messageId: string | undefined
  references: Set<number | undefined>
  /** By number, from 1: the text, and how often the service centre has kept it. */
  parts: Map<number, { text: string, kept: number }>
}

/** Characters of a word: the serial in base 36, and a full stop. Each fragment holds at least one whole word. */
const SERIAL_CHARACTERS = 6

/** Septets and UTF-16 units that a fragment of several holds (TS 23.040 clause 9.2.3.24.1, with the header of an 8-bit reference). */
const ROOM = { gsm7: 153, ucs2: 67 } as const

/** A text of so many fragments that says its serial again and again, so that each fragment can be told. */
export function makeText (serial: number, fragments: number, alphabet: 'gsm7' | 'ucs2'): string {
  const word = `${serial.toString(36).padStart(SERIAL_CHARACTERS, '0')}.`
  const length = (fragments - 1) * ROOM[alphabet] + 20 + serial % 40
  return (alphabet === 'gsm7' ? word : `${word}ж`).repeat(Math.ceil(length / word.length)).slice(0, length)
}

function serialOf (text: string): number | undefined {
  const [, serial] = /([0-9a-z]{6})\./.exec(text) ?? []
  return serial === undefined ? undefined : parseInt(serial, 36)
}

/**
 * Keeps what a client asked for and was answered, what a service centre got and what events told, over every crash; and notes what must not
 * be.
 */
export class SmsLedger {
  readonly #entries = new Map<number, Entry>()
  readonly #finals = new Map<string, { eventId: number, event: SmsDeliveryEvent }>()
  readonly #eventIds = new Set<number>()
  #faults: string[] = []

  /** Texts of which a client will hear, or not. */
  asked (wish: Wish): void {
    this.#entries.set(wish.serial, { wish, messageId: undefined, references: new Set(), parts: new Map() })
  }

  /** The agent has answered OK. */
  accepted ({ serial, fragments }: Wish, messageId: string, told: number): void {
    const entry = this.#entries.get(serial)!
    if (told !== fragments) this.fault(`text ${serial} is ${fragments} fragments, ${told} were told`)
    const { messageId: before = messageId } = entry
    if (before !== messageId) this.fault(`text ${serial} has the ids ${before} and ${messageId} under one idempotency key`)
    entry.messageId = messageId
  }

  /** A fragment has come to the service centre. */
  submitted ({ to, from, reference, number, count, text }: Submitted, kept: boolean): void {
    const serial = serialOf(text)
    const entry = serial === undefined ? undefined : this.#entries.get(serial)
    if (entry === undefined) return this.fault(`something came that nobody asked for, or long after its end: ${text} to ${to}`)
    const { wish, references, parts } = entry
    references.add(reference)
    if (`+${to}` !== wish.to || from !== SENDER) this.fault(`text ${serial} came from ${from} to ${to}`)
    if (count !== wish.fragments || number < 1 || number > count) this.fault(`text ${serial} of ${wish.fragments} came as fragment ${number} of ${count}`)
    const part = parts.get(number) ?? { text, kept: 0 }
    parts.set(number, part)
    if (part.text !== text) this.fault(`fragment ${number} of text ${serial} was "${part.text}" before, now "${text}"`)
    if (!kept) return
    part.kept++
    if (number > 1 && (parts.get(number - 1)?.kept ?? 0) === 0) this.fault(`fragment ${number} of text ${serial} came before the one before it`)
  }

  /** An event has come, again maybe. */
  told (eventId: number, event: SmsDeliveryEvent): void {
    this.#eventIds.add(eventId)
    const before = this.#finals.get(event.messageId)
    if (!event.final) {
      if (before !== undefined && before.eventId < eventId) this.fault(`message ${event.messageId} is told to go on after its end`)
      return
    }
    if (before !== undefined && before.eventId !== eventId) this.fault(`message ${event.messageId} ends in events ${before.eventId} and ${eventId}`)
    this.#finals.set(event.messageId, { eventId, event })
  }

  fault (text: string): void {
    this.#faults.push(text)
  }

  /** The faults since the last time. */
  takeFaults (): string[] {
    return this.#faults.splice(0)
  }

  /** Texts since the last check, and those answered OK. */
  get figures (): { asked: number, accepted: number, again: number } {
    const entries = [...this.#entries.values()]
    return {
      asked: entries.length,
      accepted: entries.filter(({ messageId }) => messageId !== undefined).length,
      again: entries.filter(({ parts }) => [...parts.values()].some(({ kept }) => kept > 1)).length
    }
  }

  /**
   * Gives what is wrong now that nothing is under way any more, and forgets it. `mayBeUnknown`: how many messages may have ended so; then
   * also no fragment may have come twice.
   */
  check (mayBeUnknown: number | undefined): string[] {
    let unknown = 0
    for (const entry of this.#entries.values()) {
      const final = entry.messageId === undefined ? undefined : this.#finals.get(entry.messageId)?.event
      if (final?.state === SmsState.SMS_STATE_UNKNOWN) unknown++
      this.#checkOne(entry, final, mayBeUnknown !== undefined)
    }
    if (unknown > (mayBeUnknown ?? 0)) this.fault(`${unknown} messages ended as unknown, at most ${mayBeUnknown ?? 0} may`)
    const last = Math.max(0, ...this.#eventIds)
    if (last !== this.#eventIds.size) this.fault(`the last event is ${last}, and ${this.#eventIds.size} came`)
    this.#entries.clear()
    this.#finals.clear()
    return this.takeFaults()
  }

  #checkOne ({ wish, messageId, references, parts }: Entry, final: SmsDeliveryEvent | undefined, failsWhenUnknown: boolean): void {
    const { serial, text, fragments } = wish
    const note = (what: string): void => { this.fault(`text ${serial} (${messageId ?? 'not answered OK'}): ${what}`) }
    const kept = Array.from({ length: fragments }, (_, index) => parts.get(index + 1)).filter(part => part !== undefined && part.kept > 0)
    const whole = kept.length === fragments
    const came = `${kept.length} of ${fragments} fragments came`
    const twice = kept.filter(part => part!.kept > 1).length
    if (references.size > 1) note(`it came under ${references.size} references`)
    if (whole && kept.map(part => part!.text).join('') !== text) note('its fragments do not make it')
    if (failsWhenUnknown && twice > 0) note(`${twice} fragments came twice`)
    if (messageId === undefined) {
      // It may be there or not, but never by half.
      if (kept.length > 0 && !whole && !failsWhenUnknown) note(came)
      return
    }
    if (final === undefined) return note(`no event tells its end, and ${came}`)
    const { state, networkError, possibleDuplicate } = final
    if (state !== SmsState.SMS_STATE_DELIVERED && state !== SmsState.SMS_STATE_UNKNOWN) note(`it ended in state ${state} (${networkError})`)
    if (state === SmsState.SMS_STATE_DELIVERED && !whole) note(`it is delivered, and ${came}`)
    if (twice > 0 && !possibleDuplicate) note(`${twice} fragments came twice, and nothing says that this may be`)
  }
}

/** Whom all texts are from. */
export const SENDER = 'Landfall'
