import type { Server } from '@grpc/grpc-js'
import { SubscriptionEventServiceService } from '../gen/wgtwo/subscription/v1/subscription.ts'
import { SmsServiceService } from '../gen/wgtwo/sms/v1/sms.ts'
import { Pseudonyms } from './api/pseudonym.ts'
import { bind, makeServer, stopServer } from './api/server.ts'
import { smsHandlers } from './api/sms-service.ts'
import { SubscriptionService } from './api/subscription-service.ts'
import type { Config } from './config/schema.ts'
import { Dispatcher } from './delivery/dispatcher.ts'
import { AckTokens } from './delivery/token.ts'
import type { Clock } from './lib/clock.ts'
import { ClientsStore } from './store/clients.ts'
import type { LogHead } from './store/head.ts'
import { stateFiles, type Identity } from './store/identity.ts'
import { openNetworkReader } from './store/network.ts'
import { NetworkReader } from './store/network-reader.ts'
import { TENANT } from './store/tenant.ts'

/** What the lower half needs of its surroundings. */
export interface ServeParts {
  config: Config
  identity: Identity
  clock: Clock
  /** A commit failed: nobody knows what the disk holds, so the process must end. */
  onFatal: (error: unknown) => void
}

/** The lower half: joins delivery and api to the store. */
export class Serve {
  readonly reader: NetworkReader
  readonly #clients: ClientsStore
  readonly #dispatcher: Dispatcher
  readonly #subscriptions: SubscriptionService
  readonly #server: Server

  /** Opens the data; the upper half must have opened its environment before. */
  constructor ({ config, identity, clock, onFatal }: ServeParts) {
    const files = stateFiles(config.state_directory)
    this.reader = new NetworkReader(openNetworkReader(files.network, identity.incarnation), TENANT.number)
    this.#clients = ClientsStore.open(files.clients, identity.incarnation)
    const limits = { queuesPerClient: config.delivery.queues_per_client, streams: config.delivery.streams }
    this.#dispatcher = new Dispatcher(this.reader, this.#clients, clock, limits, onFatal)
    this.#subscriptions = new SubscriptionService({
      dispatcher: this.#dispatcher,
      tokens: new AckTokens(identity.tokenKey, identity.incarnation),
      pseudonyms: new Pseudonyms(identity.pseudonymKey),
      region: config.region
    })
    this.#server = makeServer()
    this.#server.addService(SubscriptionEventServiceService, this.#subscriptions.handlers())
    this.#server.addService(SmsServiceService, smsHandlers())
  }

  /** Begins to serve; gives the port. */
  async listen (address: string): Promise<number> {
    return await bind(this.#server, address)
  }

  /** Logs have grown, and that is on disk. */
  grew (kinds: readonly number[], heads: readonly LogHead[]): void {
    this.#dispatcher.grew(kinds, heads)
  }

  /** Ends all streams, stores where every queue stands, and closes the data. */
  async stop (): Promise<void> {
    this.#subscriptions.stop()
    await stopServer(this.#server)
    await this.#dispatcher.stop()
    await this.#clients.close()
    await this.reader.close()
  }
}
