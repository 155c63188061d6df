import pino from 'pino'

/**
 * The agent's log. Lines say what happened in words and carry counts, names and codes; no IMSI, MSISDN, IMEI, location, token or
 * secret is ever given to it.
 */
export interface Log {
  debug: (fields: object, text: string) => void
  info: (fields: object, text: string) => void
  warn: (fields: object, text: string) => void
  error: (fields: object, text: string) => void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines on standard error: standard output belongs to what a verb prints. Written at once, so that no last word is lost. */
export function openLog (level: LogLevel, part: string): Log {
  return pino({ level, base: { part }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }))
}
