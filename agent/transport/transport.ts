import type { Frame } from '../capture/frame.ts'
import type { Discards } from '../lib/discards.ts'
import { StreamTime } from '../lib/stream-time.ts'
import { Budget } from './budget.ts'
import type { Flow } from './flow.ts'
import { Internet } from './internet.ts'
import type { MessageOrigin, MessageSink } from './message-sink.ts'
import { LIMITS, type TransportOptions } from './options.ts'
import { Packet } from './packet.ts'
import { Sctp } from './sctp.ts'
import { Tcp } from './tcp.ts'

export { DEFAULT_TRANSPORT_OPTIONS, type TransportOptions } from './options.ts'

const NO_ADDRESS = new Uint8Array(0)

/** From frames to Diameter messages: takes the layers off and puts segments, fragments and chunks together, all within bounds. */
export class Transport {
  readonly #onMessage: MessageSink
  readonly #packet = new Packet()
  readonly #time = new StreamTime()
  readonly #budget: Budget
  readonly #internet: Internet
  readonly #tcp: Tcp
  readonly #sctp: Sctp
  readonly #origin: MessageOrigin = {
    transport: 'tcp', frame: 0, seconds: 0, nanoseconds: 0, source: NO_ADDRESS, sourcePort: 0, destination: NO_ADDRESS, destinationPort: 0, connection: 0
  }

  #frames = 0
  #messages = 0
  #swept = 0
  /** Time of the last frame, and whether the next one is the first of another file. */
  #last = 0
  #atBoundary = false

  constructor (options: TransportOptions, onMessage: MessageSink, discards: Discards) {
    this.#onMessage = onMessage
    this.#budget = new Budget(options.bufferBytes)
    this.#tcp = new Tcp(options, (bytes, start, end, flow) => { this.#message('tcp', bytes, start, end, flow) }, discards, this.#budget)
    this.#sctp = new Sctp(options, (bytes, start, end, flow) => { this.#message('sctp', bytes, start, end, flow) }, discards, this.#budget)
    this.#internet = new Internet(
      (packet, bytes, start, end) => { this.#tcp.segment(packet, bytes, start, end) },
      (packet, bytes, start, end) => { this.#sctp.packet(packet, bytes, start, end) },
      discards, this.#budget)
  }

  /** Takes the next frame. */
  frame = (frame: Frame): void => {
    const packet = this.#packet
    this.#frames++
    packet.frame = frame.number
    packet.seconds = frame.seconds
    packet.nanoseconds = frame.nanoseconds
    const time = frame.seconds * 1000 + frame.nanoseconds / 1e6
    if (this.#atBoundary && time < this.#last) this.#restart()
    this.#atBoundary = false
    this.#last = time
    packet.now = this.#time.advance(time)
    if (packet.now - this.#swept >= LIMITS.sweepMs) this.#sweep(packet.now)
    this.#internet.frame(packet, frame.linkType, frame.data)
  }

  /**
   * Says that the next frame is the first of another file. Files of one capture go on where the last one ended, and so do its connections; one
   * that begins earlier is another capture, and its connections are others even where addresses and ports are the same.
   */
  nextFile (): void {
    this.#atBoundary = true
  }

  /** Ends the input: what still waits for its neighbours is given up, and what lies behind a hole is handed on. */
  end (): void {
    this.#sweep(Infinity)
  }

  /** Frames taken, messages handed on, and bytes that wait. */
  stats (): { frames: number, messages: number, bytesBuffered: number } {
    return { frames: this.#frames, messages: this.#messages, bytesBuffered: this.#budget.used }
  }

  #restart (): void {
    this.#sweep(Infinity)
    this.#swept = 0
    this.#tcp.clear()
    this.#sctp.clear()
  }

  #sweep (now: number): void {
    this.#swept = now
    this.#internet.sweep(now)
    this.#tcp.sweep(now)
    this.#sctp.sweep(now)
  }

  #message (transport: 'tcp' | 'sctp', bytes: Uint8Array, start: number, end: number, flow: Flow): void {
    const origin = this.#origin
    origin.transport = transport
    origin.frame = this.#packet.frame
    origin.seconds = this.#packet.seconds
    origin.nanoseconds = this.#packet.nanoseconds
    origin.source = flow.source
    origin.sourcePort = flow.sourcePort
    origin.destination = flow.destination
    origin.destinationPort = flow.destinationPort
    origin.connection = flow.connection
    this.#messages++
    this.#onMessage(bytes, start, end, origin)
  }
}
