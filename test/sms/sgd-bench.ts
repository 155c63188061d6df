import type { Test } from 'tap'
import type { Alphabet } from '../../agent/sms/fragment.ts'
import type { LinkListener, Received, Submission } from '../../agent/sms/link.ts'
import { SgdLink, type SgdOptions } from '../../agent/sms/sgd.ts'
import { Discards } from '../../agent/lib/discards.ts'
import type { Clock } from '../../agent/lib/clock.ts'
import { ManualClock } from '../lib/manual-clock.ts'

/** An SMS-DELIVER and an SMS-SUBMIT that tshark knows ("A😀" from +4799999999; "STOP" to 2442), so that no encoder is needed here. */
export const DELIVER = Buffer.from('0407d045e2b108000862113230000000060041d83dde00', 'hex')
export const SUBMIT = Buffer.from('01000481422400000453ea130a', 'hex')

/** What the network sent towards a service, as the decoder would give it. */
export const RECEIVED: Received = { from: { ton: 0, value: '' }, to: { ton: 0, value: '2442' }, pid: 0, dcs: 0, header: new Uint8Array(0), body: Buffer.from('STOP') }

/** A submission to a phone, unless it says otherwise. */
export function submission (other: Partial<Submission> = {}): Submission {
  return {
    direction: 'to-subscriber',
    from: { ton: 5, value: 'Edge' },
    to: { ton: 1, value: '4790000001' },
    imsi: '242010000000001',
    msisdn: '4790000001',
    servingNode: { host: 'mme.test.realm', realm: 'test.realm' },
    pid: 0,
    dcs: 0,
    alphabet: 'gsm7' as Alphabet,
    fragment: { header: new Uint8Array(0), body: Buffer.from('hi') },
    reference: 7,
    acceptedAt: Date.UTC(2026, 0, 1),
    validForMs: 60_000,
    more: false,
    resent: false,
    ...other
  }
}

/** A link, and what it told. */
export interface LinkBench<C extends Clock> {
  link: SgdLink
  clock: C
  discards: Discards
  notices: string[]
  told: { ready: number, alerts: unknown[], received: Received[], refuse: boolean }
}

/** Makes a link and starts it. The stand-ins for the TPDU coder give what the vectors above are. */
export function startLink<C extends Clock> (t: Test, clock: C, options: Partial<SgdOptions> & { port: number }): LinkBench<C> {
  const discards = new Discards()
  const notices: string[] = []
  const told: LinkBench<C>['told'] = { ready: 0, alerts: [], received: [], refuse: false }
  const link = new SgdLink({
    host: '127.0.0.1',
    origin: { host: 'landfall.test.realm', realm: 'test.realm' },
    scAddress: '4790000000',
    smsc: { host: 'smsc.test.realm', realm: 'test.realm', scAddress: '47900000009' },
    window: 20,
    deliveryTimerSeconds: 60,
    watchdogMs: 30_000,
    ...options
  }, {
    clock,
    discards,
    notice: (level, fields, text) => { notices.push(`${level} ${text} ${JSON.stringify(fields)}`) },
    deliver: () => DELIVER,
    submit: () => SUBMIT,
    diagnose: report => report[1],
    received: tpdu => Buffer.compare(tpdu, SUBMIT) === 0 ? RECEIVED : undefined
  })
  const listener: LinkListener = {
    ready: () => { told.ready++ },
    receipt: async () => {},
    received: async message => {
      if (told.refuse) throw new Error('no room')
      told.received.push(message)
    },
    alert: subscriber => { told.alerts.push(subscriber) }
  }
  link.start(listener)
  t.teardown(async () => {
    const stopped = link.stop(0)
    if (clock instanceof ManualClock) {
      clock.advance(0)
      await new Promise(resolve => { setImmediate(resolve) })
      clock.advance(5_000)
    }
    await stopped
  })
  return { link, clock, discards, notices, told }
}
