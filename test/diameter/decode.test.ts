import t from 'tap'
import fc from 'fast-check'
import { decode } from '../../agent/diameter/decode.ts'
import { describe } from '../../agent/diameter/describe.ts'
import { Facts, NONE, type Span } from '../../agent/diameter/facts.ts'
import { readImei, readImsi, readPlmn, readSoftwareVersion, readTbcd } from '../../agent/diameter/values.ts'
import { avp, base, exchange, gpp, message, plmnOctets, tbcd, type Procedure } from '../generator/diameter.ts'
import { seeded } from '../lib/seed.ts'

const facts = new Facts()
const ULR = { command: 316, isRequest: true, hopByHop: 1, endToEnd: 2 }
const read = (bytes: Buffer): string => decode(bytes, 0, bytes.length, facts)
const textOf = (bytes: Buffer, span: Span): string | undefined => span.start === NONE ? undefined : bytes.toString('utf8', span.start, span.end)

t.test('AVPs count by vendor and code, in any order, with any flags; the first wins', async t => {
  const bytes = message(ULR, [
    gpp(1, 'not the user name'), avp(1407, 99, 'x'), avp(1407, 10415, plmnOctets('24201'), 0), base(1, '242010000000001'), base(1, 'second'), base(264, 'host')
  ])
  t.equal(read(bytes), 'facts')
  t.equal(textOf(bytes, facts.userName), '242010000000001')
  t.equal(readPlmn(bytes, facts.visitedPlmn.start, facts.visitedPlmn.end), '24201')
  t.equal(textOf(bytes, facts.originHost), 'host')
})

t.test('the padding of the last AVP may be missing', async t => {
  const whole = message(ULR, [base(264, 'host'), base(1, '24201000000001')])
  const bytes = whole.subarray(0, -2)
  bytes.writeUIntBE(bytes.length, 1, 3)
  t.equal(read(bytes), 'facts')
  t.equal(textOf(bytes, facts.userName), '24201000000001')
})

t.test('lengths that do not add up make the message malformed; in a group they cost the rest of the group', async t => {
  const bytes = message(ULR, [base(264, 'host'), base(1, '242010000000001')])
  for (const length of [0, 7, 200, 0xffffff]) {
    const broken = Buffer.from(bytes)
    broken.writeUIntBE(length, 20 + 5, 3)
    t.equal(read(broken), 'malformed')
    t.equal(describe(broken, 0, broken.length), undefined)
  }
  const group = Buffer.concat([gpp(1402, '35722009245138'), Buffer.from('0000057b40000000', 'hex')])
  const grouped = message(ULR, [gpp(1401, group), base(1, '242010000000001')])
  t.equal(read(grouped), 'facts')
  t.ok(facts.brokenGroup)
  t.equal(textOf(grouped, facts.imei), '35722009245138')
  t.equal(textOf(grouped, facts.userName), '242010000000001')
})

t.test('cut at any byte: never more than is there', async t => {
  const { answer } = exchange({ kind: 'ULR', imsi: '242010000000001', msisdn: '4790000001' })
  for (let end = 0; end < answer.length; end++) {
    decode(answer, 0, end, facts)
    for (const span of [facts.msisdn, facts.originHost, facts.sessionId]) {
      if (span.start !== NONE && span.end > end && read(answer.subarray(0, end)) === 'facts') t.fail(`read past ${end}`)
    }
    describe(answer, 0, end)
  }
  t.pass('no cut was read past')
})

t.test('a message of very many AVPs, and groups in groups, are bounded', async t => {
  t.equal(read(message(ULR, Array.from({ length: 20_000 }, () => base(282, '')))), 'malformed')
  let nested: Buffer = gpp(1402, '35722009245138')
  for (let i = 0; i < 1_000; i++) nested = gpp(1401, nested)
  t.equal(read(message(ULR, [nested])), 'facts')
  t.equal(facts.imei.start, NONE)
  t.ok(describe(message(ULR, [nested]), 0, 20 + nested.length))
})

t.test('other commands and applications are passed over', async t => {
  t.equal(read(message({ ...ULR, command: 257, applicationId: 0 }, [])), 'other-command')
  t.equal(read(message({ ...ULR, applicationId: 4 }, [])), 'other-command')
})

t.test('values are as they should be, or not there', async t => {
  const of = <T> (reader: (bytes: Uint8Array, start: number, end: number) => T, value: Buffer | string): T => {
    const bytes = Buffer.from(value as string)
    return reader(bytes, 0, bytes.length)
  }
  const hex = (text: string): Buffer => Buffer.from(text, 'hex')
  t.same(['22f210', '09f107', '00f110', '135122', '130062'].map(text => of(readPlmn, hex(text))), ['22201', '90170', '00101', '311225', '310260'])
  t.same(['fff210', '22f2f0', '22e210', '22f2', '22f21000'].map(text => of(readPlmn, hex(text))), Array.from({ length: 5 }))
  t.same(['2143658701', '005101020060f4', '21', 'f1', '21f3'].map(text => of(readTbcd, hex(text))), ['1234567810', '0015102000064', '12', '1', '123'])
  t.same(['', '1f', '2a', '213f', '21f365', '21'.repeat(8)].map(text => of(readTbcd, hex(text))), Array.from({ length: 6 }), 'the filler is the last high nibble only')
  t.same(['242010000000001', '242010000000001@realm', '12345', '1234567890123456', '24201x0000000', ''].map(text => of(readImsi, text)),
    ['242010000000001', '242010000000001', undefined, undefined, undefined, undefined])
  t.same(['35722009245138', '357220092451389', '3572200924513839', '3572200924513', '3572200924513a'].map(text => of(readImei, text)),
    ['35722009245138', '357220092451389', '3572200924513839', undefined, undefined])
  t.same(['39', '', 'x'.repeat(17), 'a\n'].map(text => of(readSoftwareVersion, text)), ['39', undefined, undefined, undefined])
})

t.test('the tight decoder and the description agree, whatever is said', async t => {
  const digits = (min: number, max: number): fc.Arbitrary<string> => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max })
  const procedures = fc.record({
    kind: fc.constantFrom('ULR', 'AIR', 'ECR', 'NOR', 'PUR', 'CLR', 'IDR'),
    imsi: digits(6, 15),
    plmn: digits(5, 6),
    imei: digits(14, 16),
    softwareVersion: digits(2, 2),
    msisdn: digits(1, 15),
    ulrFlags: fc.nat(),
    ulaFlags: fc.nat(),
    ratType: fc.nat(2000)
  })
  fc.assert(fc.property(procedures, procedure => {
    for (const bytes of Object.values(exchange(procedure as Procedure))) {
      const described = describe(bytes, 0, bytes.length)!
      if (read(bytes) !== 'facts') return false
      const hex = (span: Span): string | undefined => span.start === NONE ? undefined : bytes.toString('hex', span.start, span.end)
      const number = (value: number): number | undefined => value === NONE ? undefined : value
      const agree = described['userName'] === textOf(bytes, facts.userName) && described['sessionId'] === textOf(bytes, facts.sessionId) &&
        described['visitedPlmn'] === hex(facts.visitedPlmn) && described['imei'] === textOf(bytes, facts.imei) &&
        described['msisdnHex'] === hex(facts.msisdn) && described['resultCode'] === number(facts.resultCode) &&
        described['ulrFlags'] === number(facts.ulrFlags) && described['ulaFlags'] === number(facts.ulaFlags) && described['ratType'] === number(facts.ratType)
      if (!agree) return false
    }
    return readTbcd(tbcd(procedure.msisdn), 0, tbcd(procedure.msisdn).length) === procedure.msisdn &&
      readPlmn(plmnOctets(procedure.plmn), 0, 3) === procedure.plmn
  }), seeded(t))
})
