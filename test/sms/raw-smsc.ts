import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { Owner } from '../lib/temporary.ts'
import { until } from '../lib/until.ts'

const HEADER_BYTES = 16

/** A PDU as it was heard. */
export interface Heard { command: number, status: number, sequence: number, body: Buffer }

/** A PDU's octets, written by hand: lengths may lie. */
export function raw (command: number, { status = 0, sequence = 0, body = '' as string | Uint8Array, length = -1 } = {}): Buffer {
  const content = typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.from(body)
  const header = Buffer.alloc(HEADER_BYTES)
  ;[length < 0 ? HEADER_BYTES + content.length : length, command, status, sequence].forEach((value, i) => { header.writeUInt32BE(value >>> 0, 4 * i) })
  return Buffer.concat([header, content])
}

/** Body of a deliver_sm with these words. */
export function deliverBody (words: string, { esmClass = 0, dataCoding = 0 } = {}): Buffer {
  return Buffer.concat([
    Buffer.from('\0\x01\x014790000001\0\x03\x001234\0', 'latin1'), Buffer.from([esmClass, 0, 0]), Buffer.from('\0\0'), Buffer.from([0, 0, dataCoding, 0, words.length]),
    Buffer.from(words, 'latin1')
  ])
}

/** The far end of one connection: it says only what it is told to. */
export class Peer {
  readonly socket: Socket
  readonly heard: Heard[] = []
  closed = false
  #bytes = Buffer.alloc(0)
  #taken = 0

  constructor (socket: Socket) {
    this.socket = socket
    socket.on('data', bytes => { this.#hear(bytes as Buffer) })
    socket.on('error', () => {})
    socket.on('close', () => { this.closed = true })
  }

  /** The next PDU of this kind; others before it are passed over. */
  async next (command: number): Promise<Heard> {
    for (;;) {
      await until(() => this.heard.length > this.#taken)
      const heard = this.heard[this.#taken++]!
      if (heard.command === command) return heard
    }
  }

  write (...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** Answers a request. */
  answer ({ command, sequence }: Heard, { status = 0, body = '' } = {}): void {
    this.write(raw(command + 0x80000000, { status, sequence, body }))
  }

  async end (): Promise<void> {
    await until(() => this.closed)
  }

  #hear (bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    while (this.#bytes.length >= HEADER_BYTES && this.#bytes.length >= this.#bytes.readUInt32BE(0)) {
      const [length, command, status, sequence] = [0, 4, 8, 12].map(at => this.#bytes.readUInt32BE(at)) as [number, number, number, number]
      this.heard.push({ command, status, sequence, body: this.#bytes.subarray(HEADER_BYTES, length) })
      this.#bytes = this.#bytes.subarray(length)
    }
  }
}

/** A service centre that a test plays by hand, octet by octet. */
export class RawSmsc {
  readonly peers: Peer[] = []
  readonly #server: Server
  #taken = 0

  private constructor (server: Server) {
    this.#server = server
  }

  static async listen (owner: Owner, tls?: TlsOptions): Promise<RawSmsc> {
    const server = tls === undefined ? createServer() : createTlsServer(tls)
    const smsc = new RawSmsc(server)
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => { smsc.peers.push(new Peer(socket)) })
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    owner.teardown(() => {
      for (const { socket } of smsc.peers) socket.destroy()
      server.close()
    })
    return smsc
  }

  get port (): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The next connection. */
  async accept (): Promise<Peer> {
    await until(() => this.peers.length > this.#taken)
    return this.peers[this.#taken++]!
  }
}
