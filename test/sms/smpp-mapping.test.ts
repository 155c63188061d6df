import fc from 'fast-check'
import t from 'tap'
import { TON, type Ton } from '../../agent/sms/address.ts'
import { TAG } from '../../agent/sms/smpp/codes.ts'
import { latin1ToUcs2, septetsToLatin1 } from '../../agent/sms/smpp/latin1.ts'
import type { Message } from '../../agent/sms/smpp/message.ts'
import { comparableId } from '../../agent/sms/smpp/message-id.ts'
import { isReceipt, readReceipt } from '../../agent/sms/smpp/receipt.ts'
import { readReceived } from '../../agent/sms/smpp/received.ts'
import { statusCause, statusClass, statusName } from '../../agent/sms/smpp/status.ts'
import { submitMessage } from '../../agent/sms/smpp/submit.ts'
import { relativeTime } from '../../agent/sms/smpp/validity.ts'
import { seeded } from '../lib/seed.ts'
import { EMPTY, hex } from './messages.ts'
import { concatenated, submission } from './submissions.ts'

const WISHES = { shortCode: { ton: 3, npi: 0 }, defaultAlphabet: 'gsm7' } as const

t.test('statuses: what each means, what nobody knows, and what this service centre means by them', async t => {
  const none = { permanent: [], temporary: [] }
  const classes = (statuses: number[]): string[] => statuses.map(status => statusClass(status, none))
  t.same(new Set(classes([0x01, 0x02, 0x03, 0x0a, 0x0b, 0x33, 0x48, 0x65, 0xc0, 0xc2, 0x101, 0x106])), new Set(['permanent']))
  t.same(new Set(classes([0x08, 0x45, 0x64, 0xfe, 0xff, 0x102, 0x400, 0x12345678])), new Set(['temporary']))
  t.same(new Set(classes([0x14, 0x58])), new Set(['throttle']))
  t.same(new Set(classes([0x04, 0x05])), new Set(['session']))
  const ours = { permanent: [0x400, 0x08], temporary: [0x0b, 0x58] }
  t.same([0x400, 0x08, 0x0b, 0x58].map(status => statusClass(status, ours)), ['permanent', 'permanent', 'temporary', 'temporary'])
  t.same([statusName(0x58), statusName(0x400), statusCause(0x58)], ['ESME_RTHROTTLED', '0x00000400', 'smpp.0x00000058'])
})

t.test('ids are compared as far as they are wholly numbers', async t => {
  const same = (a: string, b: string): boolean => comparableId(a, 'response', 'same') === comparableId(b, 'receipt', 'same')
  t.ok(same(' 00A1 ', 'a1') && same('0', '000') && same('', ' '))
  t.notOk(same('a1', 'a2') || same('10', '1'))
  const uuid = '0F8FAD5B-D9CB-469F-A165-70867728950E'
  t.ok(same(uuid, uuid.toLowerCase()))
  t.equal(comparableId(uuid, 'response', 'hex-then-decimal'), uuid.toLowerCase(), 'whatever the setting')
  t.equal(comparableId('1A2B', 'response', 'hex-then-decimal'), comparableId('0006699', 'receipt', 'hex-then-decimal'))
  t.equal(comparableId('6699', 'response', 'decimal-then-hex'), comparableId('1a2b', 'receipt', 'decimal-then-hex'))
  t.equal(comparableId('msg-1a', 'receipt', 'decimal-then-hex'), 'msg-1a')
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n }), fc.nat(8), (id, zeros) =>
    comparableId(id.toString(16).toUpperCase(), 'response', 'hex-then-decimal') === comparableId(`${'0'.repeat(zeros)}${id}`, 'receipt', 'hex-then-decimal')), seeded(t))
})

t.test('receipts: from parameters, and from text as service centres vary it', async t => {
  const text = (words: string, more: Partial<Message> = {}): Message => ({ ...EMPTY, esmClass: 4, shortMessage: Buffer.from(words, 'latin1'), ...more })
  const read = (message: Message): unknown => isReceipt(message) && readReceipt(message, 'same')
  const cases: [string, object][] = [
    ['id:0123456789 sub:001 dlvrd:001 submit date:2601011200 done date:2601011201 stat:DELIVRD err:000 text:hello', { id: '123456789', state: 'delivered', networkError: undefined }],
    ['id:ABC-1 sub:001 dlvrd:000 submit date:260101120000 done date:260101120101 stat:UNDELIV err:0B3 Text:hello', { id: 'abc-1', state: 'undeliverable', networkError: '0B3' }],
    ['stat:EXPIRED err:12 id:77', { id: '77', state: 'expired', networkError: '12' }],
    ['ID: 77 STAT: Delivered ERR: 0', { id: '77', state: 'delivered', networkError: undefined }],
    ['id:77 stat:REJECTD err:timeout text:id:88 stat:DELIVRD', { id: '77', state: 'rejected', networkError: 'TIMEOUT' }],
    ['id:77\r\nstat:ENROUTE', { id: '77', state: 'enroute' }],
    ['id:7 stat:ACCEPTD', { state: 'accepted' }], ['id:7 stat:DELETED', { state: 'deleted' }], ['id:7 stat:UNKNOWN', { state: 'unknown' }]
  ]
  for (const [words, expected] of cases) t.match(read(text(words)), expected, words)
  for (const words of ['', 'id: sub:001 stat:DELIVRD', 'id:77', 'id:77 stat:', 'stat:DELIVRD', 'id:77 stat:SOMETHING', 'grid:77 stat:DELIVRD']) t.equal(read(text(words)), undefined, words)

  const tlvs = new Map([[TAG.receiptedMessageId, Buffer.from('FF01\0')], [TAG.messageState, Uint8Array.of(5)], [TAG.networkErrorCode, Uint8Array.of(3, 0, 1)]])
  const parameters = { id: 'ff01', state: 'undeliverable', networkError: '3:1' }
  t.match(read(text('id:1 stat:DELIVRD', { tlvs })), parameters, 'parameters before text')
  t.match(read({ ...EMPTY, tlvs }), parameters, 'though it is not marked')
  t.match(read(text('id:1 stat:DELIVRD', { tlvs: new Map([[TAG.messageState, Uint8Array.of(99)], [TAG.networkErrorCode, Uint8Array.of(3)]]) })), { id: '1', state: 'delivered' })
  t.match(read(text('', { tlvs: new Map([[TAG.receiptedMessageId, Buffer.from('77')], [TAG.messageState, Uint8Array.of(2)]]) })), { id: '77' }, 'without its NUL')
  t.match(read(text('', { tlvs: new Map([[TAG.messagePayload, Buffer.from('id:77 stat:DELIVRD')]]) })), { id: '77', state: 'delivered' })
  t.match(read(text('', { dataCoding: 8, shortMessage: latin1ToUcs2(Buffer.from('id:77 stat:DELIVRD')) })), { id: '77', state: 'delivered' })
  t.match(read(text('id:77 stat:ENROUTE', { esmClass: 0x20 })), { state: 'enroute' })
  t.notOk(isReceipt(text('id:77 stat:DELIVRD', { esmClass: 0 })), 'a phone may send these words')
})

t.test('a submission becomes a submit_sm', async t => {
  const made = (wish: Parameters<typeof submission>[0], wishes: Parameters<typeof submitMessage>[1] = WISHES): Message => {
    const message = submitMessage(submission(wish), wishes)
    if (typeof message === 'string') throw new Error(message)
    return message
  }
  t.match(made({}), {
    serviceType: '',
    source: { ton: 3, npi: 0, value: '1234' },
    destination: { ton: 1, npi: 1, value: '4790000001' },
    esmClass: 0,
    protocolId: 0,
    registeredDelivery: 1,
    validityPeriod: '000007000000000R',
    dataCoding: 0,
    shortMessage: Buffer.from('hi')
  })
  const codings: [number, 'gsm7' | '8bit' | 'ucs2', number, number?][] = [
    [0x00, 'gsm7', 0x00], [0x10, 'gsm7', 0xf0], [0x11, 'gsm7', 0xf1], [0xf2, 'gsm7', 0xf2],
    [0x04, '8bit', 0x04], [0x14, '8bit', 0xf4], [0x17, '8bit', 0xf7], [0xf6, '8bit', 0xf6],
    [0x08, 'ucs2', 0x08], [0x18, 'ucs2', 0x08, 1], [0x1b, 'ucs2', 0x08, 4], [0xc8, 'gsm7', 0xc8], [0xe8, 'ucs2', 0xe8]
  ]
  for (const [dcs, alphabet, dataCoding, subunit] of codings) {
    const message = made({ dcs, alphabet })
    t.same([message.dataCoding, message.tlvs.get(TAG.destAddrSubunit)?.[0]], [dataCoding, subunit], `0x${dcs.toString(16)} ${alphabet}`)
  }
  const source = (ton: Ton, value: string): object => { const { ton: sent, npi } = made({ from: { ton, value } }, { ...WISHES, shortCode: { ton: 0, npi: 1 } }).source; return [sent, npi] }
  t.same([source(TON.international, '47'), source(TON.national, '90'), source(TON.alphanumeric, 'Bank 24'), source(TON.abbreviated, '1'), source(TON.unknown, '*1#')],
    [[1, 1], [2, 1], [5, 0], [0, 1], [0, 1]])
  const part = made({ fragment: { header: concatenated(2, 1), body: Buffer.from('\x00\x1b\x65') }, pid: 0x41 })
  t.match(part, { esmClass: 0x40, protocolId: 0x41, shortMessage: Buffer.from('0500032a020100' + '1b65', 'hex'), registeredDelivery: 1, validityPeriod: '000007000000000R' })
})

t.test('a submission that cannot be said is refused for good', async t => {
  const fault = (wish: Parameters<typeof submission>[0], defaultAlphabet: 'gsm7' | 'latin1' = 'gsm7'): unknown => {
    const made = submitMessage(submission(wish), { ...WISHES, defaultAlphabet })
    return typeof made === 'string' ? made : undefined
  }
  const bad = ['12\x0034', '', '1'.repeat(21), '+47', '47;1', '47\r\n', '４７']
  for (const value of bad) t.equal(fault({ to: { ton: TON.international, value } }), 'smpp.address', JSON.stringify(value))
  for (const value of ['A\0B', '', 'A'.repeat(12), 'Ærlig', 'a\nb']) t.equal(fault({ from: { ton: TON.alphanumeric, value } }), 'smpp.address', JSON.stringify(value))
  t.equal(fault({ fragment: { header: new Uint8Array(0), body: new Uint8Array(255) } }), 'smpp.too-long')
  t.equal(fault({ text: 'a\x1b\x65' }, 'latin1'), 'smpp.not-latin1', 'the euro sign')
})

t.test('time that is left is said from now on, and never as none', async t => {
  const cases: [number, string][] = [[7 * 86_400_000, '000007000000000R'], [0, '000000000001000R'], [-5, '000000000001000R'], [999, '000000000001000R'],
    [3_599_999, '000000005959000R'], [86_399_000, '000000235959000R'], [1e12, '000028000000000R']]
  for (const [ms, said] of cases) t.equal(relativeTime(ms), said)
  fc.assert(fc.property(fc.integer({ min: 1_000, max: 7 * 86_400_000 }), ms => {
    const [days, hours, minutes, seconds] = [4, 6, 8, 10].map(at => Number(relativeTime(ms).slice(at, at + 2)))
    return ((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds! === Math.floor(ms / 1_000)
  }), seeded(t))
})

t.test('Latin-1 for those that want it: every septet that has one', async t => {
  const septets = Uint8Array.from([...Array(0x1b).keys(), ...Array.from({ length: 0x80 - 0x1c }, (_, i) => i + 0x1c)])
  const possible = septets.filter(septet => septetsToLatin1(Uint8Array.of(septet)) !== undefined)
  t.equal(septets.length - possible.length, 10, 'ten Greek capitals')
  const text = Buffer.from(septetsToLatin1(possible)!).toString('latin1')
  t.equal(new Set(text).size, possible.length)
  t.equal(Buffer.from(septetsToLatin1(Buffer.from('@\x00 \x04\x5b\x1b\x3c\x1b\x2f\x7e', 'latin1'))!).toString('latin1'), '¡@ èÄ[\\ü')
  const made = submitMessage(submission({ text: '\x00' }), { ...WISHES, defaultAlphabet: 'latin1' }) as Message
  t.match(made, { dataCoding: 0, shortMessage: Buffer.from('@') })
  t.match(submitMessage(submission({ text: '\x00', dcs: 0x10 }), { ...WISHES, defaultAlphabet: 'latin1' }), { dataCoding: 0xf0, shortMessage: Buffer.from('\x00') }, 'a class says its own alphabet')
})

t.test('messages from phones: header, alphabet and addresses', async t => {
  const read = (more: Partial<Message>, alphabet: 'gsm7' | 'latin1' = 'gsm7'): unknown => {
    const received = readReceived({ ...EMPTY, ...more }, alphabet)
    return typeof received === 'string' ? received : { ...received, header: hex(received.header), body: hex(received.body) }
  }
  const codings: [number, string, number, string][] = [
    [0, '0041', 0, '0041'], [0, '41e6', 8, '004100e6'], [1, '41', 8, '0041'], [3, 'e6', 8, '00e6'], [4, 'ff00', 4, 'ff00'], [2, 'ff', 4, 'ff'],
    [8, '00e6', 8, '00e6'], [0xf1, '00', 0xf1, '00'], [0xf5, 'ff', 0xf5, 'ff'], [0x18, '0041', 0x18, '0041'], [6, 'cf', 4, 'cf']
  ]
  for (const [dataCoding, sent, dcs, body] of codings) t.match(read({ dataCoding, shortMessage: Buffer.from(sent, 'hex') }), { dcs, body, header: '' }, `${dataCoding} ${sent}`)
  t.match(read({ shortMessage: Buffer.from('A') }, 'latin1'), { dcs: 8, body: '0041' })
  t.match(read({ esmClass: 0x40, shortMessage: Buffer.from('0500032a020141', 'hex') }), { header: '0500032a0201', body: '41' })
  t.match(read({ tlvs: new Map([[TAG.messagePayload, Buffer.from('long')]]) }), { body: hex(Buffer.from('long')) })
  for (const short of ['', '05000341', 'ff']) t.equal(read({ esmClass: 0x40, shortMessage: Buffer.from(short, 'hex') }), 'smpp.header-length', short)
  const from = (ton: number, value: string): unknown => { const made = readReceived({ ...EMPTY, source: { ton, npi: 1, value } }, 'gsm7'); return typeof made === 'string' ? made : made.from }
  t.same([from(1, '47'), from(0, '+47'), from(4, '47'), from(5, '47'), from(0, 'INFO'), from(0, ''), from(1, 'a\x07')],
    [{ ton: 1, value: '47' }, { ton: 1, value: '47' }, { ton: 0, value: '47' }, { ton: 5, value: '47' }, { ton: 5, value: 'INFO' }, 'smpp.address', 'smpp.address'])
})
