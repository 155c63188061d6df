import type { SgdConfig } from './config/sgd.ts'
import type { Clock } from './lib/clock.ts'
import type { Discards } from './lib/discards.ts'
import type { Log } from './observe/log.ts'
import { TON } from './sms/address.ts'
import type { Submission } from './sms/link.ts'
import { SgdLink } from './sms/sgd.ts'
import { decodeTpdu } from './sms/tpdu-decoder.ts'
import { encodeDeliver, encodeSubmit } from './sms/tpdu-encoder.ts'

const SECOND_MS = 1_000

/** The link that the configuration wants; it does not connect yet. */
export function sgdLink ({ config, clock, discards, log }: { config: SgdConfig, clock: Clock, discards: Discards, log: Log }): SgdLink {
  const { smsc_host: host, smsc_realm: realm } = config
  return new SgdLink({
    host: config.host,
    port: config.port,
    origin: { host: config.origin_host, realm: config.origin_realm },
    scAddress: config.sc_address,
    smsc: host === undefined || realm === undefined ? undefined : { host, realm, scAddress: config.smsc_address ?? config.sc_address },
    window: config.window,
    deliveryTimerSeconds: config.delivery_timer_seconds,
    watchdogMs: config.watchdog_seconds * SECOND_MS
  }, {
    clock,
    discards,
    notice: (level, fields, text) => { log[level](fields, text) },
    deliver: submission => encodeDeliver({ ...submission, time: { time: submission.acceptedAt, offsetMinutes: config.utc_offset_minutes } })!,
    submit: submission => encodeSubmit({ ...submission, rejectDuplicates: submission.resent })!,
    diagnose: report => {
      const decoded = decodeTpdu(report, 'from-phone')
      return typeof decoded !== 'string' && decoded.kind === 'deliver-report' ? decoded.failureCause : undefined
    },
    received: tpdu => {
      const decoded = decodeTpdu(tpdu, 'from-phone')
      if (typeof decoded === 'string' || decoded.kind !== 'submit') return undefined
      const { to, pid, dcs, userData: { header, body } } = decoded
      return { from: UNKNOWN, to, pid, dcs, header, body }
    }
  })
}

/** An SMS-SUBMIT does not say who sends it. */
const UNKNOWN: Submission['from'] = { ton: TON.unknown, value: '' }
