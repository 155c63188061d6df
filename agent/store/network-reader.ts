import type { Subscriber } from '../location/subscriber.ts'
import { decodeEvent, type ReadEvent } from './event-record.ts'
import type { LogHead } from './head.ts'
import { decodeNumberKey, eventKey, subscriberKey } from './keys.ts'
import { readHeads, type Network } from './network.ts'
import { numberRange } from './ranges.ts'
import { decodeSubscriber } from './subscriber-record.ts'

/** SIMs that are looked up by one number at most. */
const SHARED_NUMBER_LIMIT = 100

/** Reads what the network said, beside its writer. It sees a commit once `refresh` was called after it. */
export class NetworkReader {
  readonly #network: Network
  readonly #tenant: number

  constructor (network: Network, tenant: number) {
    this.#network = network
    this.#tenant = tenant
  }

  /** Lets go of the snapshot that reads are made from. Call it when the writer has announced a commit. */
  refresh (): void {
    this.#network.root.resetReadTxn()
  }

  heads (): LogHead[] {
    return readHeads(this.#network, this.#tenant)
  }

  /** One event; undefined when retention has taken it. Throws RecordDamaged. */
  event (kind: number, id: number): ReadEvent | undefined {
    const record = this.#network.events.get(eventKey(this.#tenant, kind, id))
    return record === undefined ? undefined : decodeEvent(record)
  }

  /** Id of the first event that was committed at `time` (ms since 1970) or later; the head's id plus one when there is none. */
  firstCommittedAt (kind: number, time: number): number {
    const head = this.heads()[kind]!
    let low = head.oldest
    let high = head.id + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const event = this.event(kind, middle)
      if (event !== undefined && event.committedAt >= time) high = middle
      else low = middle + 1
    }
    return low
  }

  subscriber (imsi: string): Subscriber | undefined {
    const record = this.#network.subscribers.get(subscriberKey(this.#tenant, imsi))
    return record === undefined ? undefined : decodeSubscriber(imsi, record, this.#network.nodes.node)
  }

  /** The SIMs that have a number, at most 100. */
  subscribersByNumber (msisdn: string): Subscriber[] {
    const found: Subscriber[] = []
    for (const key of this.#network.numbers.getKeys(numberRange(this.#tenant, msisdn, SHARED_NUMBER_LIMIT))) {
      const subscriber = this.subscriber(decodeNumberKey(key).imsi)
      if (subscriber !== undefined) found.push(subscriber)
    }
    return found
  }

  async close (): Promise<void> {
    await this.#network.root.close()
  }
}
