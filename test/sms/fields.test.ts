import t from 'tap'
import fc from 'fast-check'
import { decodeAddress, encodeAddress } from '../../agent/sms/address-field.ts'
import { parseAddress, TON, type Address } from '../../agent/sms/address.ts'
import { decodeDcs } from '../../agent/sms/dcs.ts'
import { failureCause } from '../../agent/sms/failure-cause.ts'
import { BASE_TABLE } from '../../agent/sms/gsm7.ts'
import { digitsToOctets, octetsToDigits } from '../../agent/sms/semi-octets.ts'
import { decodeTime, encodeTime } from '../../agent/sms/service-centre-time.ts'
import { decodeRelativeValidity, decodeValidity, encodeRelativeValidity, VALIDITY_FORMAT } from '../../agent/sms/validity.ts'
import { seeded } from '../lib/seed.ts'

const hex = (octets: Uint8Array | undefined): string | undefined => octets === undefined ? undefined : Buffer.from(octets).toString('hex')
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

t.test('addresses as callers write them', async t => {
  t.same(parseAddress('+4790000001'), { ton: TON.international, value: '4790000001' })
  t.same(parseAddress('2442'), { ton: TON.unknown, value: '2442' })
  t.same(parseAddress('01234567890123456789'), { ton: TON.unknown, value: '01234567890123456789' })
  t.same(parseAddress('EdgeCompany'), { ton: TON.alphanumeric, value: 'EdgeCompany' })
  t.same(parseAddress('A+1 @£'), { ton: TON.alphanumeric, value: 'A+1 @£' })
  t.same(parseAddress('Åse'), { ton: TON.alphanumeric, value: 'Åse' })
  for (const [text, reason] of [
    ['', /is empty/], ['+', /digits after the "\+"/], ['+47 900', /digits after the "\+"/], ['+47900x', /digits after the "\+"/], ['+0790000001', /begins with its country code/],
    ['+1234567890123456', /at most 15/], ['012345678901234567890', /at most 20/], ['12-34', /neither a number nor a name/], ['*100#', /neither/], ['٣٤', /neither/],
    ['EdgeCompany1', /at most 11/], ['A{b}', /cannot have/], ['Жук', /cannot have/], ['a\nb', /cannot have/], ['a\u0000', /cannot have/], ['Euro€', /cannot have/], ['a\u001bb', /cannot have/]
  ] as const) {
    const parsed = parseAddress(text)
    t.match(parsed, reason, JSON.stringify(text))
    t.notOk(text.length > 3 && String(parsed).includes(text), 'the reason does not repeat the address')
  }
})

t.test('address fields: known octets both ways', async t => {
  for (const [ton, value, octets] of [
    [TON.international, '479999999', '0991749999' + '99f9'], [TON.international, '9999999999', '0a919999999999'], [TON.unknown, '2442', '04814224'],
    [TON.national, '123', '03a121f3'], [TON.networkSpecific, '1', '01b1f1'], [TON.abbreviated, '12', '02e121'], [TON.unknown, '*#abc0', '0681badc0e'],
    [TON.alphanumeric, 'EdgeCompany', '14d045f2b93c7cb7e161771e'], [TON.alphanumeric, 'Example', '0dd0457cb80d679701'], [TON.alphanumeric, '', '00d0'], [TON.unknown, '', '0081']
  ] as const) {
    t.equal(hex(encodeAddress({ ton, value })), octets)
    t.same(decodeAddress(bytes(`ff${octets}aa`), 1), { address: { ton, value }, end: 1 + octets.length / 2 })
  }
})

t.test('address fields: what does not fit is none; what others send', async t => {
  t.equal(encodeAddress({ ton: TON.international, value: '1'.repeat(21) }), undefined)
  t.equal(encodeAddress({ ton: TON.international, value: '+1' }), undefined)
  t.equal(encodeAddress({ ton: TON.alphanumeric, value: 'twelve chars' }), undefined)
  t.equal(encodeAddress({ ton: TON.alphanumeric, value: 'Жук' }), undefined)
  t.equal(decodeAddress(bytes('15912143658709214365870901'), 0), undefined, 'more than 20 digits')
  for (const short of ['', '04', '0481', '048142']) t.equal(decodeAddress(bytes(short), 0), undefined, short)
  t.equal(decodeAddress(bytes('0ed0457cb80d679701'), 0)!.address.value, 'Example', 'seven characters counted as eight have no "@"')
  t.equal(decodeAddress(bytes('0dd1457cb80d679701'), 0)!.address.value, 'Example', 'a numbering plan is not looked at')
  t.equal(decodeAddress(bytes('0491f1f2'), 0)!.address.value, '1', 'digits end at a filler')
  t.equal(decodeAddress(bytes('04c12143'), 0)!.address.ton, TON.unknown, 'a type that nobody knows')
})

t.test('address fields: any address, there and back', async t => {
  const digits = fc.record({
    ton: fc.constantFrom(TON.unknown, TON.international, TON.national, TON.networkSpecific, TON.abbreviated),
    value: fc.string({ unit: fc.constantFrom(...'0123456789*#abc'), maxLength: 20, size: 'max' })
  })
  const letters = BASE_TABLE.filter(character => character !== undefined && /[^\r\n]/.test(character)) as string[]
  const names = fc.record({ ton: fc.constant(TON.alphanumeric), value: fc.string({ unit: fc.constantFrom(...letters), maxLength: 11, size: 'max' }) })
  fc.assert(fc.property(fc.oneof(digits, names), (address: Address) => {
    const octets = encodeAddress(address)!
    const decoded = decodeAddress(octets, 0)!
    // The one name that cannot be told from a shorter one whose sender counted spare bits.
    const value = address.ton === TON.alphanumeric && address.value.length === 8 ? address.value.replace(/@$/, '') : address.value
    return octets.length <= 12 && decoded.end === octets.length && decoded.address.ton === address.ton && decoded.address.value === value
  }), seeded(t))
})

t.test('digits as in SC-Address', async t => {
  t.equal(hex(digitsToOctets('4790000001')), '7409000010')
  t.equal(hex(digitsToOctets('479')), '74f9')
  t.equal(octetsToDigits(bytes('7409000010')), '4790000001')
  t.equal(octetsToDigits(bytes('74f9')), '479')
  t.equal(digitsToOctets('47 9'), undefined)
  t.equal(digitsToOctets('+479'), undefined)
})

t.test('times: known octets, and any time in any zone there and back', async t => {
  const time = Date.UTC(2026, 10, 23, 3, 30, 59)
  t.equal(hex(encodeTime({ time, offsetMinutes: 0 })), '62113230039500')
  t.equal(hex(encodeTime({ time: Date.parse('2026-11-23T03:00:00-03:30'), offsetMinutes: -210 })), '62113230000049')
  t.equal(hex(encodeTime({ time: Date.parse('2026-11-23T03:00:00+05:45'), offsetMinutes: 345 })), '62113230000032')
  fc.assert(fc.property(fc.integer({ min: Date.UTC(2000, 0, 2) / 1000, max: Date.UTC(2099, 11, 30) / 1000 }), fc.integer({ min: -79, max: 79 }), (seconds, quarters) => {
    const zoned = { time: seconds * 1000, offsetMinutes: quarters * 15 }
    const decoded = decodeTime(encodeTime(zoned))
    return decoded?.time === zoned.time && decoded.offsetMinutes === zoned.offsetMinutes
  }), seeded(t))
  for (const none of ['62a13230000000', '62313230000000', '62003230000000', '62020330000000', '62113242000000', '62113230060000', '62113230000600']) {
    t.equal(decodeTime(bytes(none)), undefined, none)
  }
})

t.test('validity: known values, never beyond the deadline, and as long as can be within it', async t => {
  const minutes = 60_000
  const days = 1440 * minutes
  for (const [ms, value] of [
    [0, 0], [5 * minutes, 0], [10 * minutes - 1, 0], [10 * minutes, 1], [720 * minutes, 143], [749 * minutes, 143], [750 * minutes, 144], [days, 167], [2 * days - 1, 167],
    [2 * days, 168], [7 * days, 0xad], [30 * days, 196], [35 * days - 1, 196], [35 * days, 197], [441 * days, 255], [1e15, 255]
  ] as const) t.equal(encodeRelativeValidity(ms), value, String(ms))
  for (let value = 0; value <= 255; value++) t.equal(encodeRelativeValidity(decodeRelativeValidity(value)), value)
  fc.assert(fc.property(fc.integer({ min: 5 * minutes, max: 441 * days - 1 }), ms => {
    const value = encodeRelativeValidity(ms)
    return decodeRelativeValidity(value) <= ms && decodeRelativeValidity(value + 1) > ms
  }), seeded(t))
})

t.test('validity of others: absolute and enhanced', async t => {
  const of = (format: number, octets: string): unknown => decodeValidity(format, bytes(octets.padEnd(14, '0')))
  t.same(of(VALIDITY_FORMAT.absolute, '62113230000049'), { kind: 'absolute', until: Date.parse('2026-11-23T03:00:00-03:30') })
  t.equal(of(VALIDITY_FORMAT.absolute, 'ff113230000049'), undefined)
  t.equal(of(VALIDITY_FORMAT.none, ''), undefined)
  t.same(of(VALIDITY_FORMAT.enhanced, '40'), { kind: 'enhanced', ms: undefined, singleShot: true })
  t.same(of(VALIDITY_FORMAT.enhanced, '01ad'), { kind: 'enhanced', ms: 7 * 86_400_000, singleShot: false })
  t.same(of(VALIDITY_FORMAT.enhanced, '021e'), { kind: 'enhanced', ms: 30_000, singleShot: false })
  t.equal(of(VALIDITY_FORMAT.enhanced, '0200'), undefined)
  t.same(of(VALIDITY_FORMAT.enhanced, '03100295'), { kind: 'enhanced', ms: (1 * 3600 + 20 * 60 + 59) * 1000, singleShot: false })
  for (const unknown of ['03a00000', '04', '07', '80']) t.equal(of(VALIDITY_FORMAT.enhanced, unknown), undefined, unknown)
})

t.test('codings of every group', async t => {
  const plain = { alphabet: 'gsm7', compressed: false, class: undefined, autoDelete: false, waiting: undefined }
  for (const [dcs, expected] of [
    [0x00, {}], [0x01, {}], [0x04, { alphabet: '8bit' }], [0x08, { alphabet: 'ucs2' }], [0x0c, {}], [0x10, { class: 0 }], [0x19, { alphabet: 'ucs2', class: 1 }],
    [0x24, { alphabet: '8bit', compressed: true }], [0x48, { alphabet: 'ucs2', autoDelete: true }], [0x57, { alphabet: '8bit', class: 3, autoDelete: true }], [0x80, {}], [0xbf, {}],
    [0xc8, { waiting: { what: 'voicemail', active: true, keep: false } }], [0xd1, { waiting: { what: 'fax', active: false, keep: true } }],
    [0xea, { alphabet: 'ucs2', waiting: { what: 'email', active: true, keep: true } }], [0xcb, { waiting: { what: 'other', active: true, keep: false } }],
    [0xf2, { class: 2 }], [0xf6, { alphabet: '8bit', class: 2 }]
  ] as const) t.same(decodeDcs(dcs), { ...plain, ...expected }, dcs.toString(16))
})

t.test('failure causes have names', async t => {
  t.same([0xd0, 0xd3, 0xc0, 0xff, 0xe1].map(failureCause), ['sim-full', 'memory-full', 'service-centre-busy', 'unspecified', 'fcs-e1'])
})
