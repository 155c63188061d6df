import type { Socket } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import type { Discards } from '../../lib/discards.ts'
import { numberOf, text, unsigned, type Avp } from './avp.ts'
import type { End } from './back-off.ts'
import { APPLICATION_COMMON, BASE, DISCONNECT, FLAG, PEER_COMMAND, RESULT } from './base.ts'
import { capabilityAvps, readCapabilities, type Capabilities, type Identity } from './capabilities.ts'
import { Framer } from './framer.ts'
import { hopByHopIds, type Identifiers } from './identifiers.ts'
import { decodeMessage, encodeMessage, isRequest, type Message, type ReadMessage } from './message.ts'
import { Pending, type Exchange } from './pending.ts'
import { answerTo, refusalOf, type Reply } from './reply.ts'
import { Watchdog } from './watchdog.ts'

/** How long a peer may take for its CEA, for its DPA, and to close after our DPA, ms: each is a matter of one round trip. */
const CAPABILITIES_MS = 10_000
const GOODBYE_MS = 5_000

/** Bytes that wait to be written while the peer does not read. Beyond it we read no more of what we would have to answer. */
const MAX_UNSENT_BYTES = 1024 * 1024

/** Requests of the peer under way at once; more are told that we are too busy. */
const MAX_SERVED = 100

/** What a connection needs. */
export interface ConnectionOptions {
  identity: Identity
  watchdogMs: number
  /** `reopen` for a connection that replaces one lost without goodbye: see Watchdog. */
  begin: 'okay' | 'reopen'
  endToEnd: Identifiers
  clock: Clock
  discards: Discards
}

/** What a connection tells. */
export interface ConnectionListener {
  /** Capabilities were exchanged. */
  opened: () => void
  /** `trouble` may have changed. */
  changed: () => void
  /** Answers a request of an application of ours; undefined: an unknown command. A rejection is answered as UNABLE_TO_COMPLY. */
  request: (request: ReadMessage) => Promise<Reply | undefined>
  /** It ended. Nothing is told after that. */
  closed: (end: End) => void
}

/** A request without what is the connection's to say. */
export interface Request {
  command: number
  applicationId: number
  avps: readonly Avp[]
  /** Of an earlier attempt, where there was one; a new one otherwise. */
  endToEnd?: number | undefined
  /** Whether it may have been sent before: the T bit (RFC 6733 clause 3). */
  resent: boolean
}

/** A Diameter connection over TCP that we made (the state machine of RFC 6733 clause 5.6, from I-Open's side). */
export class Connection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #listener: ConnectionListener
  readonly #framer = new Framer()
  readonly #hopByHop = hopByHopIds()
  readonly #pending: Pending
  #state: 'waiting' | 'open' | 'leaving' | 'closed' = 'waiting'
  #watchdog: Watchdog | undefined
  #capabilities: Capabilities | undefined
  #end: End = { how: 'lost', text: 'the peer closed the connection' }
  #served = 0
  #cancelTimer = (): void => {}

  /** Takes a socket that is connected, and sends a CER. */
  constructor (socket: Socket, options: ConnectionOptions, listener: ConnectionListener) {
    this.#socket = socket
    this.#options = options
    this.#listener = listener
    this.#pending = new Pending(options.clock)
    socket.setNoDelay(true)
    socket.on('data', chunk => { this.#take(chunk) })
    socket.on('drain', () => { socket.resume() })
    socket.on('error', error => { this.#expect({ how: 'lost', text: error.message }) })
    socket.on('close', () => { this.#closed() })
    this.#tell(PEER_COMMAND.capabilitiesExchange, capabilityAvps(options.identity, socket.localAddress ?? ''))
    this.#allow(CAPABILITIES_MS, { how: 'refused', text: 'the peer does not answer the capabilities exchange' })
  }

  /** Why no request may be sent, in words; undefined when they may: capabilities are exchanged, the watchdog is content, nobody said goodbye. */
  get trouble (): string | undefined {
    switch (this.#state) {
      case 'waiting': return 'capabilities are being exchanged'
      case 'open': return this.#watchdog!.trouble
      case 'leaving': return 'one of the peers said goodbye'
      case 'closed': return 'the connection is closed'
    }
  }

  /** Requests that wait for their answers. */
  get waiting (): number { return this.#pending.size }

  get capabilities (): Capabilities | undefined { return this.#capabilities }

  /** Sends a request and waits for its answer. Never rejects. */
  async request ({ command, applicationId, avps, endToEnd, resent }: Request, timeoutMs: number): Promise<Exchange> {
    if (this.trouble !== undefined) return { kind: 'unsent' }
    const hopByHop = this.#hopByHop.next()
    const exchange = this.#pending.add(hopByHop, command, timeoutMs)
    this.#write({
      flags: FLAG.request | FLAG.proxiable | (resent ? FLAG.resent : 0),
      command,
      applicationId,
      hopByHop,
      endToEnd: endToEnd ?? this.#options.endToEnd.next(),
      avps: [...avps]
    })
    return await exchange
  }

  /** Sends no more requests, waits for answers at most so long, says goodbye (RFC 6733 clause 5.4) and closes; `closed` follows. */
  leave (graceMs: number): void {
    if (this.#state !== 'open') return this.#destroy({ how: 'left', text: 'stopped' })
    this.#state = 'leaving'
    const left: End = { how: 'left', text: 'stopped' }
    let told = false
    const goodbye = (): void => {
      if (told || this.#state === 'closed') return
      told = true
      this.#tell(PEER_COMMAND.disconnectPeer, [...this.#origin(), unsigned(BASE.disconnectCause, DISCONNECT.rebooting)])
      this.#expect(left)
      this.#allow(GOODBYE_MS, left)
    }
    this.#cancelTimer = this.#options.clock.after(graceMs, goodbye)
    void this.#pending.drained().then(goodbye)
  }

  #take (chunk: Uint8Array): void {
    const whole = this.#framer.push(chunk, bytes => {
      if (this.#state !== 'closed') this.#message(decodeMessage(bytes))
    })
    if (whole || this.#state === 'closed') return
    this.#options.discards.count('peer.broken-frame')
    this.#destroy({ how: 'lost', text: 'the peer sent what is no Diameter message' })
  }

  #message (message: ReadMessage): void {
    if (this.#state === 'waiting') return this.#capabilitiesAnswer(message)
    this.#watchdog?.heard(!isRequest(message) && message.command === PEER_COMMAND.deviceWatchdog)
    if (isRequest(message)) this.#serve(message)
    else if (message.command === PEER_COMMAND.disconnectPeer) this.#goodbyeAnswered()
    else if (message.command !== PEER_COMMAND.deviceWatchdog && !this.#pending.answer(message)) {
      this.#options.discards.count('peer.answer-without-request')
    }
  }

  /** Checks a CEA (RFC 6733 clause 5.3.2). Anything else ends the connection (clause 5.6, Wait-I-CEA). */
  #capabilitiesAnswer (message: ReadMessage): void {
    const refuse = (text: string): void => { this.#destroy({ how: 'refused', text }) }
    if (isRequest(message) || message.command !== PEER_COMMAND.capabilitiesExchange) return refuse('the peer did not answer the capabilities exchange')
    const result = numberOf(message.avps, BASE.resultCode)
    if (result !== RESULT.success) return refuse(`the peer refused the capabilities exchange: ${result ?? 'no result'}`)
    const capabilities = message.fault === undefined ? readCapabilities(message.avps, this.#options.identity) : undefined
    if (capabilities === undefined) return refuse('the peer does not name itself in its capabilities')
    if (capabilities.applications.size === 0) return refuse('the peer has no application in common with us')
    this.#capabilities = capabilities
    this.#cancelTimer()
    this.#state = 'open'
    this.#watchdog = new Watchdog(this.#options.watchdogMs, this.#options.begin, this.#options.clock, {
      probe: () => { this.#tell(PEER_COMMAND.deviceWatchdog, [...this.#origin(), unsigned(BASE.originStateId, this.#options.identity.originStateId)]) },
      changed: () => { this.#listener.changed() },
      dead: () => { this.#destroy({ how: 'lost', text: 'the peer did not answer any more' }) }
    })
    this.#listener.opened()
  }

  #serve (request: ReadMessage): void {
    const refusal = refusalOf(request, this.#options.identity)
    if (refusal !== undefined) {
      this.#options.discards.count('peer.refused-request')
      return this.#reply(request, refusal)
    }
    if (request.applicationId === APPLICATION_COMMON) return this.#serveCommon(request)
    if (this.#served >= MAX_SERVED || this.#state === 'leaving') {
      this.#options.discards.count('peer.too-busy')
      return this.#reply(request, { result: RESULT.tooBusy })
    }
    void this.#handOn(request)
  }

  async #handOn (request: ReadMessage): Promise<void> {
    this.#served++
    try {
      this.#reply(request, await this.#listener.request(request) ?? { result: RESULT.commandUnsupported })
    } catch {
      this.#options.discards.count('peer.unable-to-comply')
      this.#reply(request, { result: RESULT.unableToComply })
    } finally {
      this.#served--
    }
  }

  #serveCommon (request: ReadMessage): void {
    switch (request.command) {
      case PEER_COMMAND.deviceWatchdog:
        return this.#reply(request, { result: RESULT.success, avps: [unsigned(BASE.originStateId, this.#options.identity.originStateId)] })
      case PEER_COMMAND.disconnectPeer: {
        this.#reply(request, { result: RESULT.success })
        const cause = numberOf(request.avps, BASE.disconnectCause)
        const end: End = { how: 'sent-away', text: `the peer said goodbye, cause ${cause ?? 'unknown'}`, cause }
        if (this.#state === 'open') this.#expect(end)
        this.#state = 'leaving'
        this.#allow(GOODBYE_MS, end)
        return this.#listener.changed()
      }
      case PEER_COMMAND.capabilitiesExchange: {
        // A peer may ask anew on an open connection (RFC 6733 clause 5.6). The result and the origin come with every reply.
        const avps = capabilityAvps(this.#options.identity, this.#socket.localAddress ?? '').slice(this.#origin().length)
        return this.#reply(request, { result: RESULT.success, avps })
      }
      default:
        return this.#reply(request, { result: RESULT.commandUnsupported })
    }
  }

  /** The peer answered our goodbye: the one who said it closes (RFC 6733 clause 5.4). */
  #goodbyeAnswered (): void {
    if (this.#state === 'leaving') this.#socket.end()
    else this.#options.discards.count('peer.answer-without-request')
  }

  #reply (request: Message, reply: Reply): void {
    this.#write(answerTo(request, reply, this.#options.identity))
  }

  /** Sends a request of the base protocol (RFC 6733 clause 5); who answers it is known by its command. */
  #tell (command: number, avps: Avp[]): void {
    this.#write({
      flags: FLAG.request,
      command,
      applicationId: APPLICATION_COMMON,
      hopByHop: this.#hopByHop.next(),
      endToEnd: this.#options.endToEnd.next(),
      avps
    })
  }

  #origin (): Avp[] {
    const { host, realm } = this.#options.identity
    return [text(BASE.originHost, host), text(BASE.originRealm, realm)]
  }

  #write (message: Message): void {
    if (this.#state === 'closed') return
    this.#socket.write(encodeMessage(message))
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.#socket.pause()
  }

  /** Notes how the connection will have ended, unless something else was first. */
  #expect (end: End): void {
    if (this.#end.how === 'lost') this.#end = end
  }

  #allow (ms: number, end: End): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#options.clock.after(ms, () => { this.#destroy(end) })
  }

  #destroy (end: End): void {
    this.#expect(end)
    this.#socket.destroy()
    this.#closed()
  }

  #closed (): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#cancelTimer()
    this.#watchdog?.stop()
    this.#pending.lose()
    this.#listener.closed(this.#end)
  }
}
