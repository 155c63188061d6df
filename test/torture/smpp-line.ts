import type { Socket } from 'node:net'

/** command_id of what passes between a service centre and the agent (SMPP 3.4 clause 5.1.2.1); an answer has the first bit set. */
export const COMMAND = { submitSm: 4, deliverSm: 5, unbind: 6, bindTransceiver: 9, enquireLink: 0x15 } as const

const ANSWER = 0x8000_0000

/** command_length, command_id, command_status, sequence_number (clause 3.2). */
const HEADER_BYTES = 16

/** Longest PDU that is taken. */
const MAX_BYTES = 4_096

/** One PDU. */
export interface Pdu { command: number, status: number, sequence: number, body: Buffer }

/** A service centre's end of one connection: PDUs in and out, answers brought to their requests. It shares no code with the agent. */
export class SmppLine {
  readonly #socket: Socket
  readonly #asked = new Map<number, (status: number | undefined) => void>()
  #rest = Buffer.alloc(0)
  #sequence = 0
  /** Whether it may be sent deliver_sm. */
  bound = false

  /** `request`: what the other end asks; `closed`: once. */
  constructor (socket: Socket, request: (line: SmppLine, pdu: Pdu) => void, closed: (line: SmppLine) => void) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', bytes => {
      this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
      for (let pdu; !socket.destroyed && (pdu = this.#next()) !== undefined;) {
        if (pdu.command < ANSWER) request(this, pdu)
        else this.#settle(pdu.sequence, pdu.status)
      }
    })
    socket.on('close', () => {
      this.bound = false
      for (const sequence of [...this.#asked.keys()]) this.#settle(sequence, undefined)
      closed(this)
    })
  }

  answer ({ command, sequence }: Pdu, status: number, body = Buffer.alloc(0)): void {
    this.#write(command + ANSWER, status, sequence, body)
  }

  /** Sends a request; resolves with the status that answered it, undefined when the connection was lost. */
  async ask (command: number, body: Buffer): Promise<number | undefined> {
    const sequence = ++this.#sequence
    return await new Promise(resolve => {
      this.#asked.set(sequence, resolve)
      this.#write(command, 0, sequence, body)
    })
  }

  /** Cuts the connection. */
  cut (): void {
    this.#socket.destroy()
  }

  #next (): Pdu | undefined {
    if (this.#rest.length < HEADER_BYTES) return undefined
    const length = this.#rest.readUInt32BE()
    if (length < HEADER_BYTES || length > MAX_BYTES) {
      this.cut()
      return undefined
    }
    if (this.#rest.length < length) return undefined
    const pdu = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return { command: pdu.readUInt32BE(4), status: pdu.readUInt32BE(8), sequence: pdu.readUInt32BE(12), body: pdu.subarray(HEADER_BYTES) }
  }

  #settle (sequence: number, status: number | undefined): void {
    this.#asked.get(sequence)?.(status)
    this.#asked.delete(sequence)
  }

  #write (command: number, status: number, sequence: number, body: Buffer): void {
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeUInt32BE(HEADER_BYTES + body.length)
    header.writeUInt32BE(command, 4)
    header.writeUInt32BE(status, 8)
    header.writeUInt32BE(sequence, 12)
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat([header, body]))
  }
}
