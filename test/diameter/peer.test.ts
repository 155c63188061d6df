import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { encodeMessage, decodeMessage, type Message } from '../../agent/diameter/peer/message.ts'
import { Framer, MAX_MESSAGE_BYTES } from '../../agent/diameter/peer/framer.ts'
import { addressOctets } from '../../agent/diameter/peer/host-address.ts'
import { endToEndIds, Identifiers, sessionIds } from '../../agent/diameter/peer/identifiers.ts'
import { Peer } from '../../agent/diameter/peer/peer.ts'
import type { ReadMessage } from '../../agent/diameter/peer/message.ts'
import type { Reply } from '../../agent/diameter/peer/reply.ts'
import { toTbcd } from '../../agent/diameter/peer/tbcd.ts'
import { readTbcd } from '../../agent/diameter/values.ts'
import { Discards } from '../../agent/lib/discards.ts'
import { avp, base, gpp, message, tbcd } from '../generator/diameter.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { CEA_AVPS, groupIn, numberIn, octetsIn, RawPeer, readWire, textIn, until, vendorApplication, type RawConnection, type Wire } from '../lib/raw-diameter.ts'
import { random, seed, seeded } from '../lib/seed.ts'

const SGD = 16777313
const TFR = 8388646
const TW_MS = 30_000
const LONGEST_TW_MS = TW_MS + 2_000
const SESSION = base(263, 'landfall.example.net;1;1')
const ORIGIN = [base(264, 'mme.example.net'), base(296, 'example.net')]
const FUZZ_ROUNDS = Number(process.env['FUZZ_RUNS'] ?? 20_000)

type Answer = (request: ReadMessage) => Promise<Reply | undefined>

/** A peer of ours on a clock that stands, and what it told. */
function start (t: Test, raw: RawPeer, answer: Answer = async () => undefined, window = 20): {
  peer: Peer, clock: ManualClock, discards: Discards, notices: string[], request: (more?: { endToEnd?: number, resent?: boolean }) => ReturnType<Peer['request']>
} {
  const clock = new ManualClock()
  const discards = new Discards()
  const notices: string[] = []
  const peer = new Peer({
    host: '127.0.0.1',
    port: raw.port,
    identity: { host: 'landfall.example.net', realm: 'example.net', originStateId: 7, applications: [SGD, 16777312] },
    window,
    watchdogMs: TW_MS
  }, { clock, discards, notice: (level, fields) => { notices.push(`${level} ${JSON.stringify(fields)}`) }, changed: () => {}, request: answer })
  peer.start()
  t.teardown(async () => { await stopNow(peer, clock) })
  const avps = [...decodeMessage(message({ command: TFR, isRequest: true, hopByHop: 1, endToEnd: 1 }, [SESSION])).avps]
  return { peer, clock, discards, notices, request: async (more = {}) => await peer.request({ command: TFR, applicationId: SGD, avps, resent: false, ...more }, 70_000) }
}

/** Ends a peer whose other side may be deaf. */
async function stopNow (peer: Peer, clock: ManualClock): Promise<void> {
  const stopped = peer.stop(0)
  clock.advance(0)
  await new Promise(resolve => { setImmediate(resolve) })
  clock.advance(5_000)
  await stopped
}

/** Moves time on until the peer tries again, and sees that it does so after `least` and within `most`. */
async function comesBack (t: Test, raw: RawPeer, peer: Peer, clock: ManualClock, least: number, most: number): Promise<void> {
  const { accepted } = raw
  clock.advance(least - 1)
  t.not(peer.trouble, 'connecting', `not within ${least} ms`)
  // In steps, or the time that TCP has would pass with it.
  for (let ms = least - 1; peer.trouble !== 'connecting' && ms < most; ms += 100) clock.advance(100)
  t.equal(peer.trouble, 'connecting', `within ${most} ms`)
  await until(() => raw.accepted > accepted)
}

/** Until it is connected. */
async function open (raw: RawPeer, peer: Peer): Promise<RawConnection> {
  const connection = await raw.connection()
  await connection.greet()
  await until(() => peer.trouble === undefined)
  return connection
}

const anyAvp = fc.record({
  code: fc.nat(2 ** 32 - 1), vendor: fc.oneof(fc.constant(0), fc.constant(10415), fc.nat(2 ** 32 - 1)), flags: fc.constantFrom(0, 0x40, 0x60), data: fc.uint8Array({ maxLength: 40 })
})
const anyMessage: fc.Arbitrary<Message> = fc.record({
  flags: fc.nat(255), command: fc.nat(2 ** 24 - 1), applicationId: fc.nat(2 ** 32 - 1), hopByHop: fc.nat(2 ** 32 - 1), endToEnd: fc.nat(2 ** 32 - 1), avps: fc.array(anyAvp, { maxLength: 12 })
})

t.test('what is written is read back, and is what the generator writes', async t => {
  fc.assert(fc.property(anyMessage, made => {
    const bytes = encodeMessage(made)
    const read = decodeMessage(bytes)
    const rows = ({ avps }: Message): unknown[] => avps.map(({ code, vendor, flags, data }) => [code, vendor, flags & 0x7f, Buffer.from(data).toString('hex')])
    deepStrictEqual({ ...read, avps: rows(read) }, { ...made, avps: rows(made), fault: undefined })
    const theirs = Buffer.concat([bytes.subarray(0, 20), ...made.avps.map(({ code, vendor, flags, data }) => avp(code, vendor, data, flags))])
    deepStrictEqual(Buffer.from(bytes), theirs)
    equal(readWire(theirs).avps.length, made.avps.length)
  }), seeded(t, 300))
})

t.test('messages come out of the framer however the stream is cut', async t => {
  fc.assert(fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (messages, cuts) => {
    const written = messages.map(encodeMessage)
    const stream = Buffer.concat(written)
    const framer = new Framer()
    const read: Uint8Array[] = []
    for (let at = 0, i = 0; at < stream.length; i++) {
      const end = at + cuts[i % cuts.length]!
      equal(framer.push(stream.subarray(at, end), bytes => { read.push(bytes) }), true)
      at = end
    }
    deepStrictEqual(read, written)
  }), seeded(t, 200))
})

t.test('a length that is none ends the stream, the bounds themselves are taken', async t => {
  for (const [version, length] of [[1, 0], [1, 3], [1, 16], [1, 22], [1, MAX_MESSAGE_BYTES + 4], [1, 0xfffffc], [2, 20], [0, 20]] as const) {
    const bytes = Buffer.alloc(20)
    bytes.writeUInt32BE(version * 0x1000000 + length)
    t.notOk(new Framer().push(bytes, () => { t.fail('no message') }), `version ${version}, length ${length}`)
  }
  for (const length of [20, MAX_MESSAGE_BYTES]) {
    const bytes = Buffer.alloc(length)
    bytes.writeUInt32BE(0x01000000 + length)
    let read = 0
    t.ok(new Framer().push(bytes, message => { read = message.length }))
    t.equal(read, length)
  }
})

t.test('whatever comes: nothing throws, nothing is read twice, and what is sound is written again as it came', async t => {
  const next = random(seed(t))
  const bases = [encodeMessage(decodeMessage(message({ command: TFR, applicationId: SGD, isRequest: false, hopByHop: 1, endToEnd: 2 }, [
    SESSION, ...ORIGIN, base(297, Buffer.concat([base(266, 10415), base(298, 5555)])), gpp(3303, Buffer.concat([gpp(3304, 0), gpp(3305, Buffer.from('00d3', 'hex'))]))
  ]))), Buffer.from(message({ command: 257, applicationId: 0, isRequest: false, hopByHop: 1, endToEnd: 2 }, CEA_AVPS))]
  let sound = 0
  for (let round = 0; round < FUZZ_ROUNDS; round++) {
    const bytes = Buffer.from(bases[round % 2]!)
    for (let n = next() % 4; n >= 0; n--) bytes[next() % bytes.length] = next() % 4 === 0 ? 0 : next() & 0xff
    const stream = Buffer.concat([bytes, bytes.subarray(0, next() % bytes.length)])
    const framer = new Framer()
    let given = 0
    framer.push(stream, message => {
      given += message.length
      const read = decodeMessage(message)
      if (read.fault !== undefined) return
      sound++
      // A V bit with Vendor-Id 0 says nothing, and is not written.
      const sent = { ...read, avps: read.avps.map(made => made.vendor === 0 ? { ...made, flags: made.flags & 0x7f } : made) }
      if (JSON.stringify(decodeMessage(encodeMessage(read))) !== JSON.stringify(sent)) t.fail(`round ${round}: ${bytes.toString('hex')}`)
    })
    if (given > stream.length) t.fail(`round ${round}: more came out than went in`)
  }
  t.ok(sound > FUZZ_ROUNDS / 20, `${sound} sound messages`)
})

t.test('digits, addresses and identifiers', async t => {
  fc.assert(fc.property(fc.stringMatching(/^\d{1,15}$/), digits => {
    deepStrictEqual(Buffer.from(toTbcd(digits)), tbcd(digits))
    equal(readTbcd(toTbcd(digits), 0, (digits.length + 1) >> 1), digits)
  }), seeded(t, 200))
  for (const [address, octets] of [
    ['192.0.2.1', '0001c0000201'], ['::ffff:192.0.2.1', '0001c0000201'], ['2001:db8::1', '000220010db8000000000000000000000001'], ['::1', '000200000000000000000000000000000001'],
    ['fe80::1%eth0', '0002fe800000000000000000000000000001'], ['1:2:3:4:5:6:7:8', '000200010002000300040005000600070008'], ['', '000100000000']
  ] as const) t.equal(Buffer.from(addressOctets(address)).toString('hex'), octets, address)

  const ids = new Identifiers(2 ** 32 - 2)
  t.same([ids.next(), ids.next(), ids.next()], [2 ** 32 - 2, 2 ** 32 - 1, 0])
  const clock = new ManualClock(Date.UTC(2026, 0, 1))
  const seconds = Date.UTC(2026, 0, 1) / 1000
  t.equal(endToEndIds(clock).next() >>> 20, seconds & 0xfff, 'the top bits are the time')
  const session = sessionIds('landfall.example.net', clock)
  t.same([session(), session()], [`landfall.example.net;${seconds};0`, `landfall.example.net;${seconds};1`])
})

t.test('capabilities, watchdogs and goodbyes go as RFC 6733 has them', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer, clock, notices } = start(t, raw)
  const connection = await raw.connection()
  const cer = await connection.next()
  t.match(cer, { flags: 0x80, command: 257, application: 0 })
  t.equal(textIn(cer, 264), 'landfall.example.net')
  t.equal(textIn(cer, 296), 'example.net')
  t.equal(octetsIn(cer, 257), '00017f000001')
  t.equal(textIn(cer, 269), 'Landfall')
  t.equal(numberIn(cer, 278), 7)
  t.equal(numberIn(cer, 265), 10415)
  const applications = cer.avps.filter(({ code }) => code === 260).map(({ data }) => data.toString('hex'))
  t.same(applications, [SGD, 16777312].map(application => vendorApplication(application).subarray(8).toString('hex')))
  t.equal(peer.trouble, 'capabilities are being exchanged')
  t.equal(peer.room, 0)

  connection.answer(cer, CEA_AVPS)
  await until(() => peer.trouble === undefined)
  t.equal(peer.room, 20)
  t.match(notices, [/info .*mme\.example\.net.*16777313/])

  const dwa = await connection.ask(280, 0, ORIGIN)
  t.match(dwa, { flags: 0, command: 280, hopByHop: 1, endToEnd: 1 })
  t.equal(numberIn(dwa, 268), 2001)
  t.equal(textIn(dwa, 264), 'landfall.example.net')
  const cea = await connection.ask(257, 0, CEA_AVPS.slice(1))
  t.equal(numberIn(cea, 268), 2001, 'asked anew it answers')
  t.same(cea.avps.filter(({ code }) => code === 264 || code === 296).length, 2, 'and names itself once')
  t.equal(cea.avps.filter(({ code }) => code === 260).length, 2)

  const pending = peer.request({ command: TFR, applicationId: SGD, avps: [], resent: false }, 70_000)
  const tfr = await connection.next()
  const stopped = peer.stop(10_000)
  t.equal(peer.room, 0, 'nothing more is taken')
  t.ok(await connection.silent(), 'no goodbye while an answer is awaited')
  connection.answer(tfr, [base(268, 2001)])
  t.match(await pending, { kind: 'answered' })
  const dpr = await connection.next()
  t.match(dpr, { flags: 0x80, command: 282 })
  t.equal(numberIn(dpr, 273), 0)
  connection.answer(dpr, [base(268, 2001), ...ORIGIN])
  await stopped
  await connection.closed
  clock.advance(600_000)
  t.equal(raw.accepted, 1, 'it does not come back')
})

t.test('a peer that refuses, or does not fit, is left alone for a minute', { timeout: 30_000 }, async t => {
  const without = (code: number): Buffer[] => CEA_AVPS.filter(made => made.readUInt32BE(0) !== code)
  const cases: [string, RegExp, (connection: RawConnection, cer: Wire) => void][] = [
    ['5010', /refused the capabilities exchange: 5010/, (connection, cer) => { connection.answer(cer, [base(268, 5010), ...ORIGIN]) }],
    ['3010', /refused the capabilities exchange: 3010/, (connection, cer) => { connection.answer(cer, [base(268, 3010), ...ORIGIN], 0x20) }],
    ['no result', /no result/, (connection, cer) => { connection.answer(cer, without(268)) }],
    ['no name', /does not name itself/, (connection, cer) => { connection.answer(cer, without(264)) }],
    ['no common application', /no application in common/, (connection, cer) => { connection.answer(cer, [...without(260), vendorApplication(16777251)]) }],
    ['no answer', /did not answer/, connection => { connection.send(message({ command: 280, applicationId: 0, isRequest: true, hopByHop: 1, endToEnd: 1 }, ORIGIN)) }],
    ['broken AVPs', /does not name itself/, (connection, cer) => { connection.answer(cer, [...CEA_AVPS, Buffer.from('0000000140ffffff', 'hex')]) }]
  ]
  const raw = await RawPeer.listen(t)
  const { peer, clock, notices } = start(t, raw)
  for (const [name, told, play] of cases) {
    const connection = await raw.connection()
    play(connection, await connection.next())
    await connection.closed
    await until(() => told.test(peer.trouble ?? ''))
    t.match(notices.pop(), /^error/, name)
    await comesBack(t, raw, peer, clock, 48_000, 60_100)
  }
  const silent = await raw.connection()
  await silent.next()
  clock.advance(10_000)
  await silent.closed
  t.match(peer.trouble, /does not answer the capabilities/)
  await comesBack(t, raw, peer, clock, 48_000, 60_100)
  await open(raw, peer)
  t.equal(peer.trouble, undefined, 'a relay that has come to its senses')
})

t.test('a relay has every application', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer } = start(t, raw)
  const connection = await raw.connection()
  await connection.greet([base(268, 2001), ...ORIGIN, base(258, 0xffffffff)])
  await until(() => peer.trouble === undefined)
  t.ok(peer.has(SGD))
  t.notOk(peer.has(16777251), 'of those that we have')
})

t.test('a stream that lies about its lengths, or is cut, costs the connection and no more', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer, clock, discards, request } = start(t, raw)
  let broken = 0
  for (const header of ['0100000080000118', '0100001380000118', '0100001680000118', '01ffffff80000118', '0200001480000118', '474554202f204854']) {
    const connection = await open(raw, peer)
    const pending = request()
    await connection.next()
    connection.send(Buffer.from(header.padEnd(40, '0'), 'hex'))
    await connection.closed
    t.match(await pending, { kind: 'lost' })
    t.equal(discards.counts()['peer.broken-frame'], ++broken)
    t.equal(peer.room, 0)
    t.match(await request(), { kind: 'unsent' })
    await trust(t, raw, clock, peer)
  }
  const connection = await open(raw, peer)
  connection.socket.end(message({ command: 280, applicationId: 0, isRequest: true, hopByHop: 1, endToEnd: 1 }, ORIGIN).subarray(0, 33))
  await connection.closed
  await until(() => peer.trouble === 'the peer closed the connection')
})

/** Reconnects, and says goodbye so that the next connection begins with trust. */
async function trust (t: Test, raw: RawPeer, clock: ManualClock, peer: Peer): Promise<void> {
  await comesBack(t, raw, peer, clock, 800, 60_100)
  const connection = await raw.connection()
  await connection.greet()
  t.equal((await connection.next()).command, 280, 'a connection after a loss begins with a watchdog')
  t.match(peer.trouble, /answer some watchdogs/)
  t.equal((await connection.ask(282, 0, [...ORIGIN, base(273, 0)])).command, 282)
  connection.socket.end()
  await connection.closed
  await until(() => /said goodbye/.test(peer.trouble ?? ''))
  await comesBack(t, raw, peer, clock, 8_000, 10_100)
}

t.test('the watchdog asks, doubts, gives up, and wants three answers before it trusts again', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer, clock, request } = start(t, raw)
  const first = await open(raw, peer)
  clock.advance(TW_MS - 2_000 - 1)
  t.ok(await first.silent(), 'not before its time; and what is heard puts it off')
  clock.advance(TW_MS - 2_000 - 1)
  t.ok(await first.silent())
  clock.advance(LONGEST_TW_MS)
  const dwr = await first.next()
  t.match(dwr, { flags: 0x80, command: 280 })
  first.answer(dwr, [base(268, 2001), ...ORIGIN])
  t.ok(await first.silent())
  clock.advance(LONGEST_TW_MS)
  t.equal((await first.next()).command, 280)

  clock.advance(LONGEST_TW_MS)
  t.equal(peer.trouble, 'the peer does not answer')
  t.match(await request(), { kind: 'unsent' })
  t.ok(await first.silent())
  await until(() => peer.trouble === undefined)
  const pending = request()
  await first.next()
  clock.advance(LONGEST_TW_MS)
  t.equal(peer.trouble, 'the peer does not answer', 'the watchdog itself is still unanswered')
  // In steps, or the first attempt to come back would pass as well.
  for (let ms = 0; peer.trouble === 'the peer does not answer' && ms < LONGEST_TW_MS; ms += 100) clock.advance(100)
  t.match(await pending, { kind: 'lost' })
  await first.closed

  await comesBack(t, raw, peer, clock, 700, 1_100)
  const second = await raw.connection()
  await second.greet()
  for (let n = 0; n < 3; n++) {
    const probe = await second.next()
    t.equal(probe.command, 280)
    t.match(peer.trouble, /answer some watchdogs/)
    t.match(await request(), { kind: 'unsent' })
    second.answer(probe, [base(268, 2001), ...ORIGIN])
    t.ok(await second.silent())
    if (n < 2) clock.advance(LONGEST_TW_MS)
  }
  await until(() => peer.trouble === undefined)
  void request()
  t.equal((await second.next()).command, TFR)
})

t.test('a peer that says goodbye is answered, and left alone for as long as its reason says', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer, clock, request } = start(t, raw)
  for (const [cause, least, most] of [[0, 8_000, 10_000], [1, 96_000, 120_000], [2, 240_000, 300_000]] as const) {
    const connection = await open(raw, peer)
    const pending = request()
    await connection.next()
    const dpa = await connection.ask(282, 0, [...ORIGIN, base(273, cause)])
    t.match(dpa, { command: 282, flags: 0 })
    t.equal(numberIn(dpa, 268), 2001)
    t.match(await request(), { kind: 'unsent' }, 'it takes no more')
    connection.socket.end()
    await connection.closed
    t.match(await pending, { kind: 'lost' })
    await comesBack(t, raw, peer, clock, least, most + 100)
  }
  const connection = await open(raw, peer)
  await connection.ask(282, 0, ORIGIN)
  clock.advance(5_000)
  await connection.closed
  t.pass('one that says goodbye and stays is closed')
})

t.test('a peer that is down is tried again, ever more slowly, and a minute apart at most', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer, clock } = start(t, raw)
  for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    const connection = await raw.connection()
    await connection.next()
    connection.socket.destroy()
    await until(() => peer.trouble === 'the peer closed the connection' || /ECONNRESET/.test(peer.trouble ?? ''))
    await comesBack(t, raw, peer, clock, wait * 0.8, wait + 100)
  }
  await open(raw, peer)
})

t.test('the window bounds what waits; answers find their requests by Hop-by-Hop, late and strange ones are counted', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer, clock, discards, request } = start(t, raw, async () => undefined, 3)
  const connection = await open(raw, peer)
  const flood = Array.from({ length: 200 }, async () => await request())
  const sent = [await connection.next(), await connection.next(), await connection.next()]
  t.ok(await connection.silent(), 'three and no more')
  t.equal(peer.room, 0)
  const [a, b, c] = sent as [Wire, Wire, Wire]
  t.same([b.hopByHop - a.hopByHop >>> 0, c.hopByHop - b.hopByHop >>> 0].every(step => step >= 1 && step < 3), true)
  t.equal(new Set(sent.map(({ endToEnd }) => endToEnd)).size, 3)
  t.match(a, { flags: 0xc0, application: SGD })

  connection.answer({ ...b, hopByHop: b.hopByHop ^ 0x40000000 }, [base(268, 2001)])
  connection.answer({ ...b, command: TFR - 1 }, [base(268, 2001)])
  connection.answer(c, [base(268, 2001), SESSION])
  connection.answer(a, [base(268, 3002)], 0x20)
  connection.answer(a, [base(268, 2001)])
  t.ok(await connection.silent())
  t.equal(discards.counts()['peer.answer-without-request'], 3)
  t.equal(peer.room, 2)
  const resent = request({ endToEnd: b.endToEnd, resent: true })
  t.match(await connection.next(), { flags: 0xd0, endToEnd: b.endToEnd }, 'a resend keeps its End-to-End and has the T bit')

  // Watchdogs are answered on the way, so that only the requests run out of time.
  clock.advance(LONGEST_TW_MS)
  for (let n = 0; n < 2; n++) {
    const dwr = await connection.next()
    t.equal(dwr.command, 280)
    connection.answer(dwr, [base(268, 2001), ...ORIGIN])
    t.ok(await connection.silent())
    clock.advance(n === 0 ? LONGEST_TW_MS : 70_000 - 2 * LONGEST_TW_MS)
  }
  t.match(await resent, { kind: 'timeout' })
  const ends = (await Promise.all(flood)).map(({ kind }) => kind)
  t.same(['answered', 'timeout', 'unsent'].map(kind => ends.filter(end => end === kind).length), [2, 1, 197])
  connection.answer(b, [base(268, 2001)])
  await until(() => discards.counts()['peer.answer-without-request'] === 4)
})

t.test('requests of the peer are answered, whatever they are, and refused as RFC 6733 clause 7 says', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer, discards } = start(t, raw, async request => {
    if (request.command === 1) throw new Error('no')
    return request.command === TFR ? undefined : { result: 2001 }
  })
  const connection = await open(raw, peer)
  const proxy = base(284, Buffer.concat([base(280, 'dra.example.net'), base(33, 'state')]))
  const session = [SESSION, base(277, 1), ...ORIGIN, proxy, base(282, 'mme.example.net'), proxy]
  const check = async (command: number, application: number, flags: number, result: number, error: boolean): Promise<Wire> => {
    const answer = await connection.ask(command, application, session, flags)
    t.equal(numberIn(answer, 268), result)
    t.match(answer, { command, application, flags: (application === 0 ? 0 : 0x40) | (error ? 0x20 : 0) })
    t.equal(answer.avps[0]!.code, 263, 'the session comes first')
    t.equal(textIn(answer, 264), 'landfall.example.net')
    t.equal(numberIn(answer, 277), 1)
    t.same(answer.avps.filter(({ code }) => code === 284).map(({ data }) => data.toString('hex')), [proxy, proxy].map(made => made.subarray(8).toString('hex')))
    t.equal(textIn(answer, 282), 'mme.example.net')
    return answer
  }
  await check(8388648, 16777312, 0, 2001, false)
  await check(TFR, SGD, 0, 3001, true)
  await check(999, 0, 0, 3001, true)
  await check(316, 16777251, 0, 3007, true)
  await check(8388648, 16777312, 0x20, 3008, true)
  await check(1, SGD, 0, 5012, false)

  for (const [bad, code] of [['000000014000000600', 1], ['000000014000ffff00', 1], ['00000cec4000000800', 3308], ['00000001c000000800', 1]] as const) {
    const row = Buffer.alloc(12)
    row.write(bad, 'hex')
    const lying = code === 3308 ? Buffer.from('00000cec40000020', 'hex') : row
    const answer = await connection.ask(8388648, 16777312, [SESSION, lying])
    t.equal(numberIn(answer, 268), 5014)
    t.equal(groupIn(answer, 279).avps[0]!.code, code, 'and says which AVP it was')
  }
  t.equal(discards.counts()['peer.refused-request'], 6)
  t.equal(discards.counts()['peer.unable-to-comply'], 1)
  const many = await connection.ask(8388648, 16777312, Array.from({ length: 2_000 }, () => base(281, '')))
  t.equal(numberIn(many, 268), 5006)
  t.equal(peer.trouble, undefined, 'the connection is none the worse')
})

t.test('a flood of requests is bounded: so many are served, the others are told that we are too busy', { timeout: 30_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const held: (() => void)[] = []
  const { peer } = start(t, raw, async () => await new Promise(resolve => { held.push(() => { resolve({ result: 2001 }) }) }))
  const connection = await open(raw, peer)
  const ask = (n: number): Buffer => message({ command: 8388648, applicationId: 16777312, isRequest: true, hopByHop: n, endToEnd: n }, [SESSION])
  connection.send(Buffer.concat(Array.from({ length: 1_000 }, (_, n) => ask(n))))
  const busy = []
  for (let n = 0; n < 900; n++) busy.push(numberIn(await connection.next(), 268))
  t.same([...new Set(busy)], [3004])
  t.equal(held.length, 100)
  for (const answer of held.splice(0)) answer()
  const served = []
  for (let n = 0; n < 100; n++) served.push(numberIn(await connection.next(), 268))
  t.same([...new Set(served)], [2001])
  connection.send(ask(1))
  await until(() => held.length === 1)
  held[0]!()
  t.equal(numberIn(await connection.next(), 268), 2001, 'and there is room again')
})

t.test('a peer that asks and does not read is not read either', { timeout: 60_000 }, async t => {
  const raw = await RawPeer.listen(t)
  const { peer } = start(t, raw)
  const connection = await open(raw, peer)
  const { socket } = connection
  socket.pause()
  const ask = message({ command: 280, applicationId: 0, isRequest: true, hopByHop: 1, endToEnd: 1 }, [])
  socket.write(Buffer.concat(Array<Buffer>(1_000_000).fill(ask)))
  let [left, still] = [-1, 0]
  while (still < 2_000 && socket.writableLength > 0) {
    await new Promise(resolve => { setImmediate(resolve) })
    still = left === socket.writableLength ? still + 1 : 0
    left = socket.writableLength
  }
  t.ok(socket.writableLength > 1_000_000, `${socket.writableLength} bytes are left with the one who asks`)
  connection.socket.destroy()
  await connection.closed
})
