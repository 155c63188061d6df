import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Discards } from '../../agent/lib/discards.ts'
import type { Clock } from '../../agent/lib/clock.ts'
import type { Test } from 'tap'
import type { LinkListener, Outcome, Receipt, Received } from '../../agent/sms/link.ts'
import { COMMAND } from '../../agent/sms/smpp/codes.ts'
import { SmppLink, type SmppSettings } from '../../agent/sms/smpp/smpp-link.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { temporaryDirectory, type Owner } from '../lib/temporary.ts'
import { turns, until } from '../lib/until.ts'
import { RawSmsc, type Heard, type Peer } from './raw-smsc.ts'
import { submission } from './submissions.ts'

/** A link, and what it told. Time stands still until it is moved. */
export class SmppBench implements LinkListener {
  readonly clock = new ManualClock()
  readonly discards = new Discards()
  readonly notices: string[] = []
  readonly receipts: Receipt[] = []
  readonly messages: Received[] = []
  readonly passwordFile: string
  readonly link: SmppLink
  readies = 0
  /** What happens to what is to be stored. */
  store = async (): Promise<void> => {}

  constructor (owner: Owner, port: number, wish: Partial<SmppSettings> = {}, clock?: Clock) {
    this.passwordFile = join(temporaryDirectory(owner), 'password')
    writeFileSync(this.passwordFile, 'secret\nnot this\n')
    const settings: SmppSettings = {
      door: { host: '127.0.0.1', port, tls: undefined },
      systemId: 'edge',
      passwordFile: this.passwordFile,
      systemType: '',
      bind: 'transceiver',
      window: 10,
      fragmentsPerSecond: 0,
      answerMs: 60_000,
      enquireMs: 30_000,
      idFormat: 'same',
      shortCode: { ton: 3, npi: 0 },
      defaultAlphabet: 'gsm7',
      statuses: { permanent: [], temporary: [] },
      ...wish
    }
    const notice = (level: string, fields: object, text: string): void => { this.notices.push(`${level} ${JSON.stringify(fields)} ${text}`) }
    // Chance is always its most: pauses are the longest that they can be.
    this.link = new SmppLink({ settings, clock: clock ?? this.clock, discards: this.discards, notice, random: () => 1 })
    owner.teardown(async () => {
      let stopped = false
      void this.link.stop(0).then(() => { stopped = true })
      const over = (): boolean => stopped
      while (!over()) { this.clock.advance(1_000); await turns(1) }
    })
  }

  ready = (): void => { this.readies++ }
  alert = (): void => {}

  receipt = async (receipt: Receipt): Promise<void> => {
    await this.store()
    this.receipts.push(receipt)
  }

  received = async (message: Received): Promise<void> => {
    await this.store()
    this.messages.push(message)
  }

  /** Starts, and lets the service centre accept the bind. */
  async bind (smsc: RawSmsc): Promise<Peer> {
    this.link.start(this)
    return await this.rebind(smsc)
  }

  /** Moves time on to the next attempt to connect, as it was told, and no further. */
  waitForRetry (): void {
    this.clock.advance(Number(/"retryMs":(\d+)/.exec(this.notices.at(-1)!)![1]))
  }

  /** Lets the service centre accept the next connection and its bind. */
  async rebind (smsc: RawSmsc): Promise<Peer> {
    const peer = await smsc.accept()
    peer.answer(await peer.next(COMMAND.bindTransceiver), { body: 'smsc\0' })
    await until(() => this.link.up)
    return peer
  }
}

/** A link that is bound to a service centre played by hand. */
export async function bound (t: Test, wish: Partial<SmppSettings> = {}): Promise<{ smsc: RawSmsc, peer: Peer, bench: SmppBench }> {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port, wish)
  return { smsc, peer: await bench.bind(smsc), bench }
}

/** Submits so many, and gives what was heard of them and their outcomes to come. */
export async function submitted (bench: SmppBench, peer: Peer, count: number): Promise<{ heard: Heard[], outcomes: Promise<Outcome>[] }> {
  const outcomes = Array.from({ length: count }, (_, i) => bench.link.submit(submission({ text: `text ${i}` })))
  const heard: Heard[] = []
  while (heard.length < count) heard.push(await peer.next(COMMAND.submitSm))
  return { heard, outcomes }
}
