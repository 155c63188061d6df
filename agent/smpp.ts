import type { SmppConfig } from './config/smpp.ts'
import type { Clock } from './lib/clock.ts'
import type { Discards } from './lib/discards.ts'
import type { Log } from './observe/log.ts'
import { SmppLink, type SmppSettings } from './sms/smpp/smpp-link.ts'

/** The link that the configuration wants; it does not connect yet. */
export function smppLink ({ config, clock, discards, log }: { config: SmppConfig, clock: Clock, discards: Discards, log: Log }): SmppLink {
  return new SmppLink({ settings: settings(config), clock, discards, notice: (level, fields, text) => { log[level](fields, text) } })
}

function settings (config: SmppConfig): SmppSettings {
  const [ton, npi] = config.short_code_ton_npi.split('/').map(Number)
  const { host, port, tls } = config
  return {
    door: { host, port, tls: tls && { ca: tls.ca, certificate: tls.certificate, key: tls.key, servername: tls.servername } },
    systemId: config.system_id,
    passwordFile: config.password_file,
    systemType: config.system_type,
    bind: config.bind,
    window: config.window,
    fragmentsPerSecond: config.fragments_per_second,
    answerMs: config.response_seconds * 1_000,
    enquireMs: config.enquire_seconds * 1_000,
    idFormat: config.id_format,
    shortCode: { ton: ton!, npi: npi! },
    defaultAlphabet: config.default_alphabet,
    statuses: { permanent: config.permanent_statuses, temporary: config.temporary_statuses }
  }
}
