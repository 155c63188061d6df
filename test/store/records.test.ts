import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { crc32c } from '../../agent/lib/crc32c.ts'
import { EVENT_KINDS, type SubscriberEvent } from '../../agent/location/event.ts'
import type { KnownVersion, Registration, Subscriber } from '../../agent/location/subscriber.ts'
import { decodeClient, encodeClient, type RegisteredClient } from '../../agent/store/client-record.ts'
import { decodeEvent, encodeEvent, type StoredEvent } from '../../agent/store/event-record.ts'
import {
  decodeDueKey, decodeEventKey, decodeNumberKey, decodeSubscriberKey, dueKey, eventKey, numberKey, numberPrefix, subscriberKey
} from '../../agent/store/keys.ts'
import { RecordDamaged } from '../../agent/store/record-damaged.ts'
import { RecordWriter } from '../../agent/store/record.ts'
import { decodeSubscriber, encodeSubscriber } from '../../agent/store/subscriber-record.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1_000)
t.comment(`FUZZ_SEED=${seed}`)

const IMSI = '242011234567890'
const T0 = Date.UTC(2026, 2, 1, 12)

/** Nodes by number, as the store keeps them. */
class Nodes {
  readonly #nodes: { host: string, realm: string }[] = [{ host: '', realm: '' }]
  intern = (host: string, realm: string): number => {
    const at = this.#nodes.findIndex(node => node.host === host && node.realm === realm)
    return at > 0 ? at : this.#nodes.push({ host, realm }) - 1
  }

  node = (id: number): { host: string, realm: string } | undefined => this.#nodes[id]
}

/** Objects like those of the code, which have a prototype. */
const plain = <T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> => fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
const digits = (least: number, most: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9]{${least},${most}}$`))
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })
const time = fc.oneof(fc.integer({ min: T0 - 1e9, max: T0 + 1e9 }), fc.integer({ min: 0, max: 2 ** 48 - 1 }))
const country = fc.stringMatching(/^[A-Z]{2}$/)
const name = fc.oneof(fc.constant(''), fc.constantFrom('mme1.epc.mnc001.mcc242.3gppnetwork.org', 'b'))

const registration: fc.Arbitrary<Registration> = plain({
  plmn: maybe(digits(5, 6)),
  host: name,
  realm: name,
  time,
  active: fc.boolean(),
  smsRegistered: maybe(fc.boolean()),
  smsNumber: maybe(digits(1, 15))
})

const text = fc.string({ unit: 'grapheme', maxLength: 16 })
const version: fc.Arbitrary<KnownVersion> = plain({ imei: digits(14, 14), softwareVersion: text, time })

const subscriber: fc.Arbitrary<Subscriber> = plain({
  attached: fc.boolean(),
  mme: maybe(registration),
  sgsn: maybe(registration),
  country: maybe(country),
  countryTime: time,
  handset: maybe(plain({ imei: digits(14, 16), time })),
  version: maybe(version),
  ofHandset: fc.boolean(),
  number: maybe(digits(1, 15)),
  numberTime: time,
  lastSeen: time,
  visited: fc.array(plain({ country, toldAt: time }), { maxLength: 64 }),
  lastChange: maybe(plain({ country, time }))
}).map(({ mme, sgsn, ofHandset, ...rest }) => {
  const version = ofHandset && rest.version !== undefined && rest.handset !== undefined
    ? { ...rest.version, imei: rest.handset.imei.slice(0, 14) }
    : rest.version
  const softwareVersion = rest.handset?.imei.slice(0, 14) === version?.imei ? version?.softwareVersion : undefined
  return {
    imsi: IMSI,
    ...rest,
    registrations: { ...mme === undefined ? {} : { mme }, ...sgsn === undefined ? {} : { sgsn } },
    countryTime: rest.country === undefined ? 0 : rest.countryTime,
    numberTime: rest.number === undefined ? 0 : rest.numberTime,
    handset: rest.handset === undefined ? undefined : { ...rest.handset, softwareVersion },
    version
  }
})

const handset = plain({ imei: digits(14, 16), softwareVersion: maybe(text) })
const event: fc.Arbitrary<SubscriberEvent> = plain({
  kind: fc.constantFrom(...EVENT_KINDS),
  time,
  imsi: digits(6, 15),
  number: maybe(digits(1, 15)),
  previousHandset: maybe(handset),
  handset: maybe(handset),
  previousCountry: maybe(country),
  country: maybe(country)
})
const stored: fc.Arbitrary<StoredEvent> = plain({ committedAt: time, event: maybe(event) })

t.test('CRC-32C', async t => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  t.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  t.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  t.equal(crc32c(Buffer.alloc(0)), 0)
  const bitwise = (bytes: Uint8Array): number => {
    let crc = 0xffffffff
    for (const byte of bytes) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    }
    return (crc ^ 0xffffffff) >>> 0
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(10), fc.nat(10), (bytes, from, less) => {
    const end = Math.max(from, bytes.length - less)
    if (end <= bytes.length) assert.equal(crc32c(bytes, from, end), bitwise(bytes.subarray(from, end)))
  }), { seed, numRuns: RUNS })
})

t.test('a subscriber comes back as it was', async t => {
  fc.assert(fc.property(subscriber, subscriber => {
    const nodes = new Nodes()
    assert.deepStrictEqual(decodeSubscriber(IMSI, encodeSubscriber(subscriber, nodes.intern), nodes.node), subscriber)
  }), { seed, numRuns: RUNS })
  t.pass()
})

/** What is kept of nearly every SIM. */
const TYPICAL: Subscriber = {
  imsi: IMSI,
  attached: true,
  registrations: {
    mme: {
      plmn: '310410',
      host: 'mmec01.mmegi8001.mme.epc.mnc410.mcc310.3gppnetwork.org',
      realm: 'epc.mnc410.mcc310.3gppnetwork.org',
      time: T0,
      active: true,
      smsRegistered: true,
      smsNumber: '12065550100'
    }
  },
  country: 'US',
  countryTime: T0 - 86_400_000,
  handset: { imei: '356938035643809', softwareVersion: '39', time: T0 },
  version: { imei: '35693803564380', softwareVersion: '39', time: T0 },
  number: '4799990000',
  numberTime: T0,
  lastSeen: T0 - T0 % 86_400_000,
  visited: [{ country: 'US', toldAt: T0 - 10 * 86_400_000 }],
  lastChange: undefined
}

t.test('a subscriber without a last change is written and read as by the first release', async t => {
  const record = '01fb809494caca3380dccc147b00018af9120b12065550100f555380b899290f356938035643809f0000023339000a47999900000001555380b0fe9b037ffa8419'
  t.equal(encodeSubscriber(TYPICAL, () => 1).toString('hex'), record)
  const { host, realm } = TYPICAL.registrations.mme!
  t.same(decodeSubscriber(IMSI, Buffer.from(record, 'hex'), () => ({ host, realm })), TYPICAL)
})

t.test('a record is small', async t => {
  const size = encodeSubscriber(TYPICAL, () => 1_000).length
  t.comment(`a typical subscriber: ${size} bytes`)
  t.ok(size < 75, `${size} bytes`)
  const event: SubscriberEvent = {
    kind: 'country-change', time: T0, imsi: IMSI, number: '4799990000', previousHandset: undefined, handset: undefined, previousCountry: 'NO', country: 'US'
  }
  t.ok(encodeEvent({ committedAt: T0, event }).length < 45)
})

t.test('a node that is not known any more has no names', async t => {
  const { registrations } = decodeSubscriber(IMSI, encodeSubscriber(TYPICAL, () => 0), () => undefined)
  t.match(registrations.mme, { host: '', realm: '', plmn: '310410' })
})

t.test('an event comes back as it was, a tombstone too', async t => {
  fc.assert(fc.property(stored, stored => {
    const record = encodeEvent(stored)
    assert.deepStrictEqual(decodeEvent(record), { ...stored, bytes: record.length })
  }), { seed, numRuns: RUNS })
  t.match(decodeEvent(encodeEvent({ committedAt: T0, event: undefined })), { committedAt: T0, event: undefined })
})

const bytes = (length: number): fc.Arbitrary<Buffer> => fc.uint8Array({ minLength: length, maxLength: length }).map(bytes => Buffer.from(bytes))
const client: fc.Arbitrary<RegisteredClient> = plain({
  id: fc.constant('shop'),
  tenant: fc.nat(65_535),
  sector: text,
  scopes: fc.array(text, { maxLength: 64 }),
  secret: maybe(plain({ cost: fc.nat(2 ** 20), blockSize: fc.nat(32), parallelization: fc.nat(16), salt: bytes(16), hash: bytes(32) })),
  certificates: fc.array(text, { maxLength: 16 }),
  addedAt: time,
  registration: bytes(8).map(bytes => bytes.toString('hex'))
})

t.test('a client comes back as it was', async t => {
  fc.assert(fc.property(client, client => {
    assert.deepStrictEqual(decodeClient('shop', encodeClient(client)), client)
  }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('no damage goes unseen', async t => {
  const damaged = (bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown): void => { assert.throws(() => decode(bytes), RecordDamaged) }
  const tryAll = (record: Buffer, decode: (bytes: Uint8Array) => unknown): void => {
    for (let length = 0; length < record.length; length++) damaged(record.subarray(0, length), decode)
    damaged(Buffer.concat([record, Buffer.of(0)]), decode)
    for (let at = 0; at < record.length; at++) {
      for (const change of [1, 0x80, 0xff, 1 + (at * 37) % 255]) {
        const bytes = Buffer.from(record)
        bytes[at]! ^= change
        damaged(bytes, decode)
      }
    }
  }
  const nodes = new Nodes()
  const decode = (bytes: Uint8Array): unknown => decodeSubscriber(IMSI, bytes, nodes.node)
  tryAll(encodeSubscriber(TYPICAL, nodes.intern), decode)
  const readClient = (bytes: Uint8Array): unknown => decodeClient('shop', bytes)
  fc.assert(fc.property(subscriber, stored, client, (subscriber, stored, client) => {
    tryAll(encodeClient({ ...client, scopes: client.scopes.slice(0, 3), certificates: client.certificates.slice(0, 3) }), readClient)
    tryAll(encodeSubscriber(subscriber, nodes.intern), decode)
    tryAll(encodeEvent(stored), decodeEvent)
  }), { seed, numRuns: 20 })
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => { damaged(bytes, decode); damaged(bytes, decodeEvent); damaged(bytes, readClient) }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('a whole record of another layout says so, and one that holds nonsense does not crash', async t => {
  t.throws(() => decodeEvent(new RecordWriter(3).end()), /an event cannot be read: it has layout version 3/)
  t.throws(() => decodeSubscriber(IMSI, new RecordWriter(7).end(), () => undefined), /a subscriber cannot be read: it has layout version 7/)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
    const record = new RecordWriter(1)
    for (const byte of bytes) record.byte(byte)
    for (const decode of [decodeEvent, (whole: Uint8Array) => decodeSubscriber(IMSI, whole, () => undefined), (whole: Uint8Array) => decodeClient('shop', whole)]) {
      try { decode(record.end()) } catch (error) { assert.ok(error instanceof RecordDamaged) }
    }
  }), { seed, numRuns: RUNS })
})

t.test('an error names no person', async t => {
  const record = encodeSubscriber(TYPICAL, () => 1)
  record[10]! ^= 1
  try { decodeSubscriber(IMSI, record, () => undefined) } catch (error) { t.notMatch(String(error), /\d{3}/) }
  try { subscriberKey(0, '24201x') } catch (error) { t.notMatch(String(error), /2420/) }
})

const tenant = fc.integer({ min: 0, max: 0xffff })
const imsi = digits(6, 15)
/** Digits in the order of keys: what continues a string comes before it. */
const padded = (text: string): string => text.padEnd(16, ':')

/** Holds that keys come back as they were and that their bytes sort as what they hold. */
function holdsOrder<T> (value: fc.Arbitrary<T>, encode: (value: T) => Buffer, decode: (key: Uint8Array) => T, parts: (value: T) => (string | number)[]): void {
  fc.assert(fc.property(value, value, (one, other) => {
    assert.deepStrictEqual(decode(encode(one)), one)
    const at = parts(one).findIndex((part, n) => part !== parts(other)[n])
    const expected = at < 0 ? 0 : parts(one)[at]! < parts(other)[at]! ? -1 : 1
    assert.equal(Buffer.compare(encode(one), encode(other)), expected)
  }), { seed, numRuns: RUNS })
}

t.test('keys sort as what they hold', async t => {
  // Close neighbours, so that later parts are compared at all.
  const tenants = fc.oneof(tenant, fc.constantFrom(0, 1, 255, 256))
  const imsis = fc.oneof(imsi, fc.constantFrom('242011', '2420111', '242011000000000', '242012'))
  holdsOrder(plain({ tenant: tenants, imsi: imsis }), ({ tenant, imsi }) => subscriberKey(tenant, imsi), decodeSubscriberKey,
    ({ tenant, imsi }) => [tenant, padded(imsi)])
  holdsOrder(plain({ tenant: tenants, msisdn: fc.oneof(digits(1, 15), fc.constantFrom('47', '479')), imsi: imsis }),
    ({ tenant, msisdn, imsi }) => numberKey(tenant, msisdn, imsi), decodeNumberKey,
    ({ tenant, msisdn, imsi }) => [tenant, padded(msisdn), padded(imsi)])
  const ids = fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER))
  holdsOrder(plain({ tenant: tenants, kind: fc.integer({ min: 0, max: 3 }), id: ids }),
    ({ tenant, kind, id }) => eventKey(tenant, kind, id), decodeEventKey, ({ tenant, kind, id }) => [tenant, kind, id])
  holdsOrder(plain({ tenant: tenants, toldAt: fc.oneof(time, fc.nat(3)), imsi: imsis }),
    ({ tenant, toldAt, imsi }) => dueKey(tenant, toldAt, imsi), decodeDueKey, ({ tenant, toldAt, imsi }) => [tenant, toldAt, padded(imsi)])
  t.same(dueKey(1, 10.5, IMSI), dueKey(1, 11, IMSI), 'a bound between two times is the later one')
})

t.test('the SIMs of a number are those whose key begins so', async t => {
  fc.assert(fc.property(digits(1, 15), digits(1, 15), imsi, (number, other, imsi) => {
    const begins = numberKey(7, number, imsi).subarray(0, numberPrefix(7, other).length).equals(numberPrefix(7, other))
    assert.equal(begins, number === other)
  }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('a key takes only what it can hold', async t => {
  for (const imsi of ['', '1234567890123456', '24201x', '２４２０１１']) t.throws(() => subscriberKey(0, imsi), RangeError)
  for (const id of [-1, 1.5, NaN, 2 ** 53]) t.throws(() => eventKey(0, 0, id), RangeError)
  for (const time of [-1, NaN, 2 ** 48]) t.throws(() => dueKey(0, time, IMSI), RangeError)
  t.throws(() => subscriberKey(65_536, IMSI), RangeError)
})
