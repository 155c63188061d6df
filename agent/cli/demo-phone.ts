import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Command ids of SMPP 3.4 (clause 5.1.2.1) that the demonstration needs; an answer's has the top bit, too. */
const COMMAND = { bindTransceiver: 0x09, submitSm: 0x04, deliverSm: 0x05, unbind: 0x06, enquireLink: 0x15 } as const
const RESPONSE = 0x80000000

const HEADER_BYTES = 16
const UCS2 = 8

/** Told of each text: whose phone, from whom, and what it says. */
type Show = (number: string, from: string, text: string) => void

/** The GSM default alphabet (TS 23.038 clause 6.2.1), by code. */
const GSM = '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'

/** What follows an escape (clause 6.2.1.1), each character after its code. */
const ESCAPE = 0x1b
const EXTENDED = new Map([[0x14, '^'], [0x28, '{'], [0x29, '}'], [0x2f, '\\'], [0x3c, '['], [0x3d, '~'], [0x3e, ']'], [0x40, '|'], [0x65, '€']])

/**
 * A service centre with a phone behind it, for the demonstration: it takes what comes by SMPP, shows it as a phone would, and tells that it
 * was delivered. It shares no code with the relay, so what it shows is what went over the wire. One-part texts only.
 */
export class DemoPhone {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #show: Show
  #shown = 0
  #waiting: { count: number, resolve: () => void } | undefined

  private constructor (server: Server, show: Show) {
    this.#server = server
    this.#show = show
    this.port = (server.address() as AddressInfo).port
    server.on('connection', socket => { this.#serve(socket) })
  }

  /** Listens on any free port of loopback. `show` is told of each text. */
  static async start (show: Show): Promise<DemoPhone> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new DemoPhone(server, show)
  }

  /** Resolves when so many texts were shown. */
  async shown (count: number): Promise<void> {
    if (this.#shown < count) await new Promise<void>(resolve => { this.#waiting = { count, resolve } })
  }

  close (): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve (socket: Socket): void {
    this.#sockets.add(socket)
    let bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('close', () => { this.#sockets.delete(socket) })
    socket.on('data', more => {
      bytes = Buffer.concat([bytes, more as Buffer])
      while (bytes.length >= HEADER_BYTES && bytes.length >= bytes.readUInt32BE(0)) {
        const length = Math.max(bytes.readUInt32BE(0), HEADER_BYTES)
        this.#hear(socket, bytes.readUInt32BE(4), bytes.readUInt32BE(12), bytes.subarray(HEADER_BYTES, length))
        bytes = bytes.subarray(length)
      }
    })
  }

  #hear (socket: Socket, command: number, sequence: number, body: Buffer): void {
    switch (command) {
      case COMMAND.bindTransceiver: return answer(socket, command, sequence, Buffer.from('phone\0'))
      case COMMAND.enquireLink:
      case COMMAND.unbind: return answer(socket, command, sequence, Buffer.alloc(0))
      case COMMAND.submitSm: return this.#take(socket, sequence, body)
    }
  }

  #take (socket: Socket, sequence: number, body: Buffer): void {
    const id = String(sequence)
    const { from, to, text } = readSubmission(body)
    answer(socket, COMMAND.submitSm, sequence, Buffer.from(`${id}\0`))
    write(socket, COMMAND.deliverSm, sequence, receipt(id))
    this.#show(to, from, text)
    this.#shown++
    if (this.#waiting !== undefined && this.#shown >= this.#waiting.count) this.#waiting.resolve()
  }
}

/** Who writes to whom, and what (SMPP 3.4 clause 4.4.1). */
function readSubmission (body: Buffer): { from: string, to: string, text: string } {
  let at = 0
  const octet = (): number => body[at++] ?? 0
  const text = (): string => {
    const end = Math.max(body.indexOf(0, at), at)
    const value = body.toString('latin1', at, end)
    at = end + 1
    return value
  }
  text()
  at += 2
  const from = text()
  at += 2
  const to = text()
  at += 3
  text()
  text()
  at += 2
  const coding = octet()
  at++
  const length = octet()
  const content = body.subarray(at, at + length)
  return { from, to, text: coding === UCS2 ? Buffer.from(content).swap16().toString('utf16le') : gsmText(content) }
}

/** Septets, one in each octet, as text. */
function gsmText (septets: Buffer): string {
  const characters = [...septets].map((code, at) => code === ESCAPE ? '' : septets[at - 1] === ESCAPE ? EXTENDED.get(code) : GSM[code])
  return characters.map(character => character ?? '?').join('')
}

/** A deliver_sm that says that a message has arrived (SMPP 3.4 appendix B). */
function receipt (id: string): Buffer {
  const words = Buffer.from(`id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:`)
  return Buffer.concat([Buffer.from('\0\x00\x00\0\x00\x00\0\x04\0\0\0\0\0\0\0\0', 'latin1'), Buffer.of(words.length), words])
}

function answer (socket: Socket, command: number, sequence: number, body: Buffer): void {
  write(socket, command + RESPONSE, sequence, body)
}

function write (socket: Socket, command: number, sequence: number, body: Buffer): void {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(HEADER_BYTES + body.length, 0)
  header.writeUInt32BE(command, 4)
  header.writeUInt32BE(sequence, 12)
  socket.write(Buffer.concat([header, body]))
}
