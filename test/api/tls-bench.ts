import { copyFileSync, readFileSync, renameSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { credentials, type ChannelCredentials } from '@grpc/grpc-js'
import type { Log } from '../../agent/observe/log.ts'
import { TestCa, type Issued, type Wish } from '../lib/certificates.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { temporaryDirectory, type Owner } from '../lib/temporary.ts'
import { Bench, TestStream } from './bench.ts'

/** How often the agent looks at the files of its certificate. */
export const LOOK_MS = 10_000

/** Gives a pair the contents of another one, as renewing tools do: by renaming new files over the old ones. */
export function replace (files: Issued, issued: Partial<Issued>): void {
  for (const name of ['certificate', 'key'] as const) {
    if (issued[name] === undefined) continue
    copyFileSync(issued[name], `${files[name]}.new`)
    renameSync(`${files[name]}.new`, files[name])
  }
}

/** A line of the log. */
interface Line { level: string, text: string, fields: Record<string, unknown> }

/** A log that keeps its lines. */
export class KeptLog implements Log {
  readonly lines: Line[] = []
  debug = this.#kept('debug')
  info = this.#kept('info')
  warn = this.#kept('warn')
  error = this.#kept('error')

  #kept (level: string) {
    return (fields: object, text: string): void => { this.lines.push({ level, text, fields: fields as Record<string, unknown> }) }
  }

  /** The lines that hold a text, and are then forgotten. */
  take (text: string | RegExp): Line[] {
    const taken = this.lines.filter(line => new RegExp(text).test(line.text))
    this.lines.splice(0, this.lines.length, ...this.lines.filter(line => !taken.includes(line)))
    return taken
  }
}

/** A bench behind TLS, with the files of its certificate and a log that can be read. */
export class TlsBench {
  readonly ca: TestCa
  readonly bench: Bench
  readonly clock: ManualClock
  readonly log: KeptLog
  readonly files: Issued

  private constructor (ca: TestCa, bench: Bench, clock: ManualClock, log: KeptLog, files: Issued) {
    this.ca = ca
    this.bench = bench
    this.clock = clock
    this.log = log
    this.files = files
  }

  static async start (owner: Owner, { ca, tls = {}, delivery = {}, wish = {} }: { ca?: TestCa, tls?: object, delivery?: object, wish?: Wish } = {}): Promise<TlsBench> {
    ca ??= await TestCa.make(owner)
    const directory = temporaryDirectory(owner)
    const files = { certificate: join(directory, 'tls.pem'), key: join(directory, 'tls.key') }
    const issued = await ca.issue(wish)
    const log = new KeptLog()
    const clock = new ManualClock(Date.now())
    replace(files, issued)
    const bench = await Bench.start(owner, undefined, { tls: { ...files, ...tls }, delivery }, { clock, log })
    return new TlsBench(ca, bench, clock, log, files)
  }

  /** Credentials of a client that trusts the CA and shows a certificate. */
  channel (shown?: Issued): ChannelCredentials {
    return shown === undefined
      ? credentials.createSsl(this.ca.pem)
      : credentials.createSsl(this.ca.pem, readFileSync(shown.key), readFileSync(shown.certificate))
  }

  stream (owner: Owner, channel = this.channel()): TestStream {
    return new TestStream(owner, this.bench.address.replace('127.0.0.1', 'localhost'), 'first-attachment', {}, undefined, channel)
  }

  /** A raw connection that trusts the CA; rejects with the error's code when the handshake fails. */
  async connect (owner: Owner, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const port = Number(this.bench.address.split(':')[1])
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: this.ca.pem, ALPNProtocols: ['h2'], ...options })
    owner.teardown(() => { socket.destroy() })
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', (error: NodeJS.ErrnoException) => { reject(new Error(error.code)) })
    })
    return socket
  }

  /** Serial number of the certificate that a new connection is shown. */
  async shown (owner: Owner): Promise<string> {
    const socket = await this.connect(owner)
    const { serialNumber } = socket.getPeerCertificate()
    socket.destroy()
    return serialNumber
  }

  /** As many looks at the files as it takes until a change counts. */
  look (): void {
    this.clock.advance(LOOK_MS)
    this.clock.advance(LOOK_MS)
  }
}

/** Resolves when a socket is closed. */
export async function closed (socket: Socket): Promise<void> {
  socket.resume()
  socket.on('error', () => {})
  if (!socket.closed) await new Promise<void>(resolve => { socket.once('close', () => { resolve() }) })
}
