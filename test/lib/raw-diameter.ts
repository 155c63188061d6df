import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { base, message, type Avp } from '../generator/diameter.ts'
import type { Owner } from './temporary.ts'

/** An AVP as the tests' own reader found it. */
export interface WireAvp { code: number, vendor: number, flags: number, data: Buffer }

/** A message as the tests' own reader found it: nothing of the agent's codec is in here. */
export interface Wire {
  flags: number
  command: number
  application: number
  hopByHop: number
  endToEnd: number
  avps: WireAvp[]
  bytes: Buffer
}

/** Reads a whole message. Throws where it does not add up: the agent sent it. */
export function readWire (bytes: Buffer): Wire {
  return {
    flags: bytes.readUInt8(4),
    command: bytes.readUIntBE(5, 3),
    application: bytes.readUInt32BE(8),
    hopByHop: bytes.readUInt32BE(12),
    endToEnd: bytes.readUInt32BE(16),
    avps: readGroup(bytes.subarray(20)),
    bytes
  }
}

/** Reads a row of AVPs. */
function readGroup (bytes: Buffer): WireAvp[] {
  const avps: WireAvp[] = []
  for (let rest = bytes; rest.length > 0;) {
    const [code, flags, length] = [rest.readUInt32BE(0), rest.readUInt8(4), rest.readUIntBE(5, 3)]
    const header = (flags & 0x80) === 0 ? 8 : 12
    if (length < header || length > rest.length) throw new Error(`AVP ${code} has length ${length}`)
    avps.push({ code, flags, vendor: header === 12 ? rest.readUInt32BE(8) : 0, data: rest.subarray(header, length) })
    rest = rest.subarray(Math.min(rest.length, (length + 3) & ~3))
  }
  return avps
}

/** The value of the first AVP of a code: a number where it has four octets and is wanted as one, text or octets otherwise. */
export const numberIn = ({ avps }: { avps: WireAvp[] }, code: number): number | undefined => avps.find(avp => avp.code === code)?.data.readUInt32BE(0)
export const textIn = ({ avps }: { avps: WireAvp[] }, code: number): string | undefined => avps.find(avp => avp.code === code)?.data.toString()
export const octetsIn = ({ avps }: { avps: WireAvp[] }, code: number): string | undefined => avps.find(avp => avp.code === code)?.data.toString('hex')
export const groupIn = ({ avps }: { avps: WireAvp[] }, code: number): { avps: WireAvp[] } => ({ avps: readGroup(avps.find(avp => avp.code === code)?.data ?? Buffer.alloc(0)) })

export const CEA_AVPS: readonly Avp[] = [
  base(268, 2001), base(264, 'mme.example.net'), base(296, 'example.net'), base(257, Buffer.from('00017f000001', 'hex')), base(266, 0), base(269, 'raw'),
  vendorApplication(16777313), vendorApplication(16777312)
]

/** A Vendor-Specific-Application-Id of 3GPP. */
export function vendorApplication (application: number): Avp {
  return base(260, Buffer.concat([base(266, 10415), base(258, application)]))
}

/** The experimental result of 3GPP. */
export function experimental (code: number): Avp {
  return base(297, Buffer.concat([base(266, 10415), base(298, code)]))
}

/** One connection that a raw peer was given. */
export class RawConnection {
  readonly socket: Socket
  readonly closed: Promise<unknown>
  #buffer = Buffer.alloc(0)
  readonly #messages: Wire[] = []
  readonly #waiting: ((wire: Wire) => void)[] = []
  #sent = 0

  constructor (socket: Socket) {
    this.socket = socket
    this.closed = once(socket, 'close')
    socket.on('error', () => {})
    socket.on('data', chunk => { this.#take(chunk) })
  }

  /** The next message that the agent sends. */
  async next (): Promise<Wire> {
    return this.#messages.shift() ?? await new Promise(resolve => { this.#waiting.push(resolve) })
  }

  send (bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Answers a request. */
  answer ({ command, application, hopByHop, endToEnd }: Wire, avps: readonly Avp[], flags = 0): void {
    this.send(message({ command, applicationId: application, isRequest: false, hopByHop, endToEnd, flags }, avps))
  }

  /** Sends a request of its own and gives the agent's answer, which must be the next thing it sends. */
  async ask (command: number, application: number, avps: readonly Avp[], flags = 0): Promise<Wire> {
    const hopByHop = ++this.#sent
    const bytes = message({ command, applicationId: application, isRequest: true, hopByHop, endToEnd: hopByHop, flags }, avps)
    // The generator's messages are proxiable; those between neighbours are not.
    if (application === 0) bytes[4]! &= ~0x40
    this.send(bytes)
    return await this.next()
  }

  /** Sees that the agent has sent nothing, by asking for a watchdog's answer: true when that is the next thing to come. */
  async silent (): Promise<boolean> {
    const { command, flags } = await this.ask(280, 0, [base(264, 'mme.example.net'), base(296, 'example.net')])
    return command === 280 && (flags & 0x80) === 0
  }

  /** Answers the CER, which it gives. */
  async greet (avps: readonly Avp[] = CEA_AVPS): Promise<Wire> {
    const cer = await this.next()
    this.answer(cer, avps)
    return cer
  }

  #take (chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    while (this.#buffer.length >= 20) {
      const length = this.#buffer.readUIntBE(1, 3)
      if (this.#buffer.length < length) return
      const wire = readWire(Buffer.from(this.#buffer.subarray(0, length)))
      this.#buffer = this.#buffer.subarray(length)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#messages.push(wire)
      else waiting(wire)
    }
  }
}

/** A Diameter peer made of nothing but a TCP server: the test says each byte. */
export class RawPeer {
  readonly #server: Server
  readonly #connections: RawConnection[] = []
  readonly #waiting: ((connection: RawConnection) => void)[] = []
  #accepted = 0

  private constructor (server: Server) {
    this.#server = server
    server.on('connection', socket => {
      this.#accepted++
      const connection = new RawConnection(socket)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#connections.push(connection)
      else waiting(connection)
    })
  }

  static async listen (owner: Owner): Promise<RawPeer> {
    const server = createServer()
    const peer = new RawPeer(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    owner.teardown(() => { server.close() })
    return peer
  }

  get port (): number { return (this.#server.address() as AddressInfo).port }

  /** Connections so far. */
  get accepted (): number { return this.#accepted }

  /** The next connection of the agent. */
  async connection (): Promise<RawConnection> {
    return this.#connections.shift() ?? await new Promise(resolve => { this.#waiting.push(resolve) })
  }
}

/** After so long, what is waited for will not come: the test has failed, and must not spin on. */
const HOPELESS_MS = 20_000

/** Waits, turn by turn of the event loop, until something holds. */
export async function until (holds: () => boolean, hopelessMs = HOPELESS_MS): Promise<void> {
  const begun = performance.now()
  while (!holds()) {
    if (performance.now() - begun > hopelessMs) throw new Error(`never: ${String(holds)}`)
    await new Promise(resolve => { setImmediate(resolve) })
  }
}
