import fc from 'fast-check'
import t from 'tap'
import { COMMAND, TAG } from '../../agent/sms/smpp/codes.ts'
import { Framer, MAX_PDU_BYTES } from '../../agent/sms/smpp/framer.ts'
import { messageBody, readMessage, readMessageId, type Message } from '../../agent/sms/smpp/message.ts'
import { parsePdu, pduBytes } from '../../agent/sms/smpp/pdu.ts'
import { isReceipt, readReceipt } from '../../agent/sms/smpp/receipt.ts'
import { readReceived } from '../../agent/sms/smpp/received.ts'
import { MAX_SEQUENCE, Requests, type Answer } from '../../agent/sms/smpp/requests.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { random, seed, seeded } from '../lib/seed.ts'
import { EMPTY, hex } from './messages.ts'
import { npmSmpp, type NpmPdu } from './npm-smpp.ts'

const FUZZ_ROUNDS = 20_000

/** A message as fast-check makes it, whatever fits its fields. */
function arbitraryMessage (): fc.Arbitrary<Message> {
  const octet = fc.integer({ min: 0, max: 255 })
  const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map(code => String.fromCharCode(code)), maxLength })
  const address = fc.record({ ton: octet, npi: octet, value: text(20) })
  const tlvs = fc.dictionary(fc.constantFrom('0204', '0424', '0005'), fc.integer({ min: 0, max: 255 })).map(values => new Map(Object.entries(values).map(([tag, value]) =>
    [parseInt(tag, 16), tag === '0204' ? Uint8Array.of(1, value) : tag === '0005' ? Uint8Array.of(value) : new Uint8Array(value).fill(7)] as const)))
  return fc.record({
    serviceType: text(5),
    source: address,
    destination: address,
    esmClass: octet.map(value => value & ~0x40),
    protocolId: octet,
    priority: octet,
    scheduleDeliveryTime: fc.constant(''),
    validityPeriod: fc.constant(''),
    registeredDelivery: octet,
    replaceIfPresent: octet,
    dataCoding: fc.constant(4),
    defaultMessageId: octet,
    shortMessage: fc.uint8Array({ maxLength: 254 }),
    tlvs
  })
}

/** The message in the peer's words. */
function inNpmWords (message: Message): Record<string, unknown> {
  const reference = message.tlvs.get(0x0204)
  return {
    service_type: message.serviceType,
    source_addr_ton: message.source.ton,
    source_addr_npi: message.source.npi,
    source_addr: message.source.value,
    dest_addr_ton: message.destination.ton,
    dest_addr_npi: message.destination.npi,
    destination_addr: message.destination.value,
    esm_class: message.esmClass,
    protocol_id: message.protocolId,
    priority_flag: message.priority,
    registered_delivery: message.registeredDelivery,
    replace_if_present_flag: message.replaceIfPresent,
    data_coding: message.dataCoding,
    sm_default_msg_id: message.defaultMessageId,
    short_message: Buffer.from(message.shortMessage),
    ...(reference && { user_message_reference: Buffer.from(reference).readUInt16BE(0) }),
    ...(message.tlvs.has(TAG.messagePayload) && { message_payload: Buffer.from(message.tlvs.get(TAG.messagePayload)!) }),
    ...(message.tlvs.has(TAG.destAddrSubunit) && { dest_addr_subunit: message.tlvs.get(TAG.destAddrSubunit)![0] })
  }
}

/** What the peer decoded, its messages flat. */
function flat (pdu: NpmPdu): Record<string, unknown> {
  const bytes = (field: unknown): unknown => (field as { message: unknown }).message
  const { short_message: text, message_payload: payload } = pdu
  return { ...pdu, ...(text !== undefined && { short_message: bytes(text) }), ...(payload !== undefined && { message_payload: bytes(payload) }) }
}

/** Order of parameters is no difference, and of bytes only their values count. */
function comparable (message: Message): object {
  return { ...message, shortMessage: hex(message.shortMessage), tlvs: Object.fromEntries([...message.tlvs].map(([tag, value]) => [tag, hex(value)])) }
}

t.test('what we write, code of others reads the same', async t => {
  fc.assert(fc.property(arbitraryMessage(), fc.constantFrom('submit_sm', 'deliver_sm'), (message, name) => {
    const command = name === 'submit_sm' ? COMMAND.submitSm : COMMAND.deliverSm
    const theirs = npmSmpp.PDU.fromBuffer(pduBytes({ command, sequence: 7, body: messageBody(message)! }))
    if (theirs === false || theirs.command !== name) return false
    const seen = flat(theirs)
    return Object.entries(inNpmWords(message)).every(([field, value]) =>
      Buffer.isBuffer(value) ? value.equals(seen[field] as Buffer) : value === seen[field])
  }), seeded(t))
})

t.test('what code of others writes, we read the same', async t => {
  fc.assert(fc.property(arbitraryMessage(), message => {
    const { command, body } = parsePdu(new npmSmpp.PDU('deliver_sm', { ...inNpmWords(message), sequence_number: 9 }).toBuffer())
    const ours = readMessage(body)
    return command === COMMAND.deliverSm && typeof ours !== 'string' && JSON.stringify(comparable(ours)) === JSON.stringify(comparable(message))
  }), seeded(t))
})

t.test('framed by length only: whole, byte by byte and in any pieces', async t => {
  const sent = [0, 1, 300, 4_096, MAX_PDU_BYTES - 16, 5].map((size, i) => pduBytes({ command: COMMAND.enquireLink, sequence: i, body: Buffer.alloc(size, i) }))
  const stream = Buffer.concat(sent)
  for (const size of [1, 3, 15, 16, 17, 1_000, stream.length]) {
    const framer = new Framer()
    const read: Uint8Array[] = []
    for (let at = 0; at < stream.length; at += size) {
      framer.push(stream.subarray(at, at + size))
      for (let pdu = framer.next(); pdu !== undefined && pdu !== 'broken'; pdu = framer.next()) read.push(pdu)
    }
    t.same(read.map(hex), sent.map(hex), `pieces of ${size}`)
  }
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 40 }), sizes => {
    const framer = new Framer()
    const read: string[] = []
    let at = 0
    for (let turn = 0; at < stream.length; at += sizes[turn++ % sizes.length]!) {
      framer.push(stream.subarray(at, at + sizes[turn % sizes.length]!))
      // Only some of what is there is taken at once, as when too much is being stored.
      const pdu = framer.next()
      if (pdu !== undefined && pdu !== 'broken') read.push(hex(pdu))
    }
    for (let pdu = framer.next(); pdu !== undefined && pdu !== 'broken'; pdu = framer.next()) read.push(hex(pdu))
    return read.join() === sent.map(hex).join()
  }), seeded(t, 50))
})

t.test('a length that cannot be is final, and not even a large part of it is waited for', async t => {
  for (const length of [0, 4, 15, MAX_PDU_BYTES + 1, 0x7fffffff, 0xffffffff]) {
    const framer = new Framer()
    framer.push(Buffer.from(length.toString(16).padStart(8, '0'), 'hex'))
    t.equal(framer.next(), 'broken', String(length))
    framer.push(pduBytes({ command: COMMAND.enquireLink, sequence: 1 }))
    t.equal(framer.next(), 'broken', 'what follows is not believed')
  }
})

t.test('every prefix of a message is refused with a reason or is read without what was cut', async t => {
  const body = messageBody({ ...EMPTY, shortMessage: Buffer.from('text'), tlvs: new Map([[TAG.messageState, Uint8Array.of(2)]]) })!
  t.same(comparable(readMessage(body) as Message), comparable({ ...EMPTY, shortMessage: Buffer.from('text'), tlvs: new Map([[TAG.messageState, Uint8Array.of(2)]]) }))
  const reasons = new Set<string>()
  for (let end = 0; end < body.length; end++) {
    const read = readMessage(body.subarray(0, end))
    if (typeof read === 'string') reasons.add(read)
    else t.equal(read.tlvs.size, 0, `${end} of ${body.length}`)
  }
  t.same([...reasons], ['smpp.string', 'smpp.truncated', 'smpp.message-length', 'smpp.tlv-length'])
})

t.test('no field goes out that would move the ones behind it, or does not fit', async t => {
  const cases: Partial<Message>[] = [
    { source: { ton: 1, npi: 1, value: '12\x0034' } }, { destination: { ton: 1, npi: 1, value: '12\r\n' } }, { serviceType: 'æ' },
    { source: { ton: 1, npi: 1, value: '1'.repeat(21) } }, { serviceType: '123456' }, { shortMessage: new Uint8Array(255) },
    { tlvs: new Map([[TAG.messagePayload, new Uint8Array(0x10000)]]) }
  ]
  for (const wrong of cases) t.equal(messageBody({ ...EMPTY, ...wrong }), undefined)
})

t.test('strings that are longer than the standard has them are refused, as are those without an end', async t => {
  const long = Buffer.concat([Buffer.from('123456\0'), messageBody(EMPTY)!.subarray(1)])
  t.equal(readMessage(long), 'smpp.string')
  t.equal(readMessage(Buffer.alloc(1_000, 0x31)), 'smpp.string')
  t.equal(readMessageId(Buffer.from('a1\0')), 'a1')
  t.equal(readMessageId(Buffer.from('a1')), '')
  t.equal(readMessageId(Buffer.alloc(66, 0x31)), '')
})

t.test('numbers of requests wrap, pass over those that wait, and each request is settled once', async t => {
  const clock = new ManualClock()
  const requests = new Requests(clock, 60_000, MAX_SEQUENCE - 2)
  const answers: Answer[] = []
  const add = (): number => requests.add(COMMAND.submitSm, answer => { answers.push(answer) })
  t.same([add(), add(), add()], [MAX_SEQUENCE - 1, MAX_SEQUENCE, 1])
  const response = { command: COMMAND.submitSm + 0x80000000, status: 0, body: Buffer.from('x\0') }
  t.equal(requests.answer({ ...response, sequence: MAX_SEQUENCE }), true)
  t.equal(requests.answer({ ...response, sequence: MAX_SEQUENCE }), false, 'the second time nobody waits')
  t.equal(requests.answer({ ...response, command: 0x80000015, sequence: 1 }), false, 'a response to something else')
  t.equal(requests.answer({ ...response, command: COMMAND.genericNack, status: 3, sequence: 1 }), true)
  t.equal(requests.answer({ ...response, command: COMMAND.genericNack, sequence: 0 }), false)
  clock.advance(60_000)
  t.match(answers, [{ status: 0 }, { status: 3 }, { lost: 'smpp.no-answer' }])
  t.equal(requests.size, 0)
  const again = new Requests(clock, 60_000, MAX_SEQUENCE)
  t.equal(again.add(1, () => {}), 1)
  again.end('smpp.connection-lost')
  const around = new Requests(clock, 60_000, MAX_SEQUENCE - 1)
  around.add(1, () => {})
  t.equal(around.add(1, () => {}), 1)
})

t.test('whatever bytes come, every step ends and says what it found', async t => {
  const next = random(seed(t))
  const whole = messageBody({ ...EMPTY, esmClass: 0x44, shortMessage: Buffer.from('\x05\0\x03*\x02\x01id:77 stat:DELIVRD err:1'), tlvs: new Map([[TAG.receiptedMessageId, Buffer.from('77\0')]]) })!
  const outcomes: Record<string, number> = {}
  const framer = new Framer()
  for (let round = 0; round < FUZZ_ROUNDS; round++) {
    const body = Buffer.from(whole.subarray(0, next() % 8 === 0 ? next() % whole.length : whole.length))
    for (let change = next() % 6; change > 0 && body.length > 0; change--) body[next() % body.length] = next() % 3 === 0 ? [0, 0xff, 0x7f, 1][next() % 4]! : next()
    framer.push(pduBytes({ command: next(), sequence: next(), body }))
    const framed = framer.next()
    if (framed === undefined || framed === 'broken') return t.fail('a whole PDU is framed')
    const message = readMessage(parsePdu(framed).body)
    const key = typeof message === 'string' ? message : isReceipt(message) ? `receipt ${readReceipt(message, 'hex-then-decimal') !== undefined}` : `message ${typeof readReceived(message, 'gsm7')}`
    outcomes[key] = (outcomes[key] ?? 0) + 1
  }
  t.equal(framer.next(), undefined)
  t.equal(framer.held, 0)
  t.ok(Object.keys(outcomes).length >= 7, JSON.stringify(outcomes))
  for (let round = 0; round < 500; round++) {
    const noise = new Framer()
    noise.push(Uint8Array.from({ length: next() % 200 }, () => next() % (next() % 2 === 0 ? 256 : 3)))
    let taken = 0
    for (let pdu = noise.next(); pdu !== undefined && pdu !== 'broken'; pdu = noise.next()) { taken += pdu.length; void readMessage(parsePdu(pdu).body) }
    if (taken > 200) return t.fail('more came out than went in')
  }
})
