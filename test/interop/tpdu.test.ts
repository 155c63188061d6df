import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { encodeAddress } from '../../agent/sms/address-field.ts'
import { TON, type Address, type Ton } from '../../agent/sms/address.ts'
import type { MessageClass } from '../../agent/sms/dcs.ts'
import type { Encoded } from '../../agent/sms/fragment.ts'
import { BASE_TABLE, septetsToText } from '../../agent/sms/gsm7.ts'
import { encodeHeader } from '../../agent/sms/header.ts'
import { encodeData, encodeText } from '../../agent/sms/segmentation.ts'
import { encodeTime, type ZonedTime } from '../../agent/sms/service-centre-time.ts'
import { decodeTpdu } from '../../agent/sms/tpdu-decoder.ts'
import { encodeDeliver, encodeSubmit } from '../../agent/sms/tpdu-encoder.ts'
import type { Direction, Tpdu } from '../../agent/sms/tpdu.ts'
import { encodeRelativeValidity } from '../../agent/sms/validity.ts'
import { base, gpp, message } from '../generator/diameter.ts'
import { ethernet, ipv4, tcp, type Ends } from '../generator/packet.ts'
import { pcap } from '../generator/pcap.ts'
import { random, seed } from '../lib/seed.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 40_000, destination: '192.0.2.2', destinationPort: 3868 }

/** SGd commands (TS 29.338 clause 6.3.2), by which tshark knows the direction, and the AVP that holds a TPDU. */
const COMMAND = { 'to-phone': 8_388_646, 'from-phone': 8_388_645 } as const
const SM_RP_UI = 3301

/** Characters of texts. */
const GSM = BASE_TABLE.concat([...'^{}[]~|€\\']).filter(character => character !== undefined && character !== '') as string[]
const OTHER = ['я', '你', '😀', '🇳🇴', 'e\u0301', 'a', '"', '\n']

/** TP-MTI (TS 23.040 clause 9.2.3.1). */
const TYPE = { deliver: 0, 'deliver-report': 0, submit: 1, 'submit-report': 1, 'status-report': 2 } as const

/** What tshark finds in a TPDU: values by the field's name without `gsm_sms.`. */
type Row = Record<string, string[] | undefined>

const FIELDS = [
  'tp-mti', 'tp-oa', 'tp-da', 'tp-ra', 'dis_field_addr.num_type', 'tp-pid', 'tp-dcs', 'tp-mr', 'tp-mms', 'tp-sri', 'tp-srr', 'tp-srq', 'tp-rd', 'tp-rp', 'tp-udhi', 'tp-vpf', 'tp-fcs',
  'sms_text', 'sms_body', 'udh.mm.msg_id', 'udh.mm.msg_parts', 'udh.mm.msg_part', 'destination_port', 'originator_port', 'dis_iei_lang.single_shift', 'dis_iei_lang.locking_shift',
  'scts.year', 'scts.month', 'scts.day', 'scts.hour', 'scts.minutes', 'scts.seconds', 'scts.timezone', 'vp.validity_period'
]

interface Sent { tpdu: Uint8Array, direction: Direction }

/** One run of tshark over all of them. */
function tsharkRows (t: Test, sent: Sent[]): Row[] {
  const file = join(temporaryDirectory(t), 'tpdus.pcap')
  let sequence = 1
  writeFileSync(file, pcap(sent.map(({ tpdu, direction }, i) => {
    const bytes = message({ command: COMMAND[direction], applicationId: 16_777_313, isRequest: true, hopByHop: i, endToEnd: i }, [base(263, 's;1'), gpp(SM_RP_UI, tpdu)])
    const data = ethernet(ipv4(ENDS, 6, tcp(ENDS, sequence, bytes)))
    sequence += bytes.length
    return { time: Date.UTC(2026, 0, 1) + i, data }
  }), 1))
  const output = execFileSync('tshark', [
    '-n', '-r', file, '-o', 'gsm_sms.reassemble:FALSE', '-T', 'json', '-e', '_ws.malformed', ...FIELDS.flatMap(field => ['-e', `gsm_sms.${field}`])
  ], { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] })
  return (JSON.parse(output) as { _source: { layers: Row } }[]).map(({ _source: { layers } }) =>
    Object.fromEntries(Object.entries(layers).map(([field, values]) => [field.replace('gsm_sms.', ''), values])))
}

/** What our decoder finds, under tshark's names and in its notation. */
function ourRow (tpdu: Tpdu): Row {
  const row: Row = { }
  const put = (field: string, ...values: (string | number | boolean | undefined)[]): void => {
    const said = values.filter(value => value !== undefined).map(value => value === true ? '1' : value === false ? '0' : String(value))
    if (said.length > 0) row[field] = said
  }
  const address = (field: string, { ton, value }: Address): void => { put(field, value); put('dis_field_addr.num_type', ton) }
  if (tpdu.kind === 'deliver') { address('tp-oa', tpdu.from); put('tp-mms', !tpdu.more); put('tp-sri', tpdu.statusReport); put('tp-rp', tpdu.replyPath) }
  if (tpdu.kind === 'submit') {
    address('tp-da', tpdu.to)
    put('tp-rd', tpdu.rejectDuplicates)
    put('tp-srr', tpdu.statusReport)
    put('tp-rp', tpdu.replyPath)
    put('tp-vpf', tpdu.validity === undefined ? 0 : 2)
    put('vp.validity_period', tpdu.validity?.kind === 'relative' ? encodeRelativeValidity(tpdu.validity.ms) : undefined)
  }
  if (tpdu.kind === 'status-report') { address('tp-ra', tpdu.to); put('tp-mms', !tpdu.more); put('tp-srq', tpdu.answersCommand) }
  if (tpdu.kind === 'submit' || tpdu.kind === 'status-report') put('tp-mr', tpdu.reference)
  if (tpdu.kind === 'deliver-report' || tpdu.kind === 'submit-report') put('tp-fcs', tpdu.failureCause)
  put('tp-pid', tpdu.pid)
  put('tp-dcs', tpdu.dcs)
  const times = [...('time' in tpdu ? [tpdu.time] : []), ...('dischargeTime' in tpdu ? [tpdu.dischargeTime] : [])]
  const local = times.map(time => new Date(time!.time + time!.offsetMinutes * 60_000))
  put('scts.year', ...local.map(date => date.getUTCFullYear() - 2000))
  put('scts.month', ...local.map(date => date.getUTCMonth() + 1))
  put('scts.day', ...local.map(date => date.getUTCDate()))
  put('scts.hour', ...local.map(date => date.getUTCHours()))
  put('scts.minutes', ...local.map(date => date.getUTCMinutes()))
  put('scts.seconds', ...local.map(date => date.getUTCSeconds()))
  // In quarters of an hour, and without its sign.
  put('scts.timezone', ...times.map(time => Math.abs(time!.offsetMinutes / 15)))
  const { userData } = tpdu
  put('tp-mti', TYPE[tpdu.kind])
  put('tp-udhi', (userData?.header.length ?? 0) > 0)
  if (userData === undefined) return row
  const { concatenation, ports, singleShift, lockingShift } = userData.elements
  put('udh.mm.msg_id', concatenation?.reference)
  put('udh.mm.msg_parts', concatenation?.total)
  put('udh.mm.msg_part', concatenation?.part)
  put('destination_port', ports?.destination)
  put('originator_port', ports?.source)
  put('dis_iei_lang.single_shift', singleShift)
  put('dis_iei_lang.locking_shift', lockingShift)
  // It names the languages, and shows the text by the default tables.
  if (userData.body.length === 0) return row
  if (userData.alphabet === 'gsm7') put('sms_text', septetsToText(userData.body))
  else if (userData.alphabet === 'ucs2') put('sms_text', userData.text)
  else put('sms_body', Buffer.from(userData.body).toString('hex'))
  return row
}

/** Makes messages at random: what phones get and send, and what is reported of them. */
class Maker {
  readonly #next: () => number

  constructor (next: () => number) {
    this.#next = next
  }

  #one <T> (of: readonly T[]): T {
    return of[this.#next() % of.length]!
  }

  #some (of: readonly string[], least: number, most: number): string {
    return Array.from({ length: least + this.#next() % (most - least + 1) }, () => this.#one(of)).join('')
  }

  #address (): Address {
    if (this.#next() % 3 === 0) return { ton: TON.alphanumeric, value: this.#some([...'abcXYZ Åß&1'], 1, 11) }
    // It takes international numbers further apart, and calls those malformed that no country has.
    if (this.#next() % 2 === 0) return { ton: TON.international, value: '47' + this.#some([...'0123456789'], 3, 13) }
    return { ton: this.#one<Ton>([TON.unknown, TON.national, TON.networkSpecific, TON.abbreviated]), value: this.#some([...'0123456789*#abc'], 1, 20) }
  }

  #time (): ZonedTime {
    return { time: Date.UTC(2000, 0, 2) + this.#next() % 3_000_000_000 * 1000, offsetMinutes: (this.#next() % 105 - 48) * 15 }
  }

  /** All fragments of a text or of data. */
  #message (): Encoded {
    const common = {
      reference: this.#next() % 65_536,
      referenceBits: this.#one([8, 16] as const),
      class: this.#one<MessageClass | undefined>([undefined, 0, 1, 2, 3]),
      ports: this.#next() % 3 === 0 ? { source: this.#next() % 65_536, destination: this.#next() % 65_536, bits: this.#one([8, 16] as const) } : undefined
    }
    if (common.ports?.bits === 8) {
      common.ports.source &= 0xff
      common.ports.destination &= 0xff
    }
    const encoded = this.#next() % 3 === 0
      ? encodeData(Uint8Array.from({ length: 1 + this.#next() % 400 }, this.#next), { ...common, group: common.class === undefined ? 'general' : this.#one(['general', 'class'] as const) })
      : encodeText(this.#some(this.#one([GSM, GSM, OTHER]), 1, 400), common)
    if (typeof encoded === 'string') throw new Error(encoded)
    return encoded
  }

  messages (): Sent[] {
    const { alphabet, dcs, fragments } = this.#message()
    return fragments.map(fragment => {
      const common = { pid: this.#next() % 256, dcs, alphabet, statusReport: this.#next() % 2 === 0, fragment }
      return this.#next() % 2 === 0
        ? { direction: 'to-phone', tpdu: encodeDeliver({ ...common, from: this.#address(), time: this.#time(), more: this.#next() % 2 === 0 })! }
        : {
            direction: 'from-phone',
            tpdu: encodeSubmit({
              ...common, to: this.#address(), reference: this.#next() % 256, validForMs: this.#one([undefined, this.#next() % 3_000_000_000 * 10]), rejectDuplicates: this.#next() % 2 === 0
            })!
          }
    })
  }

  /** A message in a national language: any codes, which tshark shows by the default table. */
  national (language: number): Sent {
    const header = encodeHeader(this.#one([{ lockingShift: language }, { singleShift: language }, { lockingShift: language, singleShift: language }]))
    const body = Uint8Array.from({ length: 1 + this.#next() % 140 }, () => this.#next() % 0x80).map(code => code === 0x1b ? 0x20 : code)
    return {
      direction: 'to-phone',
      tpdu: encodeDeliver({ from: this.#address(), pid: 0, dcs: 0, alphabet: 'gsm7', time: this.#time(), more: false, fragment: { header, body } })!
    }
  }

  /** A report as others send them. Without TP-DCS it has no user data: tshark then shows octets where the default alphabet is meant. */
  report (): Sent {
    const indicator = this.#one([0, 1, 2, 3, 6, 7])
    const parameters = [
      ...(indicator & 1 ? [this.#next() % 256] : []), ...(indicator & 2 ? [this.#one([0, 0xf6])] : []), ...(indicator & 4 ? [2, 0xe8, 0x34] : [])
    ]
    const failure = this.#one([[], [0x80 | this.#next() % 0x80]])
    switch (this.#next() % 3) {
      case 0: return { direction: 'from-phone', tpdu: Uint8Array.of(0, ...failure, indicator, ...parameters) }
      case 1: return { direction: 'to-phone', tpdu: Uint8Array.of(1, ...failure, indicator, ...encodeTime(this.#time()), ...parameters) }
      default: return {
        direction: 'to-phone',
        tpdu: Uint8Array.of(
          this.#one([0x02, 0x06, 0x22, 0x26]), this.#next(), ...encodeAddress(this.#address())!, ...encodeTime(this.#time()), ...encodeTime(this.#time()),
          this.#next() % 128, indicator, ...parameters
        )
      }
    }
  }
}

t.test('hundreds of messages of every kind, in one run: tshark reads the same', async t => {
  const maker = new Maker(random(seed(t)))
  const sent = [
    ...Array.from({ length: 400 }, () => maker.messages()).flat(),
    ...Array.from({ length: 130 }, (_, i) => maker.national(1 + i % 13)),
    ...Array.from({ length: 200 }, () => maker.report())
  ]
  const rows = tsharkRows(t, sent)
  t.equal(rows.length, sent.length)
  const kinds = new Set<string>()
  const differing: object[] = []
  for (const [i, { tpdu, direction }] of sent.entries()) {
    const decoded = decodeTpdu(tpdu, direction)
    if (typeof decoded === 'string') {
      differing.push({ tpdu: Buffer.from(tpdu).toString('hex'), decoded })
      continue
    }
    kinds.add(decoded.kind)
    const ours = ourRow(decoded)
    const theirs = rows[i]!
    for (const field of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      const [our, their] = [ours[field]?.join('|'), theirs[field]?.map(plain).join('|')]
      if (our !== their) differing.push({ tpdu: Buffer.from(tpdu).toString('hex'), field, our, their })
    }
  }
  t.comment(`${sent.length} TPDUs`)
  t.same([...kinds].sort(), ['deliver', 'deliver-report', 'status-report', 'submit', 'submit-report'])
  t.same(differing.slice(0, 10), [], `${differing.length} differences`)
})

/** Hexadecimal numbers as decimal ones. */
function plain (value: string): string {
  return /^0x[0-9a-f]+$/.test(value) ? String(Number(value)) : value
}
