import type { Subscriber } from '../location/subscriber.ts'
import { decodeEvent, type ReadEvent } from './event-record.ts'
import { decodeNumberKey, eventKey, subscriberKey } from './keys.ts'
import type { EventLog, Heads } from './event-log.ts'
import { readHeads, type Network } from './network.ts'
import { numberRange } from './ranges.ts'
import { decodeSubscriber } from './subscriber-record.ts'
import { knownTenants } from './tenant-table.ts'
import type { Tenant } from './tenant.ts'

/** SIMs that are looked up by one number at most, for each tenant. */
const SHARED_NUMBER_LIMIT = 100

/** Reads what the network said, beside its writer. It sees a commit once `refresh` was called after it. */
export class NetworkReader {
  readonly #network: Network
  readonly #tenants: readonly Tenant[]

  /** The tenants are those that had data when this was opened. Throws RecordDamaged. */
  constructor (network: Network) {
    this.#network = network
    this.#tenants = knownTenants(network)
  }

  /** Lets go of the snapshot that reads are made from. Call it when the writer has announced a commit. */
  refresh (): void {
    this.#network.root.resetReadTxn()
  }

  heads (): Heads {
    return readHeads(this.#network, this.#tenants)
  }

  /** One event; undefined when retention has taken it. Throws RecordDamaged. */
  event ({ tenant, kind }: EventLog, id: number): ReadEvent | undefined {
    const record = this.#network.events.get(eventKey(tenant, kind, id))
    return record === undefined ? undefined : decodeEvent(record)
  }

  /** What is known of a SIM, whosever it is. Throws RecordDamaged. */
  subscriber (imsi: string): Subscriber | undefined {
    for (const { number } of this.#tenants) {
      const record = this.#network.subscribers.get(subscriberKey(number, imsi))
      if (record !== undefined) return decodeSubscriber(imsi, record, this.#network.nodes.node)
    }
    return undefined
  }

  /** The SIMs that have a number, at most 100 of each tenant. */
  subscribersByNumber (msisdn: string): Subscriber[] {
    return this.#tenants.flatMap(({ number }) => this.subscribersOfNumber(number, msisdn))
  }

  /** A tenant's SIMs that have a number, at most 100. */
  subscribersOfNumber (tenant: number, msisdn: string): Subscriber[] {
    const found: Subscriber[] = []
    for (const key of this.#network.numbers.getKeys(numberRange(tenant, msisdn, SHARED_NUMBER_LIMIT))) {
      const subscriber = this.subscriber(decodeNumberKey(key).imsi)
      if (subscriber !== undefined) found.push(subscriber)
    }
    return found
  }

  async close (): Promise<void> {
    await this.#network.root.close()
  }
}
