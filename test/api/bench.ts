import { status, type ChannelCredentials, type ClientReadableStream, type Metadata, type ServiceError } from '@grpc/grpc-js'
import { AddClientRequest } from '../../gen/landfall/control/v1/control.ts'
import type { StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import type { EventResponse } from '../../agent/api/event-message.ts'
import { clientHandlers } from '../../agent/api/client-control.ts'
import type { ClientRegistry } from '../../agent/api/client-registry.ts'
import { EventSubscriber } from '../../agent/cli/event-subscriber.ts'
import { configSchema, type Config } from '../../agent/config/schema.ts'
import { tenantWish } from '../../agent/config/tenants.ts'
import type { Sighting } from '../../agent/diameter/sighting.ts'
import { DEFAULT_POLICY } from '../../agent/location/policy.ts'
import { track } from '../../agent/location/tracker.ts'
import type { LogKind } from '../../agent/store/event-record.ts'
import { openLog, type Log } from '../../agent/observe/log.ts'
import { Serve } from '../../agent/serve.ts'
import { sealIdentity, stateFiles } from '../../agent/store/identity.ts'
import type { Dispatcher } from '../../agent/delivery/dispatcher.ts'
import type { NetworkWriter, RetentionLimits } from '../../agent/store/network-writer.ts'
import { openWriter } from '../../agent/store/open-writer.ts'
import { takeStateDirectory } from '../../agent/store/state-directory.ts'
import { START, ulr } from '../lib/sightings.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { temporaryDirectory, type Owner } from '../lib/temporary.ts'
import { askToken } from '../lib/token.ts'

const POLICY = { ...DEFAULT_POLICY, mode: 'replay' as const }

/** A configuration that listens on any free port of loopback. */
function testConfig (directory: string, other: object = {}): Config {
  return configSchema.parse({ state_directory: directory, control_socket: `${directory}/control.sock`, listen: '127.0.0.1:0', log: { level: 'silent' }, ...other })
}

/** What a bench has of its own where none is given. */
interface Surroundings { clock?: ManualClock, log?: Log }

/** The lower half on a real store and a real port, with a clock of the test's and a hand on the upper half's writer. */
export class Bench {
  readonly clock: ManualClock
  readonly address: string
  /** Where its own issuer answers, if it has one. */
  readonly issuer: string
  readonly #serve: Serve
  readonly #writer: NetworkWriter
  readonly #unlock: () => void
  #stopped = false

  private constructor (clock: ManualClock, serve: Serve, writer: NetworkWriter, unlock: () => void, port: number, issuerPort: number | undefined) {
    this.clock = clock
    this.#serve = serve
    this.#writer = writer
    this.#unlock = unlock
    this.address = `127.0.0.1:${port}`
    this.issuer = `http://127.0.0.1:${issuerPort}`
  }

  /** Starts on a directory, by default one of its own. It stops with its owner. */
  static async start (owner: Owner, directory = temporaryDirectory(owner), other: object = {}, surroundings: Surroundings = {}): Promise<Bench> {
    const { clock = new ManualClock(), log = openLog('silent', 'test') } = surroundings
    const config = testConfig(directory, other)
    const { identity, unlock } = await takeStateDirectory(directory, clock.now())
    const { writer } = await openWriter(stateFiles(directory).network, identity, tenantWish(config), clock, identity.erasureKey)
    const serve = new Serve({ config, identity, clock, log, onFatal: error => { throw error }, watch: async () => {} })
    sealIdentity(directory)
    const { port, issuerPort } = await serve.listen(config.listen)
    const bench = new Bench(clock, serve, writer, unlock, port, issuerPort)
    owner.teardown(async () => { await bench.stop() })
    return bench
  }

  /** Takes sightings as ingest would. */
  async see (...sightings: Sighting[]): Promise<void> {
    const { grown, heads } = await this.#writer.commit(sightings, (state, sighting) => track(state, sighting, POLICY))
    this.#serve.grew(grown, heads)
  }

  /** Runs one step of retention as ingest would. */
  async retain (limits: RetentionLimits): Promise<void> {
    const retained = await this.#writer.retain(limits)
    if (retained !== undefined) this.#serve.grew(retained.taken, retained.heads)
  }

  /** Tells that SIMs can be reached, as ingest would. */
  returned (...imsis: string[]): void {
    this.#serve.returned(imsis)
  }

  /** What the commands about short messages use. */
  get sms (): NonNullable<Serve['smsControl']> { return this.#serve.smsControl! }

  /** Erases a SIM as the command does. */
  async forget (imsi: string): Promise<number> {
    return await this.#serve.erasures(async imsi => await this.#writer.forget(imsi)).erase(imsi)
  }

  /** What the agent's own commands see. */
  get dispatcher (): Dispatcher { return this.#serve.dispatcher }

  /** The clients that may call. */
  get registry (): ClientRegistry { return this.#serve.clientControl.registry }

  /** Makes a new key for the agent's own issuer, as the command does. */
  rotateKey (): void { this.#serve.clientControl.rotateKey() }

  /** Registers a client as the command does; gives its secret. */
  async addClient (wish: Partial<AddClientRequest> & { id: string }): Promise<string> {
    const { addClient } = clientHandlers(this.#serve.clientControl)
    return await new Promise((resolve, reject) => {
      addClient({ request: AddClientRequest.fromPartial(wish) } as Parameters<typeof addClient>[0], (error, answer) => {
        if (error === null) resolve(answer!.secret)
        else reject(new Error(JSON.stringify(error)))
      })
    })
  }

  /** Asks the agent's own issuer for a token, as a client does; `ca`: whom it trusts, where the agent has TLS. */
  async token (id: string, secret: string, scope = '', ca?: Buffer): Promise<string> {
    return String((await askToken(this.issuer, id, secret, scope, ca)).json['access_token'])
  }

  async stop (): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#serve.stop()
    await this.#writer.close()
    this.#unlock()
  }
}

/** A client's stream whose events can be waited for one after the other. */
export class TestStream {
  readonly #subscriber: EventSubscriber
  readonly #stream: ClientReadableStream<EventResponse>
  readonly #events: EventResponse[] = []
  #wake: () => void = () => {}
  /** How the stream ended. */
  readonly ended: Promise<{ code: status, details: string, metadata?: Metadata }>
  /** Resolves when the server has opened the stream, with what it said then. */
  readonly ready: Promise<Metadata>

  constructor (
    owner: Owner, address: string, kind: LogKind, configuration: Partial<StreamConfiguration> = {}, token?: string, channel?: ChannelCredentials
  ) {
    this.#subscriber = new EventSubscriber(address, kind, token, channel)
    this.#stream = this.#subscriber.open({
      streamType: undefined, acknowledgeOption: undefined, maxInFlight: 0, startPosition: undefined, ...configuration
    })
    this.ready = new Promise(resolve => { this.#stream.once('metadata', resolve) })
    this.ended = new Promise(resolve => {
      this.#stream.on('error', (error: ServiceError) => { resolve({ code: error.code, details: error.details, metadata: error.metadata }) })
      this.#stream.on('end', () => { resolve({ code: status.OK, details: '' }) })
    })
    this.#stream.on('data', (event: EventResponse) => { this.#events.push(event); this.#wake() })
    owner.teardown(() => { this.close() })
  }

  /** The next event. */
  async next (): Promise<EventResponse> {
    while (this.#events.length === 0) await new Promise<void>(resolve => { this.#wake = resolve })
    return this.#events.shift()!
  }

  /** The next so many events. */
  async take (count: number): Promise<EventResponse[]> {
    const taken: EventResponse[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }

  /** Events that have come and were not taken. */
  get pending (): number { return this.#events.length }

  async ack (event: EventResponse): Promise<boolean> {
    return await this.#subscriber.ack(event)
  }

  /** The subscriber, for calls of one's own. */
  get subscriber (): EventSubscriber { return this.#subscriber }

  close (): void {
    this.#stream.cancel()
    this.#subscriber.close()
  }
}

/** Ids of events. */
export function idsOf (events: readonly EventResponse[]): number[] {
  return events.map(event => Number(event.metadata!.eventId))
}

/** So many first attachments, of SIMs numbered from `from`. */
export function attachments (count: number, from = 1): Sighting[] {
  return Array.from({ length: count }, (_, i) => ulr({ imsi: `24201${String(from + i).padStart(10, '0')}`, time: START + from + i }))
}
