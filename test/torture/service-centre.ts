import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import type { Place } from './place.ts'
import { COMMAND, SmppLine, type Pdu } from './smpp-line.ts'
import { readSubmitted, type Submitted } from './submitted.ts'

/** command_status (SMPP 3.4 clause 5.1.3): it slows the link down; it cannot deliver now. */
export const STATUS = { ok: 0, throttled: 0x58, temporary: 0x45 } as const

/** Receipts that wait for their answers at most. */
const RECEIPTS = 100

/** Pause before a receipt that was not taken is sent again. */
const AGAIN_MS = 50

/** What a service centre does with a submission. */
export interface Manner {
  /** `cut`: the connection ends once it was read; `silence`: no answer. It is kept all the same. */
  how: 'answer' | 'silence' | 'cut'
  status: number
  /** How long the answer takes. */
  delayMs: number
  /** When the receipt is sent, as against the answer. */
  receipt: 'before' | 'after'
}

/** It takes a message at once. */
export const FRIENDLY: Manner = { how: 'answer', status: STATUS.ok, delayMs: 0, receipt: 'after' }

/** A service centre in this process, which outlives the agent. It keeps every receipt until that is answered. */
export class ServiceCentre {
  /** How a submission is treated; it was noted already. */
  manner: (submitted: Submitted) => Manner = () => FRIENDLY
  /** Told of each submission; `kept`: it will reach the phone. */
  submitted: (submitted: Submitted, kept: boolean) => void = () => {}
  /** Whether connections are taken. */
  open = true
  readonly #server: Server
  readonly #password: string
  readonly #lines = new Set<SmppLine>()
  /** Receipts that are still to be sent: id at the service centre, and the number. */
  readonly #receipts = new Map<string, string>()
  #receiptsUnderWay = 0
  #lastId = 0
  /** Submissions that wait for their answer, and those that were taken since it was bound. */
  outstanding = 0
  taken = 0

  private constructor (server: Server, password: string) {
    this.#server = server
    this.#password = password
    server.on('connection', socket => {
      if (this.open) this.#lines.add(new SmppLine(socket, (line, pdu) => { this.#request(line, pdu) }, line => { this.#lines.delete(line) }))
      else socket.destroy()
    })
  }

  static async listen (place: Place): Promise<ServiceCentre> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const password = join(place.directory, 'smpp-password')
    writeFileSync(password, 'secret\n')
    const centre = new ServiceCentre(server, password)
    place.teardown(() => {
      centre.cut()
      server.close()
    })
    return centre
  }

  /** The settings `sms.smpp` that lead here. */
  get settings (): object {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port, system_id: 'edge', password_file: this.#password }
  }

  /** Receipts that were not answered yet. */
  get receipts (): number { return this.#receipts.size + this.#receiptsUnderWay }

  /** Cuts all connections. */
  cut (): void {
    for (const line of this.#lines) line.cut()
  }

  #request (line: SmppLine, pdu: Pdu): void {
    switch (pdu.command) {
      case COMMAND.bindTransceiver:
        line.bound = true
        this.outstanding = this.taken = 0
        line.answer(pdu, STATUS.ok, Buffer.from('centre\0'))
        this.#tell()
        break
      case COMMAND.submitSm:
        void this.#submit(line, pdu)
        break
      default:
        line.answer(pdu, STATUS.ok)
    }
  }

  async #submit (line: SmppLine, pdu: Pdu): Promise<void> {
    const submitted = readSubmitted(pdu.body)
    this.outstanding++
    const { how, status, delayMs, receipt } = this.manner(submitted)
    const kept = status === STATUS.ok
    this.submitted(submitted, kept)
    const id = `c${(++this.#lastId).toString(36)}`
    if (kept && receipt === 'before') this.#receipt(id, submitted.to)
    if (how === 'cut') line.cut()
    if (how === 'answer') {
      if (delayMs > 0) await later(delayMs)
      this.outstanding--
      if (kept) this.taken++
      line.answer(pdu, status, kept ? Buffer.from(`${id}\0`) : Buffer.of(0))
    }
    if (kept && receipt === 'after') this.#receipt(id, submitted.to)
  }

  #receipt (id: string, to: string): void {
    this.#receipts.set(id, to)
    this.#tell()
  }

  /** Sends receipts, as many as may wait for their answers. */
  #tell (): void {
    const line = [...this.#lines].find(({ bound }) => bound)
    if (line === undefined) return
    for (const [id, to] of this.#receipts) {
      if (this.#receiptsUnderWay >= RECEIPTS) return
      this.#receipts.delete(id)
      this.#receiptsUnderWay++
      void line.ask(COMMAND.deliverSm, receiptBody(id, to)).then(async status => {
        this.#receiptsUnderWay--
        if (status !== STATUS.ok) {
          this.#receipts.set(id, to)
          await later(AGAIN_MS)
        }
        this.#tell()
      })
    }
  }
}

/** A deliver_sm (clause 4.6.1) that says that a message has reached the phone, in text (appendix B) and in TLVs (clauses 5.3.2.12 and 5.3.2.35). */
function receiptBody (id: string, to: string): Buffer {
  const text = Buffer.from(`id:${id} sub:001 dlvrd:001 stat:DELIVRD err:000 text:`)
  return Buffer.concat([
    Buffer.from(`\0\x01\x01${to}\0\x03\x00edge\0`, 'latin1'),
    Buffer.of(4, 0, 0, 0, 0, 0, 0, 0, 0, text.length),
    text,
    Buffer.of(0, 0x1e, 0, id.length + 1),
    Buffer.from(`${id}\0`),
    Buffer.of(4, 0x27, 0, 1, 2)
  ])
}
