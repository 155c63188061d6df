import t from 'tap'
import fc from 'fast-check'
import { TON, type Address } from '../../agent/sms/address.ts'
import type { MessageClass } from '../../agent/sms/dcs.ts'
import type { Encoded } from '../../agent/sms/fragment.ts'
import { BASE_TABLE } from '../../agent/sms/gsm7.ts'
import { encodeHeader } from '../../agent/sms/header.ts'
import { lockingShiftTable, singleShiftTable } from '../../agent/sms/national.ts'
import { encodeData, encodeText } from '../../agent/sms/segmentation.ts'
import { decodeTpdu } from '../../agent/sms/tpdu-decoder.ts'
import { encodeDeliver, encodeSubmit, type DeliverParts, type SubmitParts } from '../../agent/sms/tpdu-encoder.ts'
import type { Deliver, StatusReport, Submit, Tpdu } from '../../agent/sms/tpdu.ts'
import { random, seed, seeded } from '../lib/seed.ts'

const hex = (octets: Uint8Array | undefined): string | undefined => octets === undefined ? undefined : Buffer.from(octets).toString('hex')
const bytes = (text: string): Uint8Array => Buffer.from(text, 'hex')

const TIME = { time: Date.UTC(2026, 10, 23, 3), offsetMinutes: 0 }
const international = (value: string): Address => ({ ton: TON.international, value })
const name = (value: string): Address => ({ ton: TON.alphanumeric, value })
const short = (value: string): Address => ({ ton: TON.unknown, value })

const must = (encoded: Encoded | string): Encoded => {
  if (typeof encoded === 'string') throw new Error(encoded)
  return encoded
}
const text = (message: string, options: object = {}): Encoded => must(encodeText(message, { reference: 42, referenceBits: 8, ...options }))
const data = (octets: string, options: object = {}): Encoded => must(encodeData(bytes(octets), { reference: 42, referenceBits: 8, ...options }))

/** One fragment of an encoded message, or one made by hand. */
const single = ({ alphabet, dcs, fragments }: Encoded): Pick<DeliverParts, 'alphabet' | 'dcs' | 'fragment'> => ({ alphabet, dcs, fragment: fragments[0]! })
const withHeader = (encoded: Encoded, elements: Parameters<typeof encodeHeader>[0]): ReturnType<typeof single> =>
  ({ ...single(encoded), fragment: { header: encodeHeader(elements), body: encoded.fragments[0]!.body } })

/** What tshark has decoded to the same. */
const DELIVERS: [string, Partial<DeliverParts>, message: string | undefined, tpdu: string][] = [
  ['an international sender', { from: international('4799999999'), ...single(text('Hello {world} €')) }, 'Hello {world} €', '040a91749999999900006211323000000012c8329bfd066d50f7b79c4ddea4409b32'],
  ['a name of eleven characters', { from: name('EdgeCompany'), ...single(text('hi')) }, 'hi', '0414d045f2b93c7cb7e161771e00006211323000000002e834'],
  ['a name of seven characters', { from: name('Example'), ...single(text('hi')) }, 'hi', '040dd0457cb80d67970100006211323000000002e834'],
  ['a short code', { from: short('2442'), ...single(text('hi')) }, 'hi', '040481422400006211323000000002e834'],
  ['a number of odd length', { from: international('479999999'), ...single(text('hi')) }, 'hi', '04099174999999f900006211323000000002e834'],
  ['a zone in the west, and more to come', { from: short('2442'), ...single(text('hi')), more: true, time: { time: Date.UTC(2026, 10, 23, 6, 30), offsetMinutes: -210 } }, 'hi',
    '000481422400006211323000004902e834'],
  ['the first of two', { from: name('EDGE'), ...withHeader(text('Hello world'), { concatenation: { reference: 0x42, bits: 8, total: 2, part: 1 } }) }, 'Hello world',
    '4407d045e2b10800006211323000000012050003420201906536fb0dbabfe56c32'],
  ['the first of two, a reference of 16 bits', { from: name('EDGE'), ...withHeader(text('Hello world'), { concatenation: { reference: 0x1234, bits: 16, total: 2, part: 1 } }) },
    'Hello world', '4407d045e2b1080000621132300000001306080412340201c8329bfd06dddf723619'],
  ['ports', { from: name('EDGE'), ...single(text('Hello world', { ports: { source: 1349, destination: 1349, bits: 16 } })) }, 'Hello world',
    '4407d045e2b1080000621132300000001306050405450545c8329bfd06dddf723619'],
  ['ports, and the first of two', {
    from: name('EDGE'),
    ...withHeader(data('01020304'), {
      concatenation: { reference: 0x42, bits: 8, total: 2, part: 1 }, ports: { source: 80, destination: 5000, bits: 16 }
    })
  }, undefined, '4407d045e2b108000462113230000000100b000342020105041388005001020304'],
  ['command packet', { from: name('EDGE'), ...single(data('00281506', { commandPacket: true, class: 2, group: 'class' })), pid: 0x7f }, undefined, '4407d045e2b1087ff6621132300000000702700000281506'],
  ['UTF-16', { from: name('EDGE'), ...single(text('A😀')) }, 'A😀', '0407d045e2b108000862113230000000060041d83dde00'],
  ['the message class group', { from: name('EDGE'), ...single(data('0102', { class: 1, group: 'class' })) }, undefined, '0407d045e2b10800f562113230000000020102'],
  ['the general group with a class', { from: name('EDGE'), ...single(data('0102', { class: 1 })) }, undefined, '0407d045e2b108001562113230000000020102'],
  ['flash', { from: name('EDGE'), ...single(text('flash', { class: 0 })) }, 'flash', '0407d045e2b108001062113230000000056676788e06']
]

const SUBMITS: [string, Partial<SubmitParts>, message: string, tpdu: string][] = [
  ['with all flags, for seven days', {
    to: international('4790000001'), ...single(text('hei')), reference: 7, validForMs: 7 * 86_400_000, statusReport: true, rejectDuplicates: true
  }, 'hei', '35070a9174090000100000ad03e8721a'],
  ['to a short code', { to: short('2442'), ...single(text('STOP')) }, 'STOP', '01000481422400000453ea130a']
]

t.test('SMS-DELIVER: known octets both ways', async t => {
  for (const [what, parts, message, tpdu] of DELIVERS) {
    const whole = { pid: 0, time: TIME, more: false, ...parts } as DeliverParts
    t.equal(hex(encodeDeliver(whole)), tpdu, what)
    const decoded = decodeTpdu(bytes(tpdu), 'to-phone') as Deliver
    const { from, pid, dcs, time, more, alphabet, fragment } = whole
    t.match(decoded, { kind: 'deliver', from, pid, dcs, time, more, statusReport: false, replyPath: false }, what)
    t.same([decoded.userData.alphabet, decoded.userData.text, hex(decoded.userData.header), hex(decoded.userData.body), decoded.userData.damagedHeader],
      [alphabet, message, hex(fragment.header), hex(fragment.body), false], what)
  }
})

t.test('SMS-SUBMIT: known octets both ways', async t => {
  for (const [what, parts, message, tpdu] of SUBMITS) {
    const whole = { pid: 0, reference: 0, ...parts } as SubmitParts
    t.equal(hex(encodeSubmit(whole)), tpdu, what)
    const { to, pid, dcs, reference, statusReport = false, rejectDuplicates = false, validForMs } = whole
    const validity = validForMs === undefined ? undefined : { kind: 'relative', ms: validForMs }
    t.match(decodeTpdu(bytes(tpdu), 'from-phone'), { kind: 'submit', to, pid, dcs, reference, statusReport, rejectDuplicates, validity, replyPath: false, userData: { text: message } }, what)
  }
  const absolute = decodeTpdu(bytes('1900048142240000' + '62113230000049' + '0453ea130a'), 'from-phone') as Submit
  t.same([absolute.validity, absolute.userData.text], [{ kind: 'absolute', until: Date.parse('2026-11-23T03:00:00-03:30') }, 'STOP'])
  const enhanced = decodeTpdu(bytes('0900048142240000' + '421e0000000000' + '0453ea130a'), 'from-phone') as Submit
  t.same([enhanced.validity, enhanced.userData.text], [{ kind: 'enhanced', ms: 30_000, singleShot: true }, 'STOP'])
})

t.test('what does not fit is no TPDU', async t => {
  const parts = { pid: 0, time: TIME, more: false, ...single(text('a')) }
  t.equal(encodeDeliver({ ...parts, from: name('more than eleven') }), undefined)
  t.equal(encodeDeliver({ ...parts, from: short('1'), fragment: { header: new Uint8Array(), body: new Uint8Array(161) } }), undefined)
  t.equal(encodeSubmit({ ...parts, to: short('1'.repeat(21)), reference: 0 }), undefined)
  t.equal(encodeSubmit({ ...parts, to: short('1'), reference: 0, alphabet: '8bit', fragment: { header: new Uint8Array(7), body: new Uint8Array(134) } }), undefined)
})

t.test('reports', async t => {
  const none = { pid: undefined, dcs: undefined, userData: undefined }
  t.same(decodeTpdu(bytes('0000'), 'from-phone'), { kind: 'deliver-report', failureCause: undefined, ...none })
  t.same(decodeTpdu(bytes('00d300'), 'from-phone'), { kind: 'deliver-report', failureCause: 0xd3, ...none })
  t.match(decodeTpdu(bytes('00d5077ff6020102'), 'from-phone'), { failureCause: 0xd5, pid: 0x7f, dcs: 0xf6, userData: { alphabet: '8bit', body: Buffer.of(1, 2), text: undefined } })
  t.match(decodeTpdu(bytes('0004' + '02e834'), 'from-phone'), { failureCause: undefined, pid: undefined, dcs: undefined, userData: { text: 'hi' } }, 'no coding is the default one')
  t.match(decodeTpdu(bytes('4004' + '0702700000000000'), 'from-phone'), { userData: { elements: { commandPacket: true } } })
  t.same(decodeTpdu(bytes('010062113230000000'), 'to-phone'), { kind: 'submit-report', failureCause: undefined, time: TIME, ...none })
  t.match(decodeTpdu(bytes('01c50062113230000000'), 'to-phone'), { kind: 'submit-report', failureCause: 0xc5, time: TIME })
  t.match(decodeTpdu(bytes('01c5826211323000000004'), 'to-phone'), 'tpdu.cut-short', 'the extension is not a time')
  t.match(decodeTpdu(bytes('01c58200621132300000' + '0004'), 'to-phone'), { kind: 'submit-report', failureCause: 0xc5, time: TIME, dcs: 0x04 }, 'an indicator of two octets')
  const status = '2607' + '0a917409000010' + '62113230000000' + '62113230100000' + '00'
  const report: StatusReport = {
    kind: 'status-report', reference: 7, more: false, answersCommand: true, to: international('4790000001'), time: TIME, dischargeTime: { ...TIME, time: TIME.time + 60_000 }, status: 0, ...none
  }
  t.same(decodeTpdu(bytes(status), 'to-phone'), report, 'without an indicator')
  t.same(decodeTpdu(bytes(status + '00'), 'to-phone'), report)
  t.match(decodeTpdu(bytes(status + '03' + '4004'), 'to-phone'), { ...report, pid: 0x40, dcs: 0x04 })
})

t.test('what is no TPDU says why; what is odd is read as far as it can be', async t => {
  const [, , , deliver] = DELIVERS[0]!
  for (let end = 0; end < deliver.length; end += 2) t.equal(decodeTpdu(bytes(deliver.slice(0, end)), 'to-phone'), 'tpdu.cut-short', `${end / 2} octets`)
  t.equal((decodeTpdu(bytes(deliver + 'ffff'), 'to-phone') as Deliver).userData.text, 'Hello {world} €', 'what follows is passed over')
  t.equal(decodeTpdu(bytes('03' + '00'.repeat(20)), 'to-phone'), 'tpdu.type')
  t.equal(decodeTpdu(bytes('02' + '00'.repeat(20)), 'from-phone'), 'tpdu.type')
  t.equal(decodeTpdu(bytes('0420' + '91' + '12'.repeat(40)), 'to-phone'), 'tpdu.address')
  t.equal(decodeTpdu(bytes('04048142240000' + '62113230000000' + 'a1' + '00'.repeat(150)), 'to-phone'), 'tpdu.user-data', '161 septets')
  t.equal(decodeTpdu(bytes('04048142240004' + '62113230000000' + '8d' + '00'.repeat(150)), 'to-phone'), 'tpdu.user-data', '141 octets')
  const noTime = decodeTpdu(bytes('04048142240000' + 'ffffffffffffff' + '02e834'), 'to-phone') as Deliver
  t.same([noTime.time, noTime.userData.text], [undefined, 'hi'])
  const damaged = decodeTpdu(bytes('44048142240000' + '62113230000000' + '03' + '0500e1'), 'to-phone') as Deliver
  t.same([damaged.userData.damagedHeader, damaged.userData.text], [true, ''], 'a header longer than the user data')
  const compressed = decodeTpdu(bytes('04048142240020' + '62113230000000' + '02e834'), 'to-phone') as Deliver
  t.same([compressed.userData.alphabet, hex(compressed.userData.body), compressed.userData.text], ['8bit', 'e834', undefined])
})

t.test('national tables are used as the header says', async t => {
  for (let language = 0; language < 20; language++) {
    const codes = Uint8Array.from({ length: 100 }, (_, i) => i + (i >= 27 ? 1 : 0))
    const characters = (table: readonly (string | undefined)[]): string => [...codes].map(code => table[code] || (table === singles ? lockings[code] : undefined) || ' ').join('')
    const lockings = lockingShiftTable(language)
    const singles = singleShiftTable(language)
    for (const [elements, body, expected] of [
      [{ lockingShift: language }, codes, characters(lockings)],
      [{ lockingShift: language, singleShift: language }, codes.slice(0, 70).reduce<number[]>((all, code) => [...all, 0x1b, code], []), characters(singles).slice(0, 70)]
    ] as const) {
      const tpdu = encodeDeliver({ from: short('1'), pid: 0, dcs: 0, alphabet: 'gsm7', time: TIME, more: false, fragment: { header: encodeHeader(elements), body: Uint8Array.from(body) } })
      t.equal((decodeTpdu(tpdu!, 'to-phone') as Deliver).userData.text, expected, `language ${language}`)
    }
  }
})

const letters = BASE_TABLE.filter(character => character !== undefined && /^[^\r\n@]$/.test(character)) as string[]
const anyAddress = fc.oneof(
  fc.record({ ton: fc.constantFrom(TON.unknown, TON.international, TON.national), value: fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 20 }) }),
  fc.record({ ton: fc.constant(TON.alphanumeric), value: fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 11, size: 'max' }) })
)
const anyOptions = fc.record({
  reference: fc.nat(65_535),
  referenceBits: fc.constantFrom(8 as const, 16 as const),
  ports: fc.option(fc.record({ source: fc.nat(65_535), destination: fc.nat(65_535), bits: fc.constant(16 as const) }), { nil: undefined }),
  class: fc.option(fc.constantFrom<MessageClass>(0, 1, 2, 3), { nil: undefined })
})
const anyMessage = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '@', '€', '{', 'Δ', '\n'), maxLength: 500, size: 'max' }),
  fc.string({ unit: fc.constantFrom('я', '😀', '🇳🇴', 'e\u0301', 'a'), maxLength: 300, size: 'max' })
)

t.test('any text: encoded and decoded, both ways, it is the same', async t => {
  fc.assert(fc.property(anyMessage, anyOptions, anyAddress, fc.nat(255), fc.boolean(), (message, options, address, pid, flag) => {
    const { alphabet, dcs, fragments } = must(encodeText(message, options))
    const decoded = fragments.flatMap((fragment, i): (Tpdu | string)[] => {
      const common = { pid, dcs, alphabet, fragment, statusReport: flag }
      return [
        decodeTpdu(encodeDeliver({ ...common, from: address, time: TIME, more: i + 1 < fragments.length })!, 'to-phone'),
        decodeTpdu(encodeSubmit({ ...common, to: address, reference: i, validForMs: flag ? 3_600_000 : undefined, rejectDuplicates: flag })!, 'from-phone')
      ]
    }) as (Deliver | Submit)[]
    return decoded.every((tpdu, i) => {
      const { concatenation, ports } = tpdu.userData.elements
      const who = tpdu.kind === 'deliver' ? tpdu.from : tpdu.to
      return who.ton === address.ton && who.value === address.value && tpdu.pid === pid && tpdu.dcs === dcs && tpdu.statusReport === flag &&
        ports?.source === options.ports?.source && ports?.destination === options.ports?.destination &&
        concatenation?.part === (fragments.length === 1 ? undefined : (i >>> 1) + 1) && concatenation?.total === (fragments.length === 1 ? undefined : fragments.length)
    }) && ['deliver', 'submit'].every(kind => decoded.filter(tpdu => tpdu.kind === kind).map(tpdu => tpdu.userData.text).join('') === message)
  }), seeded(t, 300))
})

t.test('random and damaged octets: never a throw, and nothing beyond what a short message holds', async t => {
  const next = random(seed(t))
  const REPORTS = ['0000', '00d5077ff6020102', '01c50062113230000000', '26070a9174090000106211323000000062113230100000000340' + '04']
  const known = [...DELIVERS.map(([, , , tpdu]) => tpdu), ...SUBMITS.map(([, , , tpdu]) => tpdu), ...REPORTS].map(bytes)
  const kinds = new Map<string, number>()
  for (let i = 0; i < 200_000; i++) {
    let octets: Uint8Array
    if (i % 2 === 0) octets = Uint8Array.from({ length: next() % 200 }, () => next())
    else {
      octets = Uint8Array.from(known[next() % known.length]!)
      for (let changes = next() % 4; changes >= 0; changes--) octets[next() % octets.length] = next()
      if (next() % 4 === 0) octets = octets.subarray(0, next() % (octets.length + 1))
    }
    const decoded = decodeTpdu(octets, next() % 2 === 0 ? 'to-phone' : 'from-phone')
    const kind = typeof decoded === 'string' ? decoded : decoded.kind
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    const userData = typeof decoded === 'string' ? undefined : decoded.userData
    if (userData !== undefined && userData.header.length + userData.body.length > 160) t.fail(`${hex(octets)}: more than fits`)
    if ((userData?.text?.length ?? 0) > 160) t.fail(`${hex(octets)}: more text than fits`)
  }
  t.same([...kinds.keys()].sort(), ['deliver', 'deliver-report', 'status-report', 'submit', 'submit-report', 'tpdu.address', 'tpdu.cut-short', 'tpdu.type', 'tpdu.user-data'])
})
