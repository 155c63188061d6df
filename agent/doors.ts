import type { Door, DoorOptions } from './api/door.ts'
import { Refusals } from './api/refusals.ts'
import { TlsContext } from './api/tls-context.ts'
import type { Config } from './config/schema.ts'
import type { Clock } from './lib/clock.ts'
import { parseEndpoint, reachOf } from './lib/endpoint.ts'
import type { Log } from './observe/log.ts'

/** Permissions of a public unix socket: the user and the group. */
const SOCKET_MODE = 0o660

/** What all public doors have in common: certificate, limits, and what the log says of them. */
export class Doors {
  readonly #config: Config
  readonly #clock: Clock
  readonly #log: Log
  readonly #refusals: Refusals
  readonly #tls: TlsContext | undefined
  readonly #open: Door[] = []

  /** Reads the certificate where one is configured, and looks after it until `stop`. Throws TlsFilesError. */
  constructor (config: Config, clock: Clock, log: Log) {
    this.#config = config
    this.#clock = clock
    this.#log = log
    this.#refusals = new Refusals(clock, refused => { log.warn({ refused }, 'connections were refused') })
    const { certificate, key, client_ca: clientCa, client_certificates: clientCertificates } = config.tls
    if (certificate === '') return
    this.#tls = new TlsContext({
      files: { certificate, key, clientCa: clientCa === '' ? undefined : clientCa },
      clientCertificates,
      clock,
      tell: {
        serves: ({ names, until, keyIsOpen }) => {
          log.info({ certificate, names, until: new Date(until) }, 'new connections are shown this certificate')
          if (keyIsOpen) log.warn({ key }, 'everybody on this machine can read the private key: chmod o-rwx')
        },
        unusable: problem => { log.error({ problem }, 'the files of "tls" were changed and cannot be used; the earlier ones serve on') },
        ends: (days, until) => {
          const end = { certificate, days, until: new Date(until) }
          if (days < 0) log.error(end, 'the certificate has ended and clients refuse it: renew it')
          else log.warn(end, 'the certificate ends soon: renew it')
        }
      }
    })
  }

  /** Opens a door at HOST:PORT or unix:PATH and says so; gives the port, 0 for a unix socket. `open` lets in to the service of that name. */
  async open (service: string, address: string, open: (options: DoorOptions) => Promise<Door>): Promise<number> {
    const { connections, connections_per_address: connectionsPerAddress } = this.#config.delivery
    const onRefused = (reason: string): void => { this.#refusals.add(reason) }
    const options = { address, connections, connectionsPerAddress, mode: SOCKET_MODE, tls: this.#tls, clock: this.#clock, onRefused }
    const door = await open(options)
    this.#open.push(door)
    tellOpen(this.#log, service, options, door.port)
    return door.port
  }

  /** Closes all doors, those inside stay, and looks after the certificate no more. */
  stop (): void {
    for (const door of this.#open) door.close()
    this.#tls?.stop()
    this.#refusals.stop()
  }
}

/** Says that a door is open, and to whom. */
export function tellOpen (log: Log, service: string, { address, tls }: Pick<DoorOptions, 'address' | 'tls'>, port: number): void {
  const reach = reachOf(parseEndpoint(address)!)
  const door = { service, address, port, transport: tls === undefined ? 'plaintext' : 'TLS', clientCertificates: tls?.clientCertificates ?? 'none', reach }
  log.info(door, 'open')
  if (tls === undefined && reach === 'network') {
    log.warn(door, 'PLAINTEXT FOR THE NETWORK, since the configuration says "insecure: true": everybody on the way can read and change everything')
  }
}
