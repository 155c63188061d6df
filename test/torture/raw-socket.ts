import { connect, type Socket } from 'node:net'
import { FRAME } from './http2-frames.ts'
import { within } from './patience.ts'
import type { Place } from './place.ts'

const CONNECT_MS = 10_000

/** A socket that says what it is told to say, whatever the other side thinks of it. */
export class RawSocket {
  readonly #socket: Socket
  readonly #over: Promise<void>
  closed = false
  /** Frames that came, by type. */
  readonly #heard = new Map<number, number>()
  #rest: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}

  private constructor (socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    this.#over = new Promise(resolve => { socket.once('close', () => { this.closed = true; this.#wake(); resolve() }) })
  }

  /** Connects. `reads`: false leaves in the socket whatever comes. */
  static async connect (place: Place, address: string, reads = true): Promise<RawSocket> {
    const colon = address.lastIndexOf(':')
    const socket = connect(Number(address.slice(colon + 1)), address.slice(0, colon))
    const raw = new RawSocket(socket)
    place.teardown(() => { socket.destroy() })
    if (reads) socket.on('data', bytes => { raw.#hear(bytes) })
    await within('a socket connects', CONNECT_MS, Promise.race([raw.#over, new Promise(resolve => { socket.once('connect', resolve) })]))
    return raw
  }

  /** Resolves once the bytes have left this process, or it is clear that they never will. */
  async say (bytes: Uint8Array | string): Promise<void> {
    if (this.closed) return
    await Promise.race([this.#over, new Promise<void>(resolve => { this.#socket.write(bytes, () => { resolve() }) })])
  }

  /** Resolves when the other side has closed it; rejects with Missed when it does not within so long. */
  async ended (what: string, limitMs: number): Promise<void> {
    await within(what, limitMs, this.#over)
  }

  /** Whether the agent has said, or done, that it takes no more. */
  get refused (): boolean { return this.closed || this.heard(FRAME.goaway) > 0 }

  /** How many frames of a type have come. */
  heard (type: number): number { return this.#heard.get(type) ?? 0 }

  /** Resolves once so many frames of a type have come, or the agent takes no more; rejects with Missed when neither happens. */
  async hear (type: number, count: number, limitMs: number): Promise<void> {
    await within(`${count} frames of type ${type} come`, limitMs, (async () => {
      while (this.heard(type) < count && !this.refused) await new Promise<void>(resolve => { this.#wake = resolve })
    })())
  }

  #hear (bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    let at = 0
    for (let end; at + 9 <= this.#rest.length && (end = at + 9 + this.#rest.readUIntBE(at, 3)) <= this.#rest.length; at = end) {
      const type = this.#rest[at + 3]!
      this.#heard.set(type, this.heard(type) + 1)
    }
    this.#rest = this.#rest.subarray(at)
    this.#wake()
  }

  destroy (): void {
    this.#socket.destroy()
  }
}
