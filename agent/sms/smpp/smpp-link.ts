import { readFileSync } from 'node:fs'
import type { Clock } from '../../lib/clock.ts'
import type { Discards } from '../../lib/discards.ts'
import { TokenBucket } from '../../lib/token-bucket.ts'
import type { Link, LinkListener, Outcome, Submission } from '../link.ts'
import type { BindMode, Credentials } from './bind.ts'
import { COMMAND, ESM } from './codes.ts'
import type { Door } from './connect.ts'
import { Line, type Notice } from './line.ts'
import { messageBody, readMessageId, type Message } from './message.ts'
import { comparableId, type IdFormat } from './message-id.ts'
import { isReceipt, readReceipt } from './receipt.ts'
import { readReceived } from './received.ts'
import type { Answer } from './requests.ts'
import { ROK, RX_P_APPN, statusCause, statusClass, type StatusOverrides } from './status.ts'
import { submitMessage, type SubmitWishes } from './submit.ts'
import { Throttle } from './throttle.ts'

/** What a tenth of a second brings may be sent at once: a service centre that counts by seconds then sees little more than the rate. */
const BURST_SECONDS = 0.1

/** How to deal with one service centre. */
export interface SmppSettings extends SubmitWishes {
  door: Door
  systemId: string
  /** The file that holds the password in its first line; read at each bind. */
  passwordFile: string
  systemType: string
  /** One session for both ways, or one for each. */
  bind: 'transceiver' | 'pair'
  /** Messages that may wait for their answers. */
  window: number
  /** Fragments in a second at most; 0: as many as it takes. */
  fragmentsPerSecond: number
  answerMs: number
  enquireMs: number
  idFormat: IdFormat
  statuses: StatusOverrides
}

/** What the link needs of its surroundings. */
export interface SmppParts {
  settings: SmppSettings
  clock: Clock
  discards: Discards
  notice: Notice
  /** Between 0 and 1. */
  random?: () => number
}

/** The way into the network by a service centre that speaks SMPP 3.4. */
export class SmppLink implements Link {
  readonly name = 'smpp'
  readonly #settings: SmppSettings
  readonly #clock: Clock
  readonly #discards: Discards
  readonly #throttle: Throttle
  readonly #rate: TokenBucket | undefined
  /** The one that sends comes first. */
  readonly #lines: readonly [Line, ...Line[]]
  #listener: LinkListener | undefined
  #cancelWake: (() => void) | undefined

  constructor ({ settings, clock, discards, notice, random = Math.random }: SmppParts) {
    this.#settings = settings
    this.#clock = clock
    this.#discards = discards
    this.#throttle = new Throttle(clock, () => { this.#ready() })
    const { fragmentsPerSecond: perSecond, door, answerMs, enquireMs } = settings
    this.#rate = perSecond === 0 ? undefined : new TokenBucket(perSecond, Math.max(1, perSecond * BURST_SECONDS), clock)
    const listener = { ready: () => { this.#ready() }, deliver: (message: Message) => this.#deliver(message) }
    const line = (mode: BindMode): Line =>
      new Line({ door, mode, credentials: () => this.#credentials(), answerMs, enquireMs, clock, random, discards, notice, listener })
    this.#lines = settings.bind === 'pair' ? [line('transmitter'), line('receiver')] : [line('transceiver')]
  }

  get up (): boolean {
    return this.#lines[0].session !== undefined
  }

  get room (): number {
    const session = this.#lines[0].session
    if (session?.writable !== true) return 0
    const free = Math.min(this.#settings.window, this.#throttle.allowed) - session.waiting
    return Math.max(0, Math.min(free, Math.floor(this.#rate?.left ?? free)))
  }

  get trouble (): string | undefined {
    return this.#lines[0].trouble ?? (this.#throttle.open ? undefined : 'the service centre asked to slow down')
  }

  start (listener: LinkListener): void {
    this.#listener = listener
    for (const line of this.#lines) line.start()
  }

  async stop (graceMs: number): Promise<void> {
    this.#throttle.stop()
    this.#cancelWake?.()
    await Promise.all(this.#lines.map(line => line.stop(graceMs)))
  }

  async submit (submission: Submission): Promise<Outcome> {
    const message = submitMessage(submission, this.#settings)
    if (typeof message === 'string') return { kind: 'permanent', cause: message }
    const body = messageBody(message)
    if (body === undefined) return { kind: 'permanent', cause: 'smpp.field' }
    const asked = this.room === 0 ? undefined : this.#lines[0].session?.request(COMMAND.submitSm, body)
    if (asked === undefined) return { kind: 'unsent', cause: this.up ? 'smpp.no-room' : 'smpp.down' }
    this.#rate?.take()
    this.#wakeForRate()
    const outcome = this.#outcome(await asked)
    this.#ready()
    return outcome
  }

  #outcome (answer: Answer): Outcome {
    if ('lost' in answer) return { kind: 'unknown', cause: answer.lost }
    const { status, body } = answer
    const meaning = status === ROK ? 'accepted' : statusClass(status, this.#settings.statuses)
    const cause = statusCause(status)
    if (meaning === 'throttle') return { kind: 'temporary', cause, afterMs: this.#throttle.refused(), throttled: true }
    this.#throttle.answered()
    switch (meaning) {
      case 'accepted': return { kind: 'accepted', id: comparableId(readMessageId(body), 'response', this.#settings.idFormat) }
      case 'session':
        this.#lines[0].session?.abandon(cause)
        return { kind: 'unsent', cause }
      default: return { kind: meaning, cause }
    }
  }

  /** What came from the service centre; gives the status that answers it. Rejects when it could not be stored. */
  async #deliver (message: Message): Promise<number> {
    const { idFormat, defaultAlphabet } = this.#settings
    if (isReceipt(message)) {
      const receipt = readReceipt(message, idFormat)
      // It would not be better the next time.
      if (receipt === undefined) this.#discards.count('smpp.receipt')
      else await this.#listener?.receipt(receipt)
      return ROK
    }
    if ((message.esmClass & ESM.kindMask) !== ESM.message) {
      // Acknowledgements of a phone's user (SMPP 3.4 clause 5.2.12): nobody asked for them.
      this.#discards.count('smpp.acknowledgement')
      return ROK
    }
    const received = readReceived(message, defaultAlphabet)
    if (typeof received === 'string') {
      this.#discards.count(received)
      return RX_P_APPN
    }
    await this.#listener?.received(received)
    return ROK
  }

  /** Throws when the file cannot be read. */
  #credentials (): Credentials {
    const { systemId, passwordFile, systemType } = this.#settings
    return { systemId, systemType, password: readFileSync(passwordFile, 'latin1').split(/\r?\n/, 1)[0]! }
  }

  #ready (): void {
    if (this.room > 0) this.#listener?.ready()
    else this.#wakeForRate()
  }

  /** Wakes when the rate allows the next one. */
  #wakeForRate (): void {
    const left = this.#rate?.left ?? 1
    if (left >= 1 || this.#cancelWake !== undefined) return
    this.#cancelWake = this.#clock.after(Math.ceil((1 - left) / this.#settings.fragmentsPerSecond * 1_000), () => {
      this.#cancelWake = undefined
      this.#ready()
    })
  }
}
