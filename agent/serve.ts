import type { Server } from '@grpc/grpc-js'
import { EventServiceService } from '../gen/landfall/v1/events.ts'
import { SmsServiceService } from '../gen/wgtwo/sms/v1/sms.ts'
import { SubscriptionEventServiceService } from '../gen/wgtwo/subscription/v1/subscription.ts'
import { EventService } from './api/event-service.ts'
import { Health } from './api/health.ts'
import { Identifiers } from './api/identifier.ts'
import { listen } from './api/listener.ts'
import { Pseudonyms } from './api/pseudonym.ts'
import { addReflection } from './api/reflection.ts'
import { CLIENT_MESSAGE_BYTES, makeServer, stopServer } from './api/server.ts'
import { smsHandlers } from './api/sms-service.ts'
import { SubscriptionService } from './api/subscription-service.ts'
import type { Config } from './config/schema.ts'
import { Dispatcher } from './delivery/dispatcher.ts'
import { AckTokens } from './delivery/token.ts'
import { Doors } from './doors.ts'
import type { Clock } from './lib/clock.ts'
import type { Log } from './observe/log.ts'
import { ClientsStore } from './store/clients.ts'
import type { LogHead } from './store/head.ts'
import { stateFiles, type Identity } from './store/identity.ts'
import { openNetworkReader } from './store/network.ts'
import { NetworkReader } from './store/network-reader.ts'
import { TENANT } from './store/tenant.ts'

const HOUR_MS = 3_600_000

/** Services that health is told of and reflection lists. */
const SERVICES = [SubscriptionEventServiceService, EventServiceService, SmsServiceService]
  .map(service => Object.values(service)[0]!.path.split('/')[1]!)

/** What the lower half needs of its surroundings. */
export interface ServeParts {
  config: Config
  identity: Identity
  clock: Clock
  log: Log
  /** A commit failed, or a record is damaged: the process must end. */
  onFatal: (error: unknown) => void
}

/** The lower half: joins delivery and api to the store. */
export class Serve {
  readonly reader: NetworkReader
  readonly dispatcher: Dispatcher
  readonly #makeDoors: () => Doors
  readonly #clients: ClientsStore
  readonly #subscriptions: SubscriptionService
  readonly #events: EventService
  readonly #health = new Health(SERVICES)
  readonly #server: Server
  #doors: Doors | undefined

  /** Opens the data; the upper half must have opened its environment before. */
  constructor ({ config, identity, clock, log, onFatal }: ServeParts) {
    const files = stateFiles(config.state_directory)
    const { delivery } = config
    this.#makeDoors = () => new Doors(config, clock, log)
    this.reader = new NetworkReader(openNetworkReader(files.network, identity.incarnation), TENANT.number)
    this.#clients = ClientsStore.open(files.clients, identity)
    const limits = { queuesPerClient: delivery.queues_per_client, streams: delivery.streams, idleQueueMs: delivery.idle_queue_hours * HOUR_MS }
    this.dispatcher = new Dispatcher(this.reader, this.#clients, clock, limits, {
      missed: (queue, count) => { log.warn({ ...queue, count }, 'retention took events that this queue had not acknowledged') },
      expired: (queue, waiting) => { log.warn({ ...queue, waiting }, 'this queue was forgotten: nobody has read it for too long') },
      fatal: onFatal
    })
    const parts = {
      dispatcher: this.dispatcher,
      tokens: new AckTokens(identity.tokenKey, identity.incarnation),
      identifiers: new Identifiers(new Pseudonyms(identity.pseudonymKey), config.region),
      clock,
      streamMinutes: delivery.stream_minutes,
      maxDeliveries: delivery.max_deliveries
    }
    this.#subscriptions = new SubscriptionService(parts)
    this.#events = new EventService(parts)
    this.#server = makeServer(CLIENT_MESSAGE_BYTES)
    this.#server.addService(SubscriptionEventServiceService, this.#subscriptions.handlers())
    this.#server.addService(EventServiceService, this.#events.handlers())
    this.#server.addService(SmsServiceService, smsHandlers())
    this.#health.addTo(this.#server)
    addReflection(this.#server, SERVICES)
  }

  /** Begins to serve; gives the port. Throws TlsFilesError, or the system's error when the address cannot be had. */
  async listen (address: string): Promise<number> {
    this.#doors = this.#makeDoors()
    return await this.#doors.open('gRPC', address, async options => await listen(this.#server, options))
  }

  /** Logs have grown or lost their beginning, and that is on disk. */
  readonly grew = (kinds: readonly number[], heads: readonly LogHead[]): void => {
    this.dispatcher.grew(kinds, heads)
  }

  /** Ends all streams, stores where every queue stands, and closes the data. */
  async stop (): Promise<void> {
    this.#health.stop()
    this.#doors?.stop()
    this.#subscriptions.stop()
    await this.#events.stop()
    await stopServer(this.#server)
    await this.dispatcher.stop()
    await this.#clients.close()
    await this.reader.close()
  }
}
