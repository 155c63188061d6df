import type { Clock } from '../../lib/clock.ts'
import type { Discards } from '../../lib/discards.ts'
import { BIND_COMMAND, bindBody, type BindMode, type Credentials } from './bind.ts'
import { COMMAND, RESPONSE, responseTo } from './codes.ts'
import type { Opening } from './connect.ts'
import { Framer } from './framer.ts'
import { readMessage, type Message } from './message.ts'
import { parsePdu, pduBytes, type Pdu } from './pdu.ts'
import { Requests, type Answer, type Loss } from './requests.ts'
import { RINVBNDSTS, RINVCMDID, ROK, RX_P_APPN, RX_T_APPN } from './status.ts'

/** Time to be connected, TLS included, and as much for the answer to the bind: a service centre that says nothing is worth another try. */
const OPEN_MS = 10_000

/** Time for the other end to say goodbye. */
const GOODBYE_MS = 2_000

/** Times that enquire_link may stay unanswered, and nothing else come, before the connection counts as dead. */
const MAX_MISSES = 2

/** Messages from the service centre that are being stored at once; while there are as many, no more is read. */
const MAX_DELIVERIES = 100

/** What a session needs. */
export interface SessionParts {
  /** A connection that is being made; the session owns it. */
  opening: Opening
  mode: BindMode
  credentials: Credentials
  /** Time for the answer to a request, ms. */
  answerMs: number
  /** Time without a word from the other end after which it is asked whether it is there, ms. */
  enquireMs: number
  clock: Clock
  discards: Discards
  listener: SessionListener
}

/** What a session tells. */
interface SessionListener {
  bound: () => void
  /** The connection takes bytes again. */
  drained: () => void
  /** A deliver_sm; resolves to the command_status that answers it. */
  deliver: (message: Message) => Promise<number>
  /** It is over; once. `status`: what refused the bind. */
  ended: (end: SessionEnd) => void
}

/** Why a session ended: a stable cause, and the status that refused its bind. */
export interface SessionEnd { cause: string, status?: number }

type State = 'opening' | 'binding' | 'bound' | 'leaving' | 'ended'

/**
 * One connection to a service centre, from before it is there to its end; it is never used again. What the other end sends is answered or counted.
 *
 * Invariant: nothing is settled twice, and when it has ended nothing waits.
 */
export class Session {
  readonly #parts: SessionParts
  readonly #framer = new Framer()
  readonly #requests: Requests
  #state: State = 'opening'
  /** Cancels the timer of the state: opening, binding and leaving have one. */
  #cancelStateTimer = (): void => {}
  #cancelEnquiry = (): void => {}
  #misses = 0
  #heardAt: number
  /** The connection has as many bytes as it takes. */
  #full = false
  #deliveries = 0
  /** Called when nothing is under way any more. */
  #whenIdle: (() => void) | undefined

  constructor (parts: SessionParts) {
    const { opening: { socket, opened }, clock } = this.#parts = parts
    this.#requests = new Requests(clock, parts.answerMs)
    this.#heardAt = clock.monotonic()
    this.#limit(OPEN_MS, 'smpp.connect-timeout')
    socket.once(opened, () => { this.#bind() })
    socket.on('data', (chunk: Buffer) => { this.#framer.push(chunk); this.#read() })
    socket.on('drain', () => { this.#full = false; this.#read(); this.#parts.listener.drained() })
    socket.on('error', (error: NodeJS.ErrnoException) => { this.#end({ cause: `smpp.${error.code ?? 'error'}` }) })
    socket.on('close', () => { this.#end({ cause: this.#state === 'leaving' ? 'smpp.unbound' : 'smpp.connection-lost' }) })
  }

  get bound (): boolean {
    return this.#state === 'bound'
  }

  /** Whether the connection takes more bytes now. */
  get writable (): boolean {
    return this.#state === 'bound' && !this.#full && this.#parts.opening.socket.writable
  }

  /** Requests that wait for their answers. */
  get waiting (): number {
    return this.#requests.size
  }

  /** Sends a request and gives its answer; undefined, at once, when the connection takes none. */
  request (command: number, body?: Uint8Array): Promise<Answer> | undefined {
    return this.writable ? this.#request(command, body) : undefined
  }

  /** Takes no more requests, waits for what is under way at most `graceMs`, says goodbye and ends. Resolves when it has ended. */
  async leave (graceMs: number): Promise<void> {
    const { clock } = this.#parts
    if (this.#state === 'bound') {
      this.#state = 'leaving'
      await new Promise<void>(resolve => {
        const cancel = clock.after(graceMs, resolve)
        this.#whenIdle = () => { cancel(); resolve() }
        this.#checkIdle()
      })
      if (!this.#over()) {
        this.#limit(GOODBYE_MS, 'smpp.unbound')
        await this.#request(COMMAND.unbind)
      }
    }
    this.#end({ cause: 'smpp.unbound' })
  }

  /** Ends it at once: what was learnt shows that it is of no use. */
  abandon (cause: string): void {
    this.#end({ cause })
  }

  /** Asked anew after an await: the compiler would take the state for what it was before. */
  #over (): boolean {
    return this.#state === 'ended'
  }

  /** Ends the session when the state has not changed by then. */
  #limit (ms: number, cause: string): void {
    this.#cancelStateTimer()
    this.#cancelStateTimer = this.#parts.clock.after(ms, () => { this.#end({ cause }) })
  }

  #bind (): void {
    if (this.#state !== 'opening') return
    const { mode, credentials } = this.#parts
    const body = bindBody(credentials)
    if (body === undefined) { this.#end({ cause: 'smpp.credentials' }); return }
    this.#state = 'binding'
    this.#limit(OPEN_MS, 'smpp.bind-timeout')
    void this.#request(BIND_COMMAND[mode], body).then(answer => {
      if (this.#state !== 'binding') return
      if ('lost' in answer) { this.#end({ cause: 'smpp.bind-timeout' }); return }
      if (answer.status !== ROK) { this.#end({ cause: 'smpp.bind-refused', status: answer.status }); return }
      this.#cancelStateTimer()
      this.#state = 'bound'
      this.#enquireAfter(this.#parts.enquireMs)
      this.#parts.listener.bound()
    })
  }

  async #request (command: number, body?: Uint8Array): Promise<Answer> {
    return await new Promise(resolve => {
      const sequence = this.#requests.add(command, answer => {
        resolve(answer)
        this.#checkIdle()
      })
      this.#write(pduBytes({ command, sequence, ...(body && { body }) }))
    })
  }

  #write (bytes: Uint8Array): void {
    const { socket } = this.#parts.opening
    if (!this.#over() && socket.writable && !socket.write(bytes)) this.#full = true
  }

  /**
   * Takes what was received. It stops while our own answers find no room or too much is being stored: what cannot be answered would pile up.
   */
  #read (): void {
    const { socket } = this.#parts.opening
    while (!this.#over()) {
      if (this.#full || this.#deliveries >= MAX_DELIVERIES) { socket.pause(); return }
      const bytes = this.#framer.next()
      if (bytes === 'broken') {
        this.#parts.discards.count('smpp.command-length')
        this.#end({ cause: 'smpp.command-length' })
        return
      }
      if (bytes === undefined) { socket.resume(); return }
      this.#heardAt = this.#parts.clock.monotonic()
      this.#misses = 0
      this.#take(parsePdu(bytes))
    }
  }

  #take (pdu: Pdu): void {
    const { command, sequence } = pdu
    if (command >= RESPONSE) {
      if (!this.#requests.answer(pdu)) this.#parts.discards.count('smpp.answer-to-nothing')
      return
    }
    switch (command) {
      case COMMAND.enquireLink:
        this.#respond(pdu)
        return
      case COMMAND.deliverSm:
        this.#deliver(pdu)
        return
      case COMMAND.unbind:
        this.#respond(pdu)
        this.#unbound()
        return
      case COMMAND.alertNotification:
        // It has no response (SMPP 3.4 clause 4.12.1), and nobody asks for it.
        this.#parts.discards.count('smpp.alert-notification')
        return
      default:
        this.#parts.discards.count('smpp.command')
        this.#write(pduBytes({ command: COMMAND.genericNack, status: RINVCMDID, sequence }))
    }
  }

  #respond ({ command, sequence }: Pdu, status: number = ROK, body?: Uint8Array): void {
    this.#write(pduBytes({ command: responseTo(command), status, sequence, ...(body && { body }) }))
  }

  #deliver (pdu: Pdu): void {
    if (this.#state !== 'bound' && this.#state !== 'leaving') { this.#respond(pdu, RINVBNDSTS, NO_MESSAGE_ID); return }
    const message = readMessage(pdu.body)
    if (typeof message === 'string') {
      this.#parts.discards.count(message)
      this.#respond(pdu, RX_P_APPN, NO_MESSAGE_ID)
      return
    }
    this.#deliveries++
    void this.#parts.listener.deliver(message).catch(() => RX_T_APPN).then(status => {
      this.#deliveries--
      this.#respond(pdu, status, NO_MESSAGE_ID)
      this.#checkIdle()
      this.#read()
    })
  }

  /** The other end says goodbye: it has its answer, and closes. */
  #unbound (): void {
    this.#state = 'leaving'
    this.#limit(GOODBYE_MS, 'smpp.unbound')
    this.#parts.opening.socket.end()
  }

  #checkIdle (): void {
    if (this.#requests.size === 0 && this.#deliveries === 0) this.#whenIdle?.()
  }

  #enquireAfter (ms: number): void {
    this.#cancelEnquiry()
    this.#cancelEnquiry = this.#parts.clock.after(ms, () => { this.#enquire() })
  }

  #enquire (): void {
    const { clock, enquireMs } = this.#parts
    const quietMs = clock.monotonic() - this.#heardAt
    if (quietMs < enquireMs) { this.#enquireAfter(enquireMs - quietMs); return }
    if (this.#misses >= MAX_MISSES) { this.#end({ cause: 'smpp.silent' }); return }
    this.#misses++
    void this.#request(COMMAND.enquireLink)
    this.#enquireAfter(enquireMs)
  }

  #end (end: SessionEnd): void {
    if (this.#state === 'ended') return
    const lost: Loss = this.#state === 'leaving' ? 'smpp.unbound' : 'smpp.connection-lost'
    this.#state = 'ended'
    this.#cancelStateTimer()
    this.#cancelEnquiry()
    this.#parts.opening.socket.destroy()
    this.#requests.end(lost)
    this.#whenIdle?.()
    this.#parts.listener.ended(end)
  }
}

/** A deliver_sm_resp has a message_id, which is empty (clause 4.6.2). */
const NO_MESSAGE_ID = Uint8Array.of(0)
