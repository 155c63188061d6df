import { cpSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Discards } from '../../agent/lib/discards.ts'
import type { Fragment } from '../../agent/sms/fragment.ts'
import type { Outcome } from '../../agent/sms/link.ts'
import { Messages, type MessagesParts } from '../../agent/sms/messages.ts'
import type { Acceptance, Order } from '../../agent/sms/outbox.ts'
import { ClientsStore } from '../../agent/store/clients.ts'
import type { Message } from '../../agent/store/message-record.ts'
import type { SmsDeliveryEvent } from '../../agent/store/sms-event.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { Way } from './way.ts'

const OURS = { incarnation: '0123456789abcdef', run: '0011223344556677' }
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const LIMITS = { messages: 1_000, bytes: 1 << 20, messagesPerClient: 900, perRecipientHour: 100 }
const NODE = { host: 'mme1.example', realm: 'example' }

/** The outbox on a real store, with ways that the test plays. */
class Bench {
  readonly clock: ManualClock
  readonly ways: readonly Way[]
  readonly messages: Messages
  readonly store: ClientsStore
  readonly watched = new Set<string>()
  /** Where each IMSI is served, as far as the test says. */
  readonly nodes = new Map<string, typeof NODE>()
  fatal: unknown

  private constructor (t: Test, directory: string, ways: readonly Way[], clock: ManualClock, other: Partial<MessagesParts>) {
    this.clock = clock
    this.ways = ways
    this.store = ClientsStore.open(directory, OURS)
    this.messages = new Messages({
      store: this.store.outbox,
      clock,
      discards: new Discards(),
      links: ways,
      limits: LIMITS,
      policy: { failWhenUnknown: [], receiptGraceMs: HOUR_MS, keepMs: 7 * DAY_MS },
      paths: (_, destination) => ways.filter(({ name }) => name !== 'sgd' || destination?.servingNode !== undefined),
      find: (_, msisdn) => ({ imsi: imsiOf(msisdn), servingNode: this.nodes.get(imsiOf(msisdn)) }),
      simsOf: msisdn => [imsiOf(msisdn)],
      watch: async (imsis, wanted) => { for (const imsi of imsis) if (wanted) this.watched.add(imsi); else this.watched.delete(imsi) },
      attribute: ({ from, to, pid, dcs, header, body }) => ({ tenant: 1, event: { imsi: undefined, from, to, pid, dcs, alphabet: 'gsm7', header, body } }),
      grew: () => {},
      fatal: error => { this.fatal = error },
      chance: () => 0.5,
      ...other
    })
    t.teardown(async () => { await this.stop() })
  }

  static async start (t: Test, other: Partial<MessagesParts> & { directory?: string, ways?: readonly Way[], clock?: ManualClock } = {}): Promise<Bench> {
    const { directory = temporaryDirectory(t), ways = [new Way()], clock = new ManualClock(), ...parts } = other
    const bench = new Bench(t, directory, ways, clock, parts)
    await bench.messages.start()
    return bench
  }

  get way (): Way { return this.ways[0]! }

  async accept (order: Partial<Order> & { text?: string[] } = {}): Promise<Acceptance> {
    return await this.messages.accept(makeOrder(order))
  }

  /** Accepts, and gives the id. */
  async send (order: Partial<Order> & { text?: string[] } = {}): Promise<string> {
    const accepted = await this.accept(order)
    if (accepted.kind !== 'accepted') throw new Error(JSON.stringify(accepted))
    return accepted.id
  }

  /** A message, once it is as the test waits for. */
  async until (id: string, is: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const message = this.messages.find(id)
      if (message !== undefined && is(message)) return message
      // Alarms that are due at once ring when the clock is moved, however little.
      this.clock.advance(0)
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }

  /** Settles the next submission and waits until that is on disk. */
  async settle (id: string, outcome: Outcome, way = this.way): Promise<Message> {
    const { settle } = await way.next()
    settle(outcome)
    return await this.until(id, ({ state }) => state !== 'in-flight')
  }

  /** All delivery events that were told. */
  events (): SmsDeliveryEvent[] {
    const { id } = this.store.smsLog.heads().get(1)?.[4] ?? { id: 0 }
    return Array.from({ length: id }, (_, at) => this.store.smsLog.event({ tenant: 1, kind: 4 }, at + 1)!.event as SmsDeliveryEvent)
  }

  #stopped = false

  async stop (): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.messages.stop()
    await this.store.close()
  }
}

function imsiOf (msisdn: string): string {
  return `24201${msisdn.slice(-10).padStart(10, '0')}`
}

function makeOrder ({ text = ['hello'], ...other }: Partial<Order> & { text?: string[] }): Order {
  const msisdn = other.msisdn ?? '4790000001'
  const fragments = text.map((part): Fragment => ({ header: new Uint8Array(0), body: Buffer.from(part) }))
  return {
    tenant: 1,
    client: 'shop',
    direction: 'to-subscriber',
    from: { ton: 5, value: 'Shop' },
    to: { ton: 1, value: msisdn },
    msisdn,
    imsi: imsiOf(msisdn),
    pid: 0,
    validForMs: DAY_MS,
    fragments: fragments.length,
    encode: reference => ({ alphabet: 'gsm7', dcs: 0, fragments: fragments.map(({ body }) => ({ header: Uint8Array.of(reference & 0xff), body })) }),
    idempotency: undefined,
    ...other
  }
}

const text = ({ body }: Fragment): string => Buffer.from(body).toString()
const TAKEN: Outcome = { kind: 'accepted', id: 'a1' }
const AWAY: Outcome = { kind: 'temporary', cause: 'sgd.absent-user', absent: true }

t.test('a message is on disk before it is accepted, and in flight on disk before its bytes leave', async t => {
  const bench = await Bench.start(t)
  const id = await bench.send({ text: ['one', 'two'] })
  t.match(id, /^[0-9a-f]{32}$/)
  const first = await bench.way.next()
  t.match(bench.messages.find(id), { state: 'in-flight', fragments: [{ state: 'in-flight', attempts: 1, link: 'smpp' }, { state: 'unsent' }] })
  t.match(first.submission, { more: true, resent: false, msisdn: '4790000001', validForMs: DAY_MS })
  t.ok(bench.watched.has(imsiOf('4790000001')), 'their return is watched for before it is sent')
  first.settle(TAKEN)
  await bench.until(id, ({ fragments }) => fragments[1]!.state === 'in-flight')
  const second = await bench.way.next()
  t.same([text(first.submission.fragment), text(second.submission.fragment), second.submission.more], ['one', 'two', false])
  t.equal((second.submission.reference - first.submission.reference + 256) % 256, 1)
  second.settle({ kind: 'accepted', id: 'a2' })
  await bench.until(id, ({ state }) => state === 'sent')
  await bench.way.listener!.receipt({ id: 'a1', state: 'delivered', networkError: undefined })
  await bench.way.listener!.receipt({ id: 'a2', state: 'delivered', networkError: undefined })
  t.match(bench.messages.find(id), { state: 'delivered', fragments: [{ body: { length: 0 } }, { body: { length: 0 } }] }, 'the content is gone')
  t.match(bench.events(), [{ state: 'sent', sent: 2, delivered: 0, final: false }, { state: 'delivered', delivered: 2, final: true, messageId: id, client: 'shop' }])
  t.equal(bench.messages.waiting, 0)
  t.notOk(bench.watched.has(imsiOf('4790000001')))
})

t.test('a receipt may come before the answer to its submission', async t => {
  const bench = await Bench.start(t)
  const id = await bench.send()
  const { settle } = await bench.way.next()
  await bench.way.listener!.receipt({ id: 'a1', state: 'delivered', networkError: undefined })
  settle(TAKEN)
  await bench.until(id, ({ state }) => state === 'delivered')
  t.match(bench.events(), [{ state: 'delivered', final: true }], 'both are stored at once, so that none is lost in between')
})

t.test('a receipt that comes while its id is being stored is answered once it is on disk', async t => {
  const bench = await Bench.start(t)
  const id = await bench.send()
  const { settle } = await bench.way.next()
  settle(TAKEN)
  await new Promise(resolve => { process.nextTick(resolve) })
  await bench.way.listener!.receipt({ id: 'a1', state: 'delivered', networkError: undefined })
  t.match(bench.messages.find(id), { state: 'delivered' })
})

t.test('a receipt that could be for several messages is for none', async t => {
  const bench = await Bench.start(t)
  const ids = [await bench.send({ msisdn: '4790000001' }), await bench.send({ msisdn: '4790000002' })]
  for (const id of ids) await bench.settle(id, { kind: 'accepted', id: 'same' })
  await bench.way.listener!.receipt({ id: 'same', state: 'delivered', networkError: undefined })
  t.same(ids.map(id => bench.messages.find(id)!.state), ['sent', 'sent'])
  bench.clock.advance(DAY_MS + HOUR_MS)
  for (const id of ids) await bench.until(id, ({ state }) => state === 'unknown')
})

t.test('one fragment of a subscriber at a time, many subscribers at once, in the order of their times', async t => {
  const way = new Way('smpp', 4)
  way.up = false
  const bench = await Bench.start(t, { ways: [way] })
  const numbers = ['4790000001', '4790000001', '4790000002', '4790000001', '4790000003']
  const ids: string[] = []
  for (const [at, msisdn] of numbers.entries()) {
    ids.push(await bench.send({ msisdn, text: [`${at}`] }))
    bench.clock.advance(1)
  }
  way.turn(true)
  const done: string[] = []
  while (done.length < numbers.length) {
    const { submission, settle } = await way.next()
    t.equal(new Set(way.pending.map(({ submission: { msisdn } }) => msisdn)).size, way.pending.length)
    done.push(text(submission.fragment))
    settle({ kind: 'delivered' })
    await bench.until(ids[Number(done.at(-1))]!, ({ state }) => state === 'delivered')
  }
  t.same(done.filter(one => '013'.includes(one)), ['0', '1', '3'], 'those of one subscriber keep their order')
})

t.test('a link that comes up is not hit by all that waits', async t => {
  const way = new Way('smpp', 10)
  way.up = false
  const bench = await Bench.start(t, { ways: [way] })
  for (let n = 0; n < 40; n++) await bench.send({ msisdn: `47900000${String(n).padStart(2, '0')}` })
  way.turn(true)
  const loads: number[] = []
  for (let settled = 0; settled < 40; settled++) {
    const expected = Math.min(2 + settled, 10, 40 - settled)
    while (way.pending.length < expected) await new Promise(resolve => { setImmediate(resolve) })
    loads.push(way.pending.length - expected)
    way.pending[0]!.settle({ kind: 'delivered' })
  }
  t.ok(loads.every(load => load === 0), 'one more for each that it has taken, until its window is full')
  while (bench.messages.waiting > 0) await new Promise(resolve => { setImmediate(resolve) })
})

t.test('nothing is sent after its deadline, however much has the same', async t => {
  const way = new Way()
  way.up = false
  const bench = await Bench.start(t, { ways: [way], limits: { ...LIMITS, bytes: 1 << 22 } })
  const ids: string[] = []
  for (let subscriber = 0; subscriber < 450; subscriber++) ids.push(await bench.send({ msisdn: `47900${String(subscriber).padStart(5, '0')}`, validForMs: MINUTE_MS }))
  bench.clock.advance(MINUTE_MS)
  way.turn(true)
  for (const id of ids) await bench.until(id, ({ state }) => state === 'expired')
  t.equal(way.seen.length, 0)
})

t.test('a wall clock that is set back makes nothing wait for ever', async t => {
  const bench = await Bench.start(t)
  await bench.settle(await bench.send(), { kind: 'delivered' })
  bench.clock.jump(-HOUR_MS)
  const id = await bench.send()
  await bench.settle(id, { kind: 'temporary', cause: 'smpp.0x00000045' })
  bench.clock.advance(MINUTE_MS)
  t.match(await bench.settle(id, { kind: 'delivered' }), { state: 'delivered' })
})

t.test('an absent subscriber gets it as soon as they are seen, and the deadline is kept', async t => {
  const bench = await Bench.start(t)
  const id = await bench.send()
  await bench.settle(id, AWAY)
  t.match(bench.events(), [{ state: 'waiting', cause: 'sgd.absent-user', final: false }])
  bench.messages.returned([imsiOf('4790000001')])
  const again = await bench.way.next()
  bench.messages.returned([imsiOf('4790000001')])
  again.settle(AWAY)
  const third = await bench.way.next()
  t.ok(third, 'they came back while it was under way')
  third.settle(AWAY)
  await bench.until(id, ({ failures }) => failures === 3)
  t.equal(bench.events().length, 1, 'failures that will be tried again are told once')
  bench.clock.advance(DAY_MS - HOUR_MS)
  await bench.until(id, ({ state }) => state === 'in-flight')
  t.ok((await bench.way.next()).submission.validForMs <= HOUR_MS, 'it is valid for what is left')
  await bench.settle(id, AWAY)
  bench.clock.advance(HOUR_MS)
  t.match(await bench.until(id, ({ endedAt }) => endedAt > 0), { state: 'expired' })
  t.match(bench.events().at(-1), { state: 'expired', cause: 'sgd.absent-user', final: true })
})

t.test('an alert of the network wakes by number or IMSI', async t => {
  const bench = await Bench.start(t)
  for (const alert of [{ imsi: imsiOf('4790000001'), msisdn: undefined }, { imsi: undefined, msisdn: '4790000001' }]) {
    const id = await bench.send()
    await bench.settle(id, AWAY)
    bench.way.listener!.alert(alert)
    await bench.settle(id, { kind: 'delivered' })
    await bench.until(id, ({ state }) => state === 'delivered')
  }
})

t.test('after a restart what was in flight may have arrived: it is sent again and marked, or given up', async t => {
  for (const failWhenUnknown of [[], ['smpp']]) {
    const directory = temporaryDirectory(t)
    const clock = new ManualClock()
    const before = await Bench.start(t, { directory, clock })
    const id = await before.send({ text: ['one', 'two'] })
    await before.way.next()
    // What a crash would leave.
    const left = temporaryDirectory(t)
    cpSync(directory, left, { recursive: true })
    t.equal(before.messages.find(id)!.state, 'in-flight')
    const policy = { failWhenUnknown, receiptGraceMs: HOUR_MS, keepMs: DAY_MS }
    const after = await Bench.start(t, { directory: left, clock, policy })
    if (failWhenUnknown.length > 0) t.match(after.messages.find(id), { state: 'unknown' })
    else {
      clock.advance(MINUTE_MS)
      const { submission } = await after.way.next()
      t.match(submission, { resent: true })
      t.same(submission.fragment, before.way.seen[0]!.fragment, 'the same bytes')
      await after.settle(id, TAKEN)
      await after.settle(id, { kind: 'delivered' })
      t.match(after.events().at(-1), { doubtful: true })
    }
  }
})

t.test('bounds: in all, of a client, of a subscriber within an hour, and of the disk', async t => {
  const way = new Way()
  way.up = false
  const bench = await Bench.start(t, { ways: [way], limits: { ...LIMITS, messages: 8, messagesPerClient: 6, perRecipientHour: 2 } })
  const full = async (order: Partial<Order>, why: RegExp): Promise<void> => { t.match(await bench.accept(order), { kind: 'full', why }) }
  for (let n = 1; n <= 2; n++) await bench.send({ client: 'other' })
  await full({ client: 'other' }, /this subscriber's number has 2 messages in this hour already/)
  bench.clock.advance(HOUR_MS + 1)
  await bench.send({ client: 'other' })
  for (let n = 2; n <= 6; n++) await bench.send({ msisdn: `479000000${n}` })
  await full({ msisdn: '4790000009' }, /the queue is full: 8 messages wait/)
  t.ok(await bench.messages.cancel(bench.store.outbox.newest(undefined, 1)[0]!.id))
  await bench.send({ msisdn: '4790000007', client: 'third' })
  t.equal(bench.messages.waiting, 8)
  bench.messages.setRoom(false)
  await full({}, /the disk is full/)
})

t.test('two calls under one idempotency key are one message', async t => {
  const way = new Way()
  way.up = false
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, { ways: [way], directory })
  const idempotency = { key: 'order-17', body: 'hello' }
  const [first, second] = await Promise.all([bench.accept({ idempotency }), bench.accept({ idempotency })])
  t.match([first, second], [{ again: false }, { again: true, id: (first as { id: string }).id }])
  t.match(await bench.accept({ idempotency: { ...idempotency, body: 'other' } }), { kind: 'conflict' })
  t.match(await bench.accept({ idempotency, client: 'other' }), { again: false }, 'another client\'s key is another one')
  t.equal(bench.messages.waiting, 2)
  await bench.stop()
  const after = await Bench.start(t, { directory, clock: bench.clock })
  t.match(await after.accept({ idempotency }), { again: true, id: (first as { id: string }).id })
})

t.test('a record goes a week after its end, with all that leads to it', async t => {
  const bench = await Bench.start(t)
  const id = await bench.send({ idempotency: { key: 'k', body: 'b' } })
  await bench.settle(id, { kind: 'permanent', cause: 'smpp.0x0000000b' })
  bench.clock.advance(7 * DAY_MS)
  while (bench.messages.find(id) !== undefined) await rest(bench)
  t.same(bench.store.outbox.newest(undefined, 10), [])
  t.same(bench.store.outbox.ofRecipient(1, '4790000001', 0, 10), [])
  t.match(await bench.accept({ idempotency: { key: 'k', body: 'other' } }), { again: false })
})

t.test('an erased subscriber leaves no message and no event', async t => {
  const way = new Way()
  const bench = await Bench.start(t, { ways: [way] })
  const gone = await bench.send({ msisdn: '4790000001' })
  await bench.settle(gone, AWAY)
  const kept = await bench.send({ msisdn: '4790000002' })
  await bench.settle(kept, AWAY)
  t.equal(await bench.messages.forget(imsiOf('4790000001'), '4790000001'), 2)
  t.equal(bench.messages.find(gone), undefined)
  t.match(bench.events(), [undefined, { messageId: kept }])
  t.equal(bench.messages.waiting, 1)
})

t.test('a message waits for a serving node where that is its only way', async t => {
  const sgd = new Way('sgd')
  const bench = await Bench.start(t, { ways: [sgd] })
  const id = await bench.send()
  t.match(await bench.until(id, ({ failures }) => failures === 1), { state: 'waiting', absent: true, cause: 'sgd.no-serving-node' })
  t.equal(sgd.seen.length, 0)
  bench.nodes.set(imsiOf('4790000001'), NODE)
  bench.messages.returned([imsiOf('4790000001')])
  t.match((await sgd.next()).submission, { servingNode: NODE, imsi: imsiOf('4790000001') })
  await bench.settle(id, { kind: 'delivered' })
})

t.test('a way that is down leaves messages to the next one', async t => {
  const [sgd, smpp] = [new Way('sgd'), new Way('smpp')]
  const bench = await Bench.start(t, { ways: [sgd, smpp] })
  bench.nodes.set(imsiOf('4790000001'), NODE)
  const first = await bench.send()
  await bench.settle(first, { kind: 'delivered' }, sgd)
  sgd.up = false
  const second = await bench.send()
  await bench.settle(second, { kind: 'delivered' }, smpp)
  t.same([sgd.seen.length, smpp.seen.length], [1, 1])
})

/** Lets everything run that can without time moving on. */
async function rest ({ clock }: Bench): Promise<void> {
  for (let turns = 0; turns < 100; turns++) {
    clock.advance(0)
    await new Promise(resolve => { setImmediate(resolve) })
  }
}

t.test('a deadline of less than whole milliseconds leaves nothing behind', async t => {
  const bench = await Bench.start(t)
  const id = await bench.send({ validForMs: 1_000.4 })
  await bench.settle(id, AWAY)
  bench.clock.advance(1_001)
  await bench.until(id, ({ state }) => state === 'expired')
  bench.clock.advance(7 * DAY_MS)
  while (bench.messages.find(id) !== undefined) await rest(bench)
  t.same(bench.store.outbox.nextTimes(0), { due: Infinity, ending: Infinity })
})

t.test('a clock that is set back loses no try', async t => {
  const bench = await Bench.start(t)
  const id = await bench.send()
  const { settle } = await bench.way.next()
  bench.clock.jump(-HOUR_MS)
  settle({ kind: 'temporary', cause: 'x' })
  await bench.until(id, ({ state }) => state === 'waiting')
  bench.clock.advance(MINUTE_MS)
  await bench.settle(id, { kind: 'delivered' })
  t.equal(bench.way.seen.length, 2)
})

t.test('what waits for a link goes when that is back, also where the first of it has ended; and by another way where there is one', async t => {
  const [sgd, smpp] = [new Way('sgd'), new Way('smpp')]
  smpp.up = false
  const bench = await Bench.start(t, { ways: [sgd, smpp] })
  const ids: string[] = []
  for (let n = 0; n < 8; n++) ids.push(await bench.send({ msisdn: `479000000${n}`, validForMs: n < 4 ? MINUTE_MS : DAY_MS }))
  await rest(bench)
  bench.clock.advance(2 * MINUTE_MS)
  for (const id of ids.slice(0, 4)) await bench.until(id, ({ state }) => state === 'expired')
  smpp.turn(true)
  for (const id of ids.slice(4)) {
    (await smpp.next()).settle({ kind: 'delivered' })
    await bench.until(id, ({ state }) => state === 'delivered')
  }
  t.equal(smpp.seen.length, 4, 'nothing after its deadline')

  // SGd is preferred and full; then it goes down.
  for (let n = 0; n < 14; n++) bench.nodes.set(imsiOf(`479100000${n}`), NODE)
  const many: string[] = []
  for (let n = 0; n < 14; n++) many.push(await bench.send({ msisdn: `479100000${n}` }))
  await rest(bench)
  t.ok(sgd.pending.length < 14)
  smpp.script = () => ({ kind: 'delivered' })
  sgd.turn(false)
  const doubted = (): number => many.filter(id => bench.messages.find(id)!.fragments[0]!.doubts > 0).length
  while (doubted() < sgd.seen.length) await rest(bench)
  bench.clock.advance(MINUTE_MS)
  for (const id of many) await bench.until(id, ({ state }) => state === 'delivered')
  t.ok(smpp.seen.length > 4)
})

t.test('only what nobody knows counts against a message, and fragments of one are not overtaken', async t => {
  const bench = await Bench.start(t)
  const id = await bench.send({ text: ['one', 'two'] })
  for (let tries = 0; tries < 6; tries++) {
    await bench.settle(id, { kind: 'temporary', cause: 'x', afterMs: 100, throttled: true })
    bench.clock.advance(100)
  }
  await bench.settle(id, { kind: 'unknown', cause: 'lost' })
  t.match(bench.messages.find(id), { state: 'waiting', fragments: [{ doubts: 1 }] })
  bench.clock.advance(MINUTE_MS)
  const other = await bench.send({ text: ['three'] })
  for (const word of ['one', 'two', 'three']) {
    const { submission, settle } = await bench.way.next()
    t.equal(text(submission.fragment), word)
    settle({ kind: 'delivered' })
    await bench.until(word === 'three' ? other : id, ({ fragments }) => fragments[word === 'two' ? 1 : 0]!.state === 'delivered')
  }
})

t.test('a SIM that became known on the way is the one whose return counts, also after a restart', async t => {
  const directory = temporaryDirectory(t)
  const before = await Bench.start(t, { directory })
  const id = await before.send({ imsi: undefined })
  t.match(await before.settle(id, AWAY), { imsi: imsiOf('4790000001'), absent: true })
  await before.stop()
  const after = await Bench.start(t, { directory, clock: before.clock })
  t.ok(after.watched.has(imsiOf('4790000001')))
  after.messages.returned([imsiOf('4790000001')])
  await after.settle(id, { kind: 'delivered' })
  await after.until(id, ({ state }) => state === 'delivered')
})

t.test('a message towards a service is told', async t => {
  const bench = await Bench.start(t)
  const received = { from: { ton: 1, value: '4790000001' } as const, to: { ton: 0, value: '2442' } as const, pid: 0, dcs: 0, header: Buffer.alloc(0), body: Buffer.from('hi') }
  await bench.way.listener!.received(received)
  t.match(bench.store.smsLog.event({ tenant: 1, kind: 5 }, 1)?.event, { kind: 'received-sms', from: received.from, to: received.to })
})
