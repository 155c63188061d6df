import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { npmSmpp, type NpmPdu, type NpmSession } from '../sms/npm-smpp.ts'
import { temporaryDirectory, type Owner } from '../lib/temporary.ts'

/** A service centre by code that is not ours, which takes messages and tells receipts. */
export class Smsc {
  readonly port: number
  /** Every submit_sm. */
  readonly taken: NpmPdu[] = []
  /** How a submission is answered: its id, or a status. */
  answer: (pdu: NpmPdu) => { message_id?: string, command_status?: number } = () => ({ message_id: `m${this.taken.length}` })
  #session: NpmSession | undefined
  #wake: () => void = () => {}

  private constructor (port: number) {
    this.port = port
  }

  static async listen (owner: Owner): Promise<Smsc> {
    const server = npmSmpp.createServer(session => { smsc.#open(session) })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const smsc: Smsc = new Smsc((server.address() as AddressInfo).port)
    owner.teardown(() => {
      smsc.#session?.destroy()
      server.close()
    })
    return smsc
  }

  /** The section `sms.smpp` that leads here. */
  settings (owner: Owner): object {
    const path = join(temporaryDirectory(owner), 'password')
    writeFileSync(path, 'secret\n')
    return { host: '127.0.0.1', port: this.port, system_id: 'edge', password_file: path }
  }

  /** The submission of this number, from 0, once it was made. */
  async submission (index: number): Promise<NpmPdu> {
    while (this.taken.length <= index) await new Promise<void>(resolve => { this.#wake = resolve })
    return this.taken[index]!
  }

  /** Sends a deliver_sm; resolves with the answer's status. */
  async deliver (fields: object): Promise<number> {
    const { PDU } = npmSmpp
    return await new Promise(resolve => { this.#session!.send(new PDU('deliver_sm', fields), pdu => { resolve(pdu.command_status) }) })
  }

  /** Tells what became of a message. */
  async receipt (id: string, state: string, code: number): Promise<number> {
    return await this.deliver({ esm_class: 4, short_message: Buffer.from(`id:${id} stat:${state} err:000`), receipted_message_id: id, message_state: code })
  }

  #open (session: NpmSession): void {
    this.#session = session
    session.on('error', () => {})
    for (const request of ['bind_transceiver', 'unbind', 'enquire_link']) session.on(request, pdu => { session.send(pdu.response({ system_id: 'smsc' })) })
    session.on('submit_sm', pdu => {
      this.taken.push(pdu)
      session.send(pdu.response(this.answer(pdu)))
      this.#wake()
    })
  }
}
