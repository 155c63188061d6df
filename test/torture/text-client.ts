import { setTimeout as later } from 'node:timers/promises'
import { credentials, Metadata } from '@grpc/grpc-js'
import { SendMessageResponse_SendStatus as SendStatus, SmsServiceClient, type SendMessageResponse } from '../../gen/wgtwo/sms/v1/sms.ts'
import { makeText, SENDER, type SmsLedger, type Wish } from './sms-ledger.ts'

/** Pause after a call that failed, while the agent is away. */
const AWAY_MS = 30

/** The client looks again soon after the agent has come back. */
const RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 100 }

/** A client that sends texts to subscribers and notes which were answered OK. */
export class TextClient {
  readonly #client: SmsServiceClient
  readonly #ledger: SmsLedger
  readonly #subscribers: number
  readonly #workers: Promise<void>[] = []
  #serial = 0
  #going = false

  constructor (address: string, ledger: SmsLedger, subscribers: number) {
    this.#client = new SmsServiceClient(address, credentials.createInsecure(), RECONNECT)
    this.#ledger = ledger
    this.#subscribers = subscribers
  }

  /** Sends one text after the other, so many at once, with a pause of up to `pauseMs` after each, until `rest`. */
  begin (random: () => number, workers: number, pauseMs: number): void {
    this.#going = true
    for (let worker = 0; worker < workers; worker++) this.#workers.push(this.#work(random, pauseMs))
  }

  /** Begins no new text; resolves when those under way have been answered. */
  async rest (): Promise<void> {
    this.#going = false
    await Promise.all(this.#workers.splice(0))
  }

  /** Sends a text of one fragment to the next subscriber; resolves with its number and id. Rejects where that is not answered OK. */
  async one (): Promise<{ to: string, messageId: string }> {
    const wish = this.#next(1, 'gsm7', undefined)
    const { status, messageId, numFragments, description } = await this.#send(wish)
    if (status !== SendStatus.SEND_STATUS_OK) throw new Error(description)
    this.#ledger.accepted(wish, messageId, numFragments)
    return { to: wish.to.slice(1), messageId }
  }

  close (): void {
    this.#client.close()
  }

  async #work (random: () => number, pauseMs: number): Promise<void> {
    while (this.#going) {
      const fragments = random() % 3 === 0 ? 2 + random() % 3 : 1
      const wish = this.#next(fragments, random() % 4 === 0 ? 'ucs2' : 'gsm7', random() % 3 === 0 ? `order-${this.#serial}` : undefined)
      const answered = await this.#try(wish)
      // With a key it is sent again: surely where nobody knows whether it was taken, and now and then all the same.
      if (wish.key !== undefined && (!answered || random() % 2 === 0)) while (!await this.#try(wish)) await later(AWAY_MS)
      await later(answered ? random() % pauseMs : AWAY_MS)
    }
  }

  /** Whether it was answered. */
  async #try (wish: Wish): Promise<boolean> {
    try {
      const { status, messageId, numFragments, description } = await this.#send(wish)
      if (status === SendStatus.SEND_STATUS_OK) this.#ledger.accepted(wish, messageId, numFragments)
      else this.#ledger.fault(`text ${wish.serial} was refused: ${description}`)
      return true
    } catch {
      return false
    }
  }

  #next (fragments: number, alphabet: 'gsm7' | 'ucs2', key: string | undefined): Wish {
    const serial = ++this.#serial
    const wish = { serial, to: `+${numberOf(serial % this.#subscribers)}`, text: makeText(serial, fragments, alphabet), fragments, key }
    this.#ledger.asked(wish)
    return wish
  }

  async #send ({ to, text, key }: Wish): Promise<SendMessageResponse> {
    const metadata = new Metadata()
    if (key !== undefined) metadata.set('idempotency-key', key)
    return await new Promise((resolve, reject) => {
      const request = { content: text, toSubscriber: to, fromAddress: SENDER, deliveryDeadline: undefined }
      this.#client.sendTextToSubscriber(request, metadata, (error, answer) => {
        if (error === null) resolve(answer)
        else reject(error)
      })
    })
  }
}

/** The number of a subscriber, from 0. */
function numberOf (subscriber: number): string {
  return `47900${String(subscriber).padStart(6, '0')}`
}

/** So many subscribers, as `landfall subscriber import` takes them. */
export function subscribersFile (count: number): string {
  return Array.from({ length: count }, (_, subscriber) => `242019${String(subscriber).padStart(9, '0')},${numberOf(subscriber)},NO,\n`).join('')
}
