import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { RunningAgent } from '../lib/agent.ts'
import { landfall } from '../lib/cli.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { listSms } from './control.ts'
import { Missed, until } from './patience.ts'
import type { Place } from './place.ts'
import { ServiceCentre } from './service-centre.ts'
import { SmsLedger } from './sms-ledger.ts'
import { subscribersFile, TextClient } from './text-client.ts'

/** States of messages of which more will be heard. */
const OPEN = ['accepted', 'waiting', 'in-flight', 'sent']

/** Pause between two looks at them: a list reads all messages there are. */
const LOOK_MS = 100

/** An agent that relays short messages between a client and a service centre, both of this process. Nothing runs yet. */
export class SmsStage {
  readonly agent: RunningAgent
  readonly centre: ServiceCentre
  readonly client: TextClient
  readonly ledger: SmsLedger

  private constructor (agent: RunningAgent, centre: ServiceCentre, client: TextClient, ledger: SmsLedger) {
    this.agent = agent
    this.centre = centre
    this.client = client
    this.ledger = ledger
    centre.submitted = (submitted, kept) => { ledger.submitted(submitted, kept) }
  }

  /** `smpp`, `sms`: settings besides the usual. Imports so many subscribers with numbers. */
  static async set (place: Place, subscribers: number, smpp: object, sms: object, env: Record<string, string> = {}): Promise<SmsStage> {
    const centre = await ServiceCentre.listen(place)
    const ledger = new SmsLedger()
    const agent = await RunningAgent.make(place, { settings: { sms: { ...sms, smpp: { ...centre.settings, ...smpp } } }, env })
    const file = join(temporaryDirectory(place), 'subscribers.csv')
    writeFileSync(file, subscribersFile(subscribers))
    const { code, stderr } = await landfall(['subscriber', 'import', file, '--config', agent.config])
    if (code !== 0) throw new Error(`subscribers cannot be imported: ${stderr}`)
    const client = new TextClient(agent.address, ledger, subscribers)
    place.teardown(() => { client.close() })
    return new SmsStage(agent, centre, client, ledger)
  }

  /** Resolves once every message has ended and every receipt was taken. Rejects with Missed. */
  async settled (limitMs: number): Promise<void> {
    let open = 0
    const none = async (): Promise<boolean> => {
      open = 0
      for (const state of OPEN) open += (await listSms(this.agent, state)).length
      if (open > 0) await later(LOOK_MS)
      return open === 0 && this.centre.receipts === 0
    }
    await until('all messages end', none, limitMs).catch((error: unknown) => {
      throw new Missed(`${String(error)}; ${open} messages are left, ${this.centre.receipts} receipts`)
    })
  }
}
