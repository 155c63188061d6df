import { connect, type Socket } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import type { Discards } from '../../lib/discards.ts'
import { BackOff, type End } from './back-off.ts'
import type { Identity } from './capabilities.ts'
import { Connection, type Request } from './connection.ts'
import { endToEndIds } from './identifiers.ts'
import type { ReadMessage } from './message.ts'
import type { Exchange } from './pending.ts'
import type { Reply } from './reply.ts'

/** How long TCP may take to connect, ms. */
const CONNECT_MS = 10_000

/** Where the peer is, and the bounds of what goes to it. */
export interface PeerOptions {
  host: string
  port: number
  identity: Identity
  /** Requests that may wait for their answers at once. */
  window: number
  /** The watchdog's interval Tw, ms: at least 6 s (RFC 3539 clause 3.4.1). */
  watchdogMs: number
}

/** What a peer needs of its surroundings. */
export interface PeerSurroundings {
  clock: Clock
  /** Counts what was passed over, as `peer.…`. */
  discards: Discards
  /** Says in the log what happened. */
  notice: Notice
  /** The peer came up or went down, or there is more or less room. */
  changed: () => void
  /** See ConnectionListener. */
  request: (request: ReadMessage) => Promise<Reply | undefined>
}

/** Says something in the log: no word of a subscriber. */
export type Notice = (level: 'info' | 'warn' | 'error', fields: object, text: string) => void

/** A Diameter peer that we connect to, and again whenever the connection ends. */
export class Peer {
  readonly #options: PeerOptions
  readonly #around: PeerSurroundings
  readonly #backOff: BackOff
  readonly #endToEnd
  #running = false
  /** Whether the last connection was lost without goodbye. */
  #wasLost = false
  #trouble: string | undefined = 'not started'
  #connecting: Socket | undefined
  #connection: Connection | undefined
  #cancelTimer = (): void => {}
  #stopped: (() => void) | undefined

  constructor (options: PeerOptions, around: PeerSurroundings) {
    this.#options = options
    this.#around = around
    this.#backOff = new BackOff(around.clock)
    this.#endToEnd = endToEndIds(around.clock)
  }

  /** Whether the peer, as it is connected now, has an application. */
  has (application: number): boolean {
    return this.#connection?.capabilities?.applications.has(application) ?? false
  }

  /** Requests that may be sent now. */
  get room (): number {
    const connection = this.#connection
    return connection !== undefined && connection.trouble === undefined ? Math.max(0, this.#options.window - connection.waiting) : 0
  }

  /** Why no request may be sent, in words; undefined while they may. */
  get trouble (): string | undefined {
    return this.#connection === undefined ? this.#trouble : this.#connection.trouble
  }

  /** An End-to-End identifier, for a request that may have to be sent again. */
  nextEndToEnd (): number {
    return this.#endToEnd.next()
  }

  start (): void {
    this.#running = true
    this.#connect()
  }

  /** Sends a request and waits for its answer. Never rejects. */
  async request (request: Request, timeoutMs: number): Promise<Exchange> {
    if (this.room === 0) return { kind: 'unsent' }
    const exchange = await this.#connection!.request(request, timeoutMs)
    this.#around.changed()
    return exchange
  }

  /** Waits for answers at most so long, says goodbye, and ends. */
  async stop (graceMs: number): Promise<void> {
    this.#running = false
    this.#cancelTimer()
    this.#connecting?.destroy()
    this.#trouble = 'stopped'
    const connection = this.#connection
    if (connection !== undefined) {
      await new Promise<void>(resolve => {
        this.#stopped = resolve
        connection.leave(graceMs)
      })
    }
  }

  #connect (): void {
    const { host, port } = this.#options
    const socket = connect({ host, port })
    let text = 'no answer'
    this.#trouble = 'connecting'
    this.#connecting = socket
    this.#cancelTimer = this.#around.clock.after(CONNECT_MS, () => { socket.destroy() })
    const failed = (): void => {
      this.#cancelTimer()
      this.#connecting = undefined
      this.#again({ how: 'lost', text })
    }
    const refused = (error: Error): void => { text = error.message }
    socket.once('error', refused)
    socket.once('close', failed)
    socket.once('connect', () => {
      this.#cancelTimer()
      socket.off('close', failed)
      this.#connecting = undefined
      this.#connected(socket)
      socket.off('error', refused)
    })
  }

  #connected (socket: Socket): void {
    const { clock, discards, notice, changed, request } = this.#around
    const { identity, watchdogMs } = this.#options
    const connection = new Connection(socket, { identity, watchdogMs, begin: this.#wasLost ? 'reopen' : 'okay', endToEnd: this.#endToEnd, clock, discards }, {
      opened: () => {
        this.#backOff.opened()
        const { host, applications } = connection.capabilities!
        notice('info', { peer: host, applications: [...applications] }, 'the Diameter peer is connected')
        changed()
      },
      changed,
      request,
      closed: end => {
        const wasOpen = connection.capabilities !== undefined
        // A goodbye ends distrust; a connection that never opened neither begins nor ends it.
        if (end.how === 'lost' ? wasOpen : end.how !== 'refused') this.#wasLost = end.how === 'lost'
        this.#connection = undefined
        this.#again(end)
        if (wasOpen) changed()
        this.#stopped?.()
      }
    })
    this.#connection = connection
  }

  #again (end: End): void {
    if (!this.#running) return
    const waitMs = this.#backOff.next(end)
    this.#trouble = end.text
    const level = end.how === 'refused' ? 'error' : 'warn'
    this.#around.notice(level, { reason: end.text, seconds: Math.round(waitMs / 1000) }, 'no connection to the Diameter peer')
    this.#cancelTimer = this.#around.clock.after(waitMs, () => { this.#connect() })
  }
}
