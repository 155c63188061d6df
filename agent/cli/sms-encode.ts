import { parseArgs } from 'node:util'
import { systemClock } from '../lib/clock.ts'
import { parseAddress, TON, type Address } from '../sms/address.ts'
import type { CodingGroup, MessageClass } from '../sms/dcs.ts'
import type { Encoded } from '../sms/fragment.ts'
import type { Ports } from '../sms/header.ts'
import { encodeData, encodeText, type EncodeOptions } from '../sms/segmentation.ts'
import type { ZonedTime } from '../sms/service-centre-time.ts'
import { encodeDeliver, encodeSubmit } from '../sms/tpdu-encoder.ts'
import { printLine } from './output.ts'
import { CliError, EXIT } from './verb.ts'

export const SMS_ENCODE_USAGE = 'encode --from A --to B (--text T | --data HEX) [--submit] [--port SRC:DST] [--class N] ' +
  '[--dcs-group general|class] [--pid N] [--cpi] [--ref N] [--ref16] [--scts ISO]'

/** TP-VP of an SMS-SUBMIT: the longest deadline that a message can have. */
const VALID_FOR_MS = 7 * 24 * 60 * 60 * 1000

/** Prints what a message becomes. With `--submit` it is one that a phone sends, an SMS-DELIVER otherwise. */
export async function smsEncode (args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      text: { type: 'string' },
      data: { type: 'string' },
      submit: { type: 'boolean', default: false },
      port: { type: 'string' },
      class: { type: 'string' },
      'dcs-group': { type: 'string' },
      pid: { type: 'string', default: '0' },
      cpi: { type: 'boolean', default: false },
      ref: { type: 'string', default: '0' },
      ref16: { type: 'boolean', default: false },
      scts: { type: 'string' }
    }
  })
  const { submit, ref16, scts } = values
  const to = readNumber('--to', values.to)
  // An SMS-SUBMIT does not say whom it is from: the network knows.
  const from = submit ? undefined : readAddress('--from', values.from)
  if (submit && values.from !== undefined) readAddress('--from', values.from)
  if (submit && scts !== undefined) throw wrong('--scts is the time of an SMS-DELIVER: leave it or --submit out')
  const reference = readInteger('--ref', values.ref, ref16 ? 65_535 : 255, ref16 ? '' : '; --ref16 allows up to 65535')
  const pid = readInteger('--pid', values.pid, 255)
  const time = scts === undefined ? { time: systemClock.now(), offsetMinutes: 0 } : readTime(scts)
  const { alphabet, dcs, fragments } = readContent(values, {
    reference,
    referenceBits: ref16 ? 16 : 8,
    ports: values.port === undefined ? undefined : readPorts(values.port),
    commandPacket: values.cpi,
    class: values.class === undefined ? undefined : readInteger('--class', values.class, 3) as MessageClass
  })
  const tpdus = fragments.map((fragment, i) => from === undefined
    ? encodeSubmit({ to, pid, dcs, alphabet, reference: reference + i & 0xff, validForMs: VALID_FOR_MS, fragment })
    : encodeDeliver({ from, pid, dcs, alphabet, time, more: i + 1 < fragments.length, fragment }))
  printLine(JSON.stringify({ alphabet, fragments: fragments.length, tpdus: tpdus.map(tpdu => Buffer.from(tpdu!).toString('hex')) }))
  return EXIT.ok
}

/** The text or the data, encoded. */
function readContent (values: { text?: string, data?: string, 'dcs-group'?: string }, options: EncodeOptions): Encoded {
  const { text, data, 'dcs-group': group } = values
  if ((text === undefined) === (data === undefined)) throw wrong('give either --text or --data')
  let encoded
  if (data === undefined) {
    if (group !== undefined) throw wrong('--dcs-group is for --data: a text is always of the general group')
    encoded = encodeText(text!, options)
  } else {
    if (!/^([0-9a-f]{2})+$/i.test(data)) throw wrong('--data is hexadecimal: two digits for each octet, one octet at least')
    if (group !== undefined && group !== 'general' && group !== 'class') throw wrong('--dcs-group is "general" or "class"')
    if (group === 'class' && options.class === undefined) throw wrong('--dcs-group class needs --class')
    encoded = encodeData(Buffer.from(data, 'hex'), { ...options, group: group as CodingGroup | undefined })
  }
  if (typeof encoded === 'string') throw wrong(`the message cannot be encoded: ${encoded}`)
  return encoded
}

/** Of whom a message is: a number or a name. */
function readAddress (option: string, text: string | undefined): Address {
  if (text === undefined) throw wrong(`${option} is missing: give a number ("+" before an international one) or a name`)
  const address = parseAddress(text)
  if (typeof address === 'string') throw wrong(`${option} ${address}`)
  return address
}

/** To whom a message goes: a number. */
function readNumber (option: string, text: string | undefined): Address {
  if (text === undefined) throw wrong(`${option} is missing: give a number ("+" before an international one)`)
  const address = readAddress(option, text)
  if (address.ton === TON.alphanumeric) throw wrong(`${option} is a name, to which nothing can be sent: give a number`)
  return address
}

function readPorts (text: string): Ports {
  const [, source, destination] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? []
  const ports = { source: Number(source), destination: Number(destination), bits: 16 } as const
  if (ports.source <= 65_535 && ports.destination <= 65_535) return ports
  throw wrong('--port is SOURCE:DESTINATION, each a number from 0 to 65535')
}

function readInteger (option: string, text: string, most: number, hint = ''): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= most) return Number(text)
  throw wrong(`${option} is a number from 0 to ${most}${hint}`)
}

/** A time of ISO 8601 in the years that two digits can tell; without a zone, UTC. */
function readTime (text: string): ZonedTime {
  const [, local, zone = 'Z'] = /^(20\d\d-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  const time = Date.parse(`${local}${zone}`)
  const minutes = zone === 'Z' ? 0 : Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))
  if (Number.isNaN(time) || minutes % 15 !== 0) {
    throw wrong('--scts is a time such as 2026-01-31T12:00:00+01:00, of this century, its zone in whole quarters of an hour')
  }
  return { time, offsetMinutes: zone.startsWith('-') ? -minutes : minutes }
}

function wrong (message: string): CliError {
  return new CliError(EXIT.usage, message)
}
