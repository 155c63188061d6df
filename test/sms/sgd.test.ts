import { createServer, type AddressInfo, type Socket } from 'node:net'
import { EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import t, { type Test } from 'tap'
import { sgd } from '../../agent/config/sgd.ts'
import { decodeMessage } from '../../agent/diameter/peer/message.ts'
import { serve } from '../../agent/sms/sgd-inbound.ts'
import { outcomeOf } from '../../agent/sms/sgd-result.ts'
import type { Outcome } from '../../agent/sms/link.ts'
import type { SgdOptions } from '../../agent/sms/sgd.ts'
import { avp, base, gpp, message, tbcd, type Avp } from '../generator/diameter.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { CEA_AVPS, experimental, groupIn, numberIn, octetsIn, RawPeer, textIn, until, vendorApplication, type RawConnection, type Wire } from '../lib/raw-diameter.ts'
import { random, seed } from '../lib/seed.ts'
import { DELIVER, RECEIVED, startLink, SUBMIT, submission, type LinkBench } from './sgd-bench.ts'

const [S6C, SGD] = [16777312, 16777313]
const [OFR, TFR, ALR] = [8388645, 8388646, 8388648]
const FUZZ_ROUNDS = Number(process.env['FUZZ_RUNS'] ?? 5_000)
const ANSWER = [base(268, 2001), base(277, 1), base(264, 'mme.test.realm'), base(296, 'test.realm')]

/** A link that is connected to a peer of raw bytes. */
async function connected (t: Test, options: Partial<SgdOptions> = {}, cea: readonly Avp[] = CEA_AVPS): Promise<LinkBench<ManualClock> & { raw: RawPeer, connection: RawConnection }> {
  const raw = await RawPeer.listen(t)
  const bench = startLink(t, new ManualClock(), { port: raw.port, ...options })
  const connection = await raw.connection()
  await connection.greet(cea)
  await until(() => bench.notices.length > 0)
  return { ...bench, raw, connection }
}

t.test('a TFR goes to exactly the MME that serves the phone', { timeout: 30_000 }, async t => {
  const { link, connection, told } = await connected(t)
  t.equal(told.ready, 1)
  t.same([link.up, link.room, link.trouble, link.name], [true, 20, undefined, 'sgd'])
  for (const more of [false, true]) {
    const outcome = link.submit(submission({ more, servingNode: { host: 'mme7.example.org', realm: 'example.org' } }))
    const tfr = await connection.next()
    t.match(tfr, { flags: 0xc0, command: TFR, application: SGD })
    t.same(tfr.avps.map(({ code }) => code), [263, 260, 277, 264, 296, 293, 283, 1, 3300, 3301, 3302, 3306])
    t.match(textIn(tfr, 263), /^landfall\.test\.realm;\d+;\d+$/)
    t.equal(octetsIn(tfr, 260), vendorApplication(SGD).subarray(8).toString('hex'))
    t.same([264, 296, 293, 283, 1].map(code => textIn(tfr, code)), ['landfall.test.realm', 'test.realm', 'mme7.example.org', 'example.org', '242010000000001'])
    t.equal(octetsIn(tfr, 3300), '7409000000')
    t.equal(octetsIn(tfr, 3301), DELIVER.toString('hex'))
    t.same([277, 3302, 3306].map(code => numberIn(tfr, code)), [1, more ? 1 : 0, 60])
    t.same(tfr.avps.filter(({ code }) => code >= 3300).map(({ flags, vendor }) => [flags, vendor]), [[0xc0, 10415], [0xc0, 10415], [0x80, 10415], [0xc0, 10415]])
    connection.answer(tfr, ANSWER)
    t.same(await outcome, { kind: 'delivered' })
  }
})

t.test('an OFR goes to the service centre as if from the phone', { timeout: 30_000 }, async t => {
  const { link, connection } = await connected(t)
  const outcome = link.submit(submission({ direction: 'from-subscriber', servingNode: undefined }))
  const ofr = await connection.next()
  t.match(ofr, { flags: 0xc0, command: OFR, application: SGD })
  t.same(ofr.avps.map(({ code }) => code), [263, 260, 277, 264, 296, 293, 283, 3300, 3102, 3301])
  t.equal(textIn(ofr, 293), 'smsc.test.realm')
  t.equal(octetsIn(ofr, 3300), tbcd('47900000009').toString('hex'))
  t.equal(octetsIn(ofr, 3301), SUBMIT.toString('hex'))
  t.equal(textIn(groupIn(ofr, 3102), 1), '242010000000001')
  t.equal(octetsIn(groupIn(ofr, 3102), 701), tbcd('4790000001').toString('hex'))
  connection.answer(ofr, ANSWER)
  t.same(await outcome, { kind: 'accepted', id: '' })
})

t.test('what cannot go is not sent, and says why', { timeout: 30_000 }, async t => {
  const { link, connection, notices } = await connected(t, { smsc: undefined, window: 1 })
  t.same(await link.submit(submission({ servingNode: undefined })), { kind: 'unsent', cause: 'sgd.no-serving-node' })
  t.same(await link.submit(submission({ imsi: undefined })), { kind: 'unsent', cause: 'sgd.no-serving-node' })
  t.same(await link.submit(submission({ direction: 'from-subscriber' })), { kind: 'unsent', cause: 'sgd.no-service-centre' })
  const first = link.submit(submission())
  t.same(await link.submit(submission()), { kind: 'unsent', cause: 'sgd.no-room' })
  const tfr = await connection.next()
  connection.socket.destroy()
  t.same(await first, { kind: 'unknown', cause: 'sgd.connection-lost' })
  t.same(await link.submit(submission()), { kind: 'unsent', cause: 'sgd.down' })
  t.equal(tfr.command, TFR)
  t.same([link.up, link.room], [false, 0])
  t.notMatch(notices.join(), /242010000000001|4790000001/, 'nobody is named in the log')

  const other = await connected(t, {}, [...CEA_AVPS.slice(0, -2), vendorApplication(S6C)])
  t.same([other.link.up, other.link.room], [false, 0])
  t.equal(other.link.trouble, 'the peer does not have the application SGd')
  t.same(await other.link.submit(submission()), { kind: 'unsent', cause: 'sgd.down' })
  t.equal(other.told.ready, 0)
})

t.test('it tells that there is room once there is again', { timeout: 30_000 }, async t => {
  const { link, connection, told } = await connected(t, { window: 2 })
  const outcomes = [link.submit(submission()), link.submit(submission())]
  t.equal(link.room, 0)
  t.equal(told.ready, 1)
  const [a, b] = [await connection.next(), await connection.next()]
  connection.answer(b, ANSWER)
  t.same(await outcomes[1], { kind: 'delivered' })
  t.same([told.ready, link.room], [2, 1])
  connection.answer(a, ANSWER)
  t.same(await outcomes[0], { kind: 'delivered' })
  t.same([told.ready, link.room], [2, 2], 'not told again for more of it')
})

const cause = (enumerated: number, report?: string): Avp =>
  avp(3303, 10415, Buffer.concat([gpp(3304, enumerated), ...(report === undefined ? [] : [gpp(3305, Buffer.from(report, 'hex'))])]), 0)
const MINUTE_MS = 60_000
/** Answers, and what they mean for a message to a phone (TS 29.338 clause 7.3, TS 23.040 clause 3.3). */
const RESULTS: [name: string, avps: Avp[], outcome: Outcome][] = [
  ['success', [base(268, 2001)], { kind: 'delivered' }],
  ['success as Cx has it', [experimental(2001)], { kind: 'delivered' }],
  ['absent', [experimental(5550)], { kind: 'temporary', cause: 'sgd.absent-user', absent: true }],
  ['no paging response', [experimental(5550), avp(3322, 10415, 0, 0)], { kind: 'temporary', cause: 'sgd.absent-user.0', absent: true }],
  ['detached', [experimental(5550), avp(3322, 10415, 1, 0)], { kind: 'temporary', cause: 'sgd.absent-user.1', absent: true, afterMs: 15 * MINUTE_MS }],
  ['busy', [experimental(5551)], { kind: 'temporary', cause: 'sgd.user-busy', afterMs: 5_000 }],
  ['no SMS in the MME', [experimental(5552)], { kind: 'temporary', cause: 'sgd.facility-not-supported', afterMs: 5 * MINUTE_MS }],
  ['illegal user', [experimental(5553)], { kind: 'permanent', cause: 'sgd.illegal-user' }],
  ['illegal equipment', [experimental(5554)], { kind: 'permanent', cause: 'sgd.illegal-equipment' }],
  ['no subscription', [experimental(5556)], { kind: 'permanent', cause: 'sgd.service-not-subscribed' }],
  ['barred', [experimental(5557)], { kind: 'temporary', cause: 'sgd.service-barred', afterMs: 15 * MINUTE_MS }],
  ['list full', [experimental(5558)], { kind: 'temporary', cause: 'sgd.waiting-list-full', afterMs: 15 * MINUTE_MS }],
  ['unknown user', [experimental(5001)], { kind: 'temporary', cause: 'sgd.user-unknown', afterMs: 5 * MINUTE_MS }],
  ['failure, no cause', [experimental(5555)], { kind: 'temporary', cause: 'sgd.delivery-failure' }],
  ['memory', [experimental(5555), cause(0)], { kind: 'temporary', cause: 'sgd.memory-exceeded', memory: true }],
  ['protocol error', [experimental(5555), cause(1)], { kind: 'temporary', cause: 'sgd.equipment-protocol-error' }],
  ['not equipped', [experimental(5555), cause(2)], { kind: 'permanent', cause: 'sgd.not-equipped' }],
  ['unknown centre', [experimental(5555), cause(3)], { kind: 'permanent', cause: 'sgd.unknown-service-centre' }],
  ['congestion', [experimental(5555), cause(4)], { kind: 'temporary', cause: 'sgd.congestion', afterMs: MINUTE_MS }],
  ['invalid address', [experimental(5555), cause(5)], { kind: 'permanent', cause: 'sgd.invalid-sme-address' }],
  ['not a user of the centre', [experimental(5555), cause(6)], { kind: 'permanent', cause: 'sgd.not-subscriber-of-centre' }],
  ['another cause', [experimental(5555), cause(99)], { kind: 'temporary', cause: 'sgd.delivery-failure' }],
  ['SIM full', [experimental(5555), cause(1, '00d000')], { kind: 'temporary', cause: 'sgd.fcs-d0', memory: true }],
  ['memory, says the phone', [experimental(5555), cause(1, '00d300')], { kind: 'temporary', cause: 'sgd.fcs-d3', memory: true }],
  ['toolkit busy', [experimental(5555), cause(1, '00d400')], { kind: 'temporary', cause: 'sgd.fcs-d4' }],
  ['error in the phone', [experimental(5555), cause(1, '00d200')], { kind: 'temporary', cause: 'sgd.fcs-d2' }],
  ['centre busy', [experimental(5555), cause(4, '00c000')], { kind: 'temporary', cause: 'sgd.fcs-c0', afterMs: MINUTE_MS }],
  ['PID not supported', [experimental(5555), cause(1, '008f00')], { kind: 'permanent', cause: 'sgd.fcs-8f' }],
  ['data download error', [experimental(5555), cause(1, '00d500')], { kind: 'permanent', cause: 'sgd.fcs-d5' }],
  ['duplicate, not a resend', [experimental(5555), cause(1, '00c500')], { kind: 'permanent', cause: 'sgd.fcs-c5' }],
  ['unspecified', [experimental(5555), cause(0, '00ff00')], { kind: 'temporary', cause: 'sgd.memory-exceeded', memory: true }],
  ['no report in it', [experimental(5555), cause(0, '')], { kind: 'temporary', cause: 'sgd.memory-exceeded', memory: true }],
  ['3001', [base(268, 3001)], { kind: 'temporary', cause: 'sgd.command-unsupported', afterMs: 5 * MINUTE_MS }],
  ['3002', [base(268, 3002)], { kind: 'temporary', cause: 'sgd.unable-to-deliver', afterMs: 45_000 }],
  ['3003', [base(268, 3003)], { kind: 'temporary', cause: 'sgd.realm-not-served', afterMs: 5 * MINUTE_MS }],
  ['3004', [base(268, 3004)], { kind: 'temporary', cause: 'sgd.too-busy', afterMs: MINUTE_MS }],
  ['3005', [base(268, 3005)], { kind: 'temporary', cause: 'sgd.loop-detected', afterMs: 5 * MINUTE_MS }],
  ['3007', [base(268, 3007)], { kind: 'temporary', cause: 'sgd.application-unsupported', afterMs: 5 * MINUTE_MS }],
  ['4xxx', [base(268, 4002)], { kind: 'temporary', cause: 'sgd.4002', afterMs: MINUTE_MS }],
  ['4xxx of 3GPP', [experimental(4181)], { kind: 'temporary', cause: 'sgd.4181', afterMs: MINUTE_MS }],
  ['5012', [base(268, 5012)], { kind: 'temporary', cause: 'sgd.unable-to-comply', afterMs: MINUTE_MS }],
  ...[3008, 3009, 5001, 5004, 5005, 5007, 5008, 5014].map((code): [string, Avp[], Outcome] => [`${code}`, [base(268, code)], { kind: 'permanent', cause: `sgd.${code}` }]),
  ['5999 of 3GPP', [experimental(5999)], { kind: 'permanent', cause: 'sgd.5999' }],
  ['5550 of somebody else', [base(297, Buffer.concat([base(266, 99), base(298, 5550)]))], { kind: 'permanent', cause: 'sgd.5550' }],
  ['nothing', [], { kind: 'unknown', cause: 'sgd.no-result' }],
  ['a result of three octets', [base(268, Buffer.from('0007d1', 'hex'))], { kind: 'unknown', cause: 'sgd.no-result' }],
  ['a group that does not add up', [base(297, Buffer.from('00000000', 'hex'))], { kind: 'unknown', cause: 'sgd.no-result' }],
  ['AVPs that do not add up', [base(268, 2001), Buffer.from('0000000140ffffff', 'hex')], { kind: 'unknown', cause: 'sgd.malformed-answer' }]
]

t.test('each result means what TS 29.338 and TS 23.040 say', { timeout: 30_000 }, async t => {
  const { link, connection, notices } = await connected(t)
  for (const [name, avps, outcome] of RESULTS) {
    const submitted = link.submit(submission())
    connection.answer(await connection.next(), avps)
    t.strictSame(await submitted, outcome, name)
  }
  t.equal(notices.filter(notice => /^error .*mistake of ours/.test(notice)).length, 8, 'where the network says that we are wrong, the log says so')
  // The service centre took it the first time, and says so in its way.
  const resent = link.submit(submission({ direction: 'from-subscriber', resent: true }))
  connection.answer(await connection.next(), [experimental(5555), cause(4, '00c500')])
  t.same(await resent, { kind: 'accepted', id: '' })
})

t.test('an answer counts as long as an MME may page; after that nobody knows, and a resend can be told for one', { timeout: 30_000 }, async t => {
  const { link, connection, clock, discards } = await connected(t)
  /** Time goes on, watchdogs are answered. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 5_000) {
      clock.advance(Math.min(left, 5_000))
      const wire = await connection.ask(280, 0, ANSWER.slice(2))
      if (wire.flags === 0x80) {
        connection.answer(wire, [base(268, 2001), ...ANSWER.slice(2)])
        await connection.next()
      }
    }
  }
  const slow = link.submit(submission())
  const first = await connection.next()
  await pass(40_000)
  connection.answer(first, ANSWER)
  t.same(await slow, { kind: 'delivered' }, 'after 40 s')

  const lost = link.submit(submission())
  const second = await connection.next()
  await pass(69_000)
  t.equal(link.room, 19, 'it still waits')
  await pass(1_000)
  t.same(await lost, { kind: 'unknown', cause: 'sgd.timeout' })
  connection.answer(second, ANSWER)
  await until(() => discards.counts()['peer.answer-without-request'] === 1)

  const [other, again] = [submission({ reference: 8, resent: true }), submission({ resent: true, validForMs: 1_000, more: true })]
  void link.submit(other)
  const third = await connection.next()
  t.equal(third.flags, 0xd0, 'a resend of what is not remembered has the T bit and new identifiers')
  t.not(third.endToEnd, second.endToEnd)
  const resend = link.submit(again)
  const fourth = await connection.next()
  t.match(fourth, { flags: 0xd0, endToEnd: second.endToEnd })
  t.equal(textIn(fourth, 263), textIn(second, 263))
  t.not(fourth.hopByHop, second.hopByHop)
  connection.answer(fourth, ANSWER)
  t.same(await resend, { kind: 'delivered' })
  void link.submit(again)
  t.not((await connection.next()).endToEnd, second.endToEnd, 'what is known is forgotten')
})

t.test('the network\'s own requests: ALR, OFR, and what is not ours', { timeout: 30_000 }, async t => {
  const { connection, told } = await connected(t)
  const user = (...avps: Avp[]): Avp => gpp(3102, Buffer.concat(avps))
  const [imsi, number] = [base(1, '242010000000001'), gpp(701, tbcd('4790000001'))]
  const head = [base(263, 'mme;1;1'), base(277, 1), ...ANSWER.slice(2)]
  const alr = async (...avps: Avp[]): Promise<Wire> => await connection.ask(ALR, S6C, [...head, gpp(3300, tbcd('4790000000')), ...avps])
  const ofr = async (...avps: Avp[]): Promise<Wire> => await connection.ask(OFR, SGD, [...head, ...avps])
  const failure = (wire: Wire): unknown[] => [numberIn(groupIn(wire, 297), 298), numberIn(groupIn(wire, 297), 266), numberIn(groupIn(wire, 3303), 3304)]

  for (const [avps, alert] of [
    [[imsi, number], { imsi: '242010000000001', msisdn: '4790000001' }], [[imsi], { imsi: '242010000000001', msisdn: undefined }], [[number], { imsi: undefined, msisdn: '4790000001' }]
  ] as const) {
    const ala = await alr(user(...avps))
    t.match(ala, { flags: 0x40, command: ALR, application: S6C })
    t.equal(numberIn(ala, 268), 2001)
    t.equal(numberIn(ala, 277), 1)
    t.strictSame(told.alerts.pop(), alert)
  }
  for (const [avps, result, failed] of [
    [[], 5005, 3102], [[user()], 5004, 3102], [[user(base(1, 'nobody'))], 5004, 3102], [[gpp(3102, Buffer.from('0000000140ffffff', 'hex'))], 5014, 3102],
    [[user(imsi), gpp(9999, 1)], 5001, 9999], [[user(imsi), avp(7, 12345, 1)], 5001, 7]
  ] as [Avp[], number, number][]) {
    const answer = await alr(...avps)
    t.equal(numberIn(answer, 268), result)
    t.equal(groupIn(answer, 279).avps[0]!.code, failed)
  }
  t.equal(numberIn(await alr(user(imsi), avp(9999, 10415, 1, 0)), 268), 2001, 'what need not be understood is passed over')
  t.same(told.alerts.splice(0), [{ imsi: '242010000000001', msisdn: undefined }])

  const whole = [gpp(3300, tbcd('4790000000')), user(imsi, number), gpp(3301, SUBMIT)]
  t.equal(numberIn(await ofr(...whole), 268), 2001)
  t.strictSame(told.received, [{ ...RECEIVED, from: { ton: 1, value: '4790000001' } }])
  told.refuse = true
  t.same(failure(await ofr(...whole)), [5555, 10415, 4], 'what is not on disk is not taken')
  told.refuse = false
  t.same(failure(await ofr(gpp(3300, tbcd('4790000009')), ...whole.slice(1))), [5555, 10415, 3])
  t.same(failure(await ofr(whole[0]!, user(imsi), whole[2]!)), [5555, 10415, 6])
  t.same(failure(await ofr(whole[0]!, whole[1]!, gpp(3301, Buffer.from('ffff', 'hex')))), [5555, 10415, 1])
  for (const [gone, code] of [[0, 3300], [1, 3102], [2, 3301]] as const) {
    const answer = await ofr(...whole.filter((_, i) => i !== gone))
    t.equal(numberIn(answer, 268), 5005)
    t.equal(groupIn(answer, 279).avps[0]!.code, code)
  }
  t.equal(told.received.length, 1)
  for (const [command, application] of [[TFR, SGD], [8388647, S6C], [OFR, S6C]] as const) {
    const answer = await connection.ask(command, application, [...head, ...whole])
    t.match(answer, { flags: 0x60 })
    t.equal(numberIn(answer, 268), 3001)
  }
})

t.test('whatever an answer or a request holds: an outcome, an answer', async t => {
  const next = random(seed(t))
  const inbound = { listener: { alert: () => {}, received: async () => {} }, received: () => RECEIVED, scAddress: '4790000000' }
  const answers = RESULTS.map(([, avps]) => message({ command: TFR, applicationId: SGD, isRequest: false, hopByHop: 1, endToEnd: 1 }, [...avps, cause(1, '00d3')]))
  const requests = [ALR, OFR].map(command => message({ command, applicationId: SGD, isRequest: true, hopByHop: 1, endToEnd: 1 }, [
    base(263, 'mme;1;1'), gpp(3300, tbcd('4790000000')), gpp(3102, Buffer.concat([base(1, '242010000000001'), gpp(701, tbcd('4790000001'))])), gpp(3301, SUBMIT)
  ]))
  const kinds = new Set<string>()
  const results = new Set<number | undefined>()
  for (let round = 0; round < FUZZ_ROUNDS; round++) {
    const damaged = (from: readonly Buffer[]): Buffer => {
      const bytes = Buffer.from(from[next() % from.length]!)
      for (let n = next() % 3; n >= 0; n--) bytes[20 + next() % (bytes.length - 20)] = next() & 0xff
      return bytes
    }
    const outcome = outcomeOf(decodeMessage(damaged(answers)).avps, 'to-subscriber', round % 2 === 0, report => report[1])
    kinds.add(outcome.kind)
    const reply = await serve(decodeMessage(damaged(requests)), inbound)
    results.add(reply?.result)
  }
  t.same([...kinds].sort(), ['delivered', 'permanent', 'temporary', 'unknown'])
  for (const result of [2001, 5001, 5004, 5005, 5014, undefined]) t.ok(results.has(result), `${result}`)
})

t.test('settings', async t => {
  const least = { host: '192.0.2.1', origin_host: 'landfall.example.net', origin_realm: 'example.net', sc_address: '4790000000' }
  t.same(sgd.parse(least), { ...least, port: 3868, utc_offset_minutes: 0, window: 20, delivery_timer_seconds: 60, watchdog_seconds: 30, when_unknown: 'resend' })
  for (const wrong of [
    { origin_host: 'landfall' }, { sc_address: '+4790000000' }, { sc_address: '' }, { watchdog_seconds: 5 }, { delivery_timer_seconds: 29 }, { delivery_timer_seconds: 601 },
    { smsc_host: 'smsc.example.net' }, { when_unknown: 'ask' }, { window: 0 }, { hostname: 'x' }
  ]) t.notOk(sgd.safeParse({ ...least, ...wrong }).success, JSON.stringify(wrong))
  t.ok(sgd.safeParse({ ...least, smsc_host: 'smsc.example.net', smsc_realm: 'example.net', smsc_address: '4790000001' }).success)
})

interface Tag { code: number, name: string, vendorId: number, type: string, flags: object }
type DiameterConnection = new (options: object, socket: object) => object

/** The npm package `diameter` (GPL, for tests only), with the words of SGd put into its dictionary. */
function library (): DiameterConnection {
  const require = createRequire(import.meta.url)
  const { DiameterConnection } = require('diameter/lib/diameter-connection') as { DiameterConnection: DiameterConnection }
  const dictionary = require('diameter/lib/diameter-dictionary') as Record<string, (...args: unknown[]) => unknown>
  const types = require('diameter/lib/diameter-types') as { decode: (type: string, bytes: Buffer) => unknown, encode: (type: string, value: unknown) => Buffer }
  const { decode, encode } = types
  // It would force octets through UTF-8.
  types.decode = (type, bytes) => type === 'OctetString' ? bytes : decode(type, bytes)
  types.encode = (type, value) => type === 'OctetString' && Buffer.isBuffer(value) ? value : encode(type, value)
  const tag = (code: number, name: string, type: string, vendorId = 10415): Tag =>
    ({ code, name, type, vendorId, flags: { mandatory: true, protected: false, mayEncrypt: false, vendorBit: vendorId !== 0 } })
  const added = [
    tag(3300, 'SC-Address', 'OctetString'), tag(3301, 'SM-RP-UI', 'OctetString'), tag(3302, 'TFR-Flags', 'Unsigned32'), tag(3306, 'SM-Delivery-Timer', 'Unsigned32'),
    // Its own has the applications that it knows, and no other.
    tag(258, 'Auth-Application-Id', 'Unsigned32', 0)
  ]
  const extend = (name: string, found: (...args: unknown[]) => unknown): void => {
    const original = dictionary[name]!
    dictionary[name] = (...args) => found(...args) ?? original(...args)
  }
  extend('getAvpByCodeAndVendorId', (code, vendor) => added.find(tag => tag.code === code && tag.vendorId === vendor))
  extend('getAvpByName', name => added.find(tag => tag.name === name))
  extend('getApplicationById', id => id === SGD ? { code: SGD, name: 'SGd' } : undefined)
  extend('getCommandByCode', code => code === TFR ? { code: TFR, name: 'MT-Forward-Short-Message' } : undefined)
  return DiameterConnection
}

interface PeerMessage { command: string, body: [string, unknown][] }
interface PeerEvent { message: PeerMessage, response: PeerMessage, callback: (response: PeerMessage) => void }

/** Gives the library one whole message at a time, which is all that it can take. */
function guarded (Connection: DiameterConnection, socket: Socket): EventEmitter {
  const fake = Object.assign(new EventEmitter(), { write: (bytes: Buffer) => socket.write(bytes), end: () => socket.end() })
  let buffer = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', chunk => {
    buffer = Buffer.concat([buffer, chunk])
    while (buffer.length >= 4 && buffer.length >= buffer.readUIntBE(1, 3)) {
      const length = buffer.readUIntBE(1, 3)
      const bytes = Buffer.from(buffer.subarray(0, length))
      buffer = buffer.subarray(length)
      fake.emit('data', bytes)
    }
  })
  Object.assign(fake, { diameterConnection: new Connection({}, fake) })
  return fake
}

t.test('an independent library understands our CER, DWR and TFR, and we its answers', { timeout: 30_000 }, async t => {
  const Connection = library()
  const seen: PeerMessage[] = []
  const server = createServer(socket => {
    guarded(Connection, socket).on('diameterMessage', ({ message, response, callback }: PeerEvent) => {
      seen.push(message)
      const origin: [string, unknown][] = [['Result-Code', 'DIAMETER_SUCCESS'], ['Origin-Host', 'mme.test.realm'], ['Origin-Realm', 'test.realm']]
      const more: [string, unknown][] = message.command === 'Capabilities-Exchange'
        ? [['Host-IP-Address', '127.0.0.1'], ['Vendor-Id', 0], ['Product-Name', 'npm'], ['Auth-Application-Id', 0xffffffff]]
        : []
      response.body = [...response.body, ...origin, ...more]
      callback(response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const { link, clock } = startLink(t, new ManualClock(), { port: (server.address() as AddressInfo).port })
  await until(() => link.up)
  clock.advance(32_000)
  await until(() => seen.length === 2)
  const outcomes = await Promise.all(Array.from({ length: 20 }, async () => await link.submit(submission())))
  t.same(outcomes, Array(20).fill({ kind: 'delivered' }))
  t.same(seen.slice(0, 3).map(({ command }) => command), ['Capabilities-Exchange', 'Device-Watchdog', 'MT-Forward-Short-Message'])
  const value = ({ body }: PeerMessage, name: string): unknown => body.find(([key]) => key === name)?.[1]
  t.equal(String(value(seen[0]!, 'Product-Name')), 'Landfall')
  t.equal(String(value(seen[2]!, 'User-Name')), '242010000000001')
  t.same(value(seen[2]!, 'SM-RP-UI'), DELIVER)
  t.same(value(seen[2]!, 'SC-Address'), tbcd('4790000000'))
  t.equal(value(seen[2]!, 'SM-Delivery-Timer'), 60)
})
