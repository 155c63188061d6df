import type { Server } from '@grpc/grpc-js'
import { EventServiceService } from '../gen/landfall/v1/events.ts'
import { SmsEventServiceService } from '../gen/landfall/v1/sms.ts'
import { SmsServiceService } from '../gen/wgtwo/sms/v1/sms.ts'
import { SubscriptionEventServiceService } from '../gen/wgtwo/subscription/v1/subscription.ts'
import { Access } from './access.ts'
import { ClientConnections } from './api/client-connections.ts'
import type { ClientControlParts } from './api/client-control.ts'
import { readDescriptorSet } from './api/descriptors.ts'
import { Erasures } from './api/erasure.ts'
import { EventService } from './api/event-service.ts'
import { Health } from './api/health.ts'
import { Identifiers } from './api/identifier.ts'
import { listen } from './api/listener.ts'
import { MethodScopes } from './api/method-scopes.ts'
import { Pseudonyms } from './api/pseudonym.ts'
import { addReflection } from './api/reflection.ts'
import { CLIENT_MESSAGE_BYTES, makeServer, stopServer } from './api/server.ts'
import type { SmsControlParts } from './api/sms-control.ts'
import { smsHandlers } from './api/sms-service.ts'
import { SubscriptionService } from './api/subscription-service.ts'
import type { Config } from './config/schema.ts'
import { tenantWish } from './config/tenants.ts'
import { Dispatcher } from './delivery/dispatcher.ts'
import { AckTokens } from './delivery/token.ts'
import { Doors } from './doors.ts'
import type { Clock } from './lib/clock.ts'
import { Messaging } from './messaging.ts'
import { AuditLog } from './observe/audit.ts'
import type { Log } from './observe/log.ts'
import { ClientsStore } from './store/clients.ts'
import { stateFiles, type Identity } from './store/identity.ts'
import type { EventLog, Heads } from './store/event-log.ts'
import { EventLogs } from './store/event-logs.ts'
import { openNetworkReader } from './store/network.ts'
import { NetworkReader } from './store/network-reader.ts'
import { configuredTenants } from './store/tenant-table.ts'
import type { Tenants } from './store/tenant.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** Services that health is told of and reflection lists. */
const SERVICES = [SubscriptionEventServiceService, EventServiceService, SmsServiceService, SmsEventServiceService]
  .map(service => Object.values(service)[0]!.path.split('/')[1]!)

/** What the lower half needs of its surroundings. */
export interface ServeParts {
  config: Config
  identity: Identity
  clock: Clock
  log: Log
  /** A commit failed, or a record is damaged: the process must end. */
  onFatal: (error: unknown) => void
  /** Lets the upper half tell (`returned`), or not any more, that SIMs can be reached again; resolves once it does. */
  watch: (imsis: readonly string[], wanted: boolean) => Promise<void>
}

/** The lower half: joins delivery and api to the store. */
export class Serve {
  readonly reader: NetworkReader
  readonly dispatcher: Dispatcher
  readonly #access: Access
  readonly #connections: ClientConnections
  readonly #scopes = new MethodScopes(readDescriptorSet())
  readonly #tenants: Tenants
  readonly #audit: AuditLog
  readonly #identifiers: Identifiers
  readonly #makeDoors: () => Doors
  readonly #clients: ClientsStore
  readonly #subscriptions: SubscriptionService
  readonly #events: EventService
  readonly #messaging: Messaging
  readonly #health = new Health(SERVICES)
  readonly #server: Server
  #doors: Doors | undefined
  #cancelCount: () => void

  /** Opens the data; the upper half must have opened its environment before. */
  constructor ({ config, identity, clock, log, onFatal, watch }: ServeParts) {
    const files = stateFiles(config.state_directory)
    const { delivery } = config
    this.#makeDoors = () => new Doors(config, clock, log)
    this.#audit = new AuditLog(files.audit, clock.now)
    this.#cancelCount = this.#countLater(clock)
    this.#identifiers = new Identifiers(new Pseudonyms(identity.pseudonymKey), config.region)
    const network = openNetworkReader(files.network, identity.incarnation)
    const { ranges, fallback } = tenantWish(config)
    this.reader = new NetworkReader(network)
    this.#tenants = configuredTenants(network, ranges, fallback)
    this.#clients = ClientsStore.open(files.clients, identity)
    const limits = {
      queuesPerClient: delivery.queues_per_client,
      streams: delivery.streams,
      streamsPerClient: delivery.streams_per_client,
      idleQueueMs: delivery.idle_queue_hours * HOUR_MS
    }
    this.dispatcher = new Dispatcher(new EventLogs(this.reader, this.#clients.smsLog), this.#clients, clock, limits, {
      missed: (queue, count) => { log.warn({ ...queue, count }, 'retention took events that this queue had not acknowledged') },
      expired: (queue, waiting) => { log.warn({ ...queue, waiting }, 'this queue was forgotten: nobody has read it for too long') },
      fatal: onFatal
    })
    this.#messaging = new Messaging({
      config,
      clock,
      log,
      store: this.#clients.outbox,
      reader: this.reader,
      tenants: this.#tenants,
      watch,
      grew: ({ grown, heads }) => { this.dispatcher.grew(grown, heads) },
      fatal: onFatal
    })
    const scopes = this.#scopes
    const audit = this.#audit.write
    this.#connections = new ClientConnections(delivery.connections_per_client)
    this.#access = new Access({
      config: config.access,
      tls: config.tls.certificate !== '',
      stateDirectory: config.state_directory,
      store: this.#clients,
      connections: this.#connections,
      scopes,
      tenants: this.#tenants,
      clock,
      log,
      audit,
      fatal: onFatal
    })
    const parts = {
      dispatcher: this.dispatcher,
      tokens: new AckTokens(identity.tokenKey, identity.incarnation),
      identifiers: this.#identifiers,
      scopes,
      audit,
      clock,
      streamMinutes: delivery.stream_minutes,
      imsiOfMoves: new Set(config.tenants.filter(tenant => tenant.country_change_imsi).map(({ name }) => name)),
      maxDeliveries: delivery.max_deliveries
    }
    this.#subscriptions = new SubscriptionService(parts)
    this.#events = new EventService(parts)
    this.#server = makeServer(CLIENT_MESSAGE_BYTES, this.#access.guard)
    this.#server.addService(SubscriptionEventServiceService, this.#subscriptions.handlers())
    this.#server.addService(EventServiceService, this.#events.handlers())
    this.#server.addService(SmsServiceService, smsHandlers(this.#messaging.control?.sender))
    this.#server.addService(SmsEventServiceService, this.#subscriptions.smsHandlers())
    this.#health.addTo(this.#server)
    addReflection(this.#server, SERVICES)
  }

  /**
   * Begins to serve; gives the ports of the gRPC server and of the agent's own issuer. Throws TlsFilesError, or the system's error where an
   * address cannot be had.
   */
  async listen (address: string): Promise<{ port: number, issuerPort: number | undefined }> {
    this.#doors = this.#makeDoors()
    const issuerPort = await this.#access.listen(this.#doors)
    await this.#messaging.messages.start()
    return { port: await this.#doors.open('gRPC', address, async options => await listen(this.#server, options, this.#connections.opened)), issuerPort }
  }

  /** Logs have grown or lost their beginning, and that is on disk. */
  readonly grew = (logs: readonly EventLog[], heads: Heads): void => {
    this.dispatcher.grew(logs, heads)
  }

  /** SIMs whose return is watched can be reached, and where they are is on disk. */
  readonly returned = (imsis: readonly string[]): void => {
    this.#messaging.messages.returned(imsis)
  }

  /** Says whether there is room on the disk for new messages. */
  setRoom (room: boolean): void {
    this.#messaging.messages.setRoom(room)
  }

  /** What the commands about short messages need; undefined where none are relayed. */
  get smsControl (): SmsControlParts | undefined { return this.#messaging.control }

  /** Erases persons; `forget` erases what the upper half has of one. */
  erasures (forget: (imsi: string) => Promise<number>): Erasures {
    return new Erasures({
      clients: this.#clients,
      dispatcher: this.dispatcher,
      forgetMessages: async imsi => {
        this.reader.refresh()
        return await this.#messaging.messages.forget(imsi, this.reader.subscriber(imsi)?.number)
      },
      forget,
      audit: (imsi, events) => {
        const tenant = this.#tenants.of(imsi)?.name ?? 'none'
        this.#audit.write('erased', { subscription: this.#identifiers.resourceName(tenant, imsi), events })
      }
    })
  }

  /** Tells the audit log once a minute how many acknowledgements each queue has taken, and lets old events of messages go. */
  #countLater (clock: Clock): () => void {
    return clock.after(MINUTE_MS, () => {
      this.#count()
      void this.#messaging.retain()
      this.#cancelCount = this.#countLater(clock)
    })
  }

  #count (): void {
    for (const { queue: { tenant: number, client, kind, name }, count } of this.dispatcher.newAcknowledgements()) {
      this.#audit.write('acknowledged', { tenant: this.#tenants.byNumber(number)?.name, client, kinds: [kind], queue: name, count })
    }
  }

  /** Stores nothing more; resolves when what is under way has ended. Before an exit that cannot wait for an orderly end. */
  async halt (): Promise<void> {
    await this.#clients.halt()
  }

  /** What the commands about clients need. */
  get clientControl (): ClientControlParts {
    const { registry, checks, issues, rotateKey } = this.#access
    return { registry, tenants: this.#tenants, scopes: this.#scopes.all, checks, issues, rotateKey }
  }

  /** Ends all streams, stores where every queue stands, and closes the data. */
  async stop (): Promise<void> {
    this.#health.stop()
    this.#doors?.stop()
    await this.#access.stop()
    await this.#messaging.messages.stop()
    this.#subscriptions.stop()
    await this.#events.stop()
    await stopServer(this.#server)
    await this.dispatcher.stop()
    this.#cancelCount()
    this.#count()
    this.#audit.close()
    await this.#clients.close()
    await this.reader.close()
  }
}
