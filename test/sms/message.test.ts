import assert from 'node:assert'
import t from 'tap'
import fc from 'fast-check'
import type { Outcome, ReceiptState } from '../../agent/sms/link.ts'
import { cancelled, nextFragment, progress, receipted, sent, settled, subscriberReturned, timedOut, type MessagePolicy } from '../../agent/sms/message.ts'
import { retryDelay } from '../../agent/sms/schedule.ts'
import { decodeMessage, encodeMessage, type Message } from '../../agent/store/message-record.ts'
import { seeded } from '../lib/seed.ts'

const HOUR_MS = 3_600_000
const NOW = Date.UTC(2026, 0, 1)
const POLICY: MessagePolicy = { failWhenUnknown: ['strict'], receiptGraceMs: HOUR_MS, keepMs: 7 * 24 * HOUR_MS }

/** A message of so many fragments, accepted now, with an hour to go. */
function message (fragments = 1, other: Partial<Message> = {}): Message {
  return {
    id: '0'.repeat(32),
    tenant: 1,
    client: 'shop',
    direction: 'to-subscriber',
    from: { ton: 5, value: 'Shop' },
    to: { ton: 1, value: '4790000001' },
    msisdn: '4790000001',
    imsi: '242010000000001',
    pid: 0,
    dcs: 0,
    alphabet: 'gsm7',
    reference: 7,
    acceptedAt: NOW,
    deadlineAt: NOW + HOUR_MS,
    endsAt: NOW + HOUR_MS,
    state: 'accepted',
    endedAt: 0,
    nextAt: NOW,
    absent: false,
    failures: 0,
    cause: '',
    key: new Uint8Array(0),
    fragments: Array.from({ length: fragments }, (_, at) =>
      ({ header: Uint8Array.of(at), body: Uint8Array.of(1, 2, 3), state: 'unsent' as const, attempts: 0, doubts: 0, link: '', linkId: '' })),
    ...other
  }
}

/** Sends the next fragment and takes its outcome. */
function deliver (before: Message, outcome: Outcome, now = NOW, link = 'smpp', returned = false): Message {
  const place = nextFragment(before)!
  return settled(sent(before, place, link), place, outcome, now, POLICY, 0.5, returned)
}

const TAKEN: Outcome = { kind: 'accepted', id: 'a1' }
const ABSENT: Outcome = { kind: 'temporary', cause: 'sgd.absent-user', absent: true }
const LOST: Outcome = { kind: 'unknown', cause: 'smpp.timeout' }

t.test('a phone that takes every fragment has the message, and its content goes', async t => {
  const half = deliver(message(2), { kind: 'delivered' })
  t.match(half, { state: 'waiting', nextAt: NOW, endedAt: 0 })
  const whole = deliver(half, { kind: 'delivered' })
  t.match(whole, { state: 'delivered', endedAt: NOW, fragments: [{ state: 'delivered' }, { state: 'delivered' }] })
  t.ok(whole.fragments.every(({ header, body }) => header.length === 0 && body.length === 0))
  t.same(progress(whole), { sent: 2, delivered: 2 })
})

t.test('what a service centre has waits for receipts, until its deadline and a grace', async t => {
  const taken = deliver(deliver(message(2), TAKEN), { kind: 'accepted', id: 'a2' })
  t.match(taken, { state: 'sent', endedAt: 0, endsAt: NOW + 2 * HOUR_MS })
  const half = receipted(taken, 0, 'delivered', undefined, NOW, POLICY)
  t.match(half, { state: 'sent', endedAt: 0 })
  t.match(receipted(half, 1, 'delivered', undefined, NOW, POLICY), { state: 'delivered', endedAt: NOW })
  t.match(receipted(half, 1, 'undeliverable', '3:1', NOW, POLICY), { state: 'failed', cause: 'receipt.undeliverable.3:1' })
  t.match(receipted(half, 1, 'expired', undefined, NOW, POLICY), { state: 'expired' })
  t.equal(receipted(half, 1, 'enroute', undefined, NOW, POLICY), half)
  t.match(timedOut(half, NOW + 2 * HOUR_MS, POLICY), { state: 'unknown' })
})

t.test('without an id there is nothing to wait for', async t => {
  t.match(deliver(message(), { kind: 'accepted', id: '' }), { state: 'sent', endedAt: NOW })
})

t.test('a refusal for good ends it, and nothing more of it is sent', async t => {
  const refused = deliver(deliver(message(3), TAKEN), { kind: 'permanent', cause: 'smpp.0x0000000b' })
  t.match(refused, { state: 'failed', cause: 'smpp.0x0000000b', fragments: [{ state: 'sent' }, { state: 'failed' }, { state: 'unsent' }] })
  t.equal(nextFragment(refused), undefined)
})

t.test('temporary failures are tried again by the schedule, never after the deadline', async t => {
  let now = NOW
  let one = message(1, { deadlineAt: NOW + 6 * HOUR_MS, endsAt: NOW + 6 * HOUR_MS })
  const waits: number[] = []
  while (now < one.deadlineAt) {
    one = deliver(one, { kind: 'temporary', cause: 'smpp.0x00000045' }, now)
    t.ok(one.nextAt <= one.deadlineAt)
    waits.push((one.nextAt - now) / 1_000)
    now = one.nextAt
  }
  t.same(waits, [15, 60, 300, 900, 1_800, 3_600, 7_200, 7_725], 'the last one is cut at the deadline')
  t.match(timedOut(one, now, POLICY), { state: 'expired', endedAt: now, cause: 'smpp.0x00000045' })
  t.match(deliver(message(), { kind: 'temporary', cause: 'x', afterMs: 50_000 }), { nextAt: NOW + 50_000 }, 'the link may know better')
  t.match(deliver(message(), { kind: 'temporary', cause: 'x', afterMs: 5_000, throttled: true }), { nextAt: NOW + 5_000, failures: 0, cause: '' }, 'no failure of its own')
  for (const absent of [true, false]) {
    for (let failures = 1; failures < 30; failures++) {
      const [least, middle, most] = [0, 0.5, 1].map(chance => retryDelay(failures, absent, chance))
      t.ok(least! < middle! && middle! < most! && most! <= 7.2 * HOUR_MS)
    }
  }
})

t.test('an absent subscriber is waited for, and sent to as soon as they are back', async t => {
  const away = deliver(message(), ABSENT)
  t.match(away, { state: 'waiting', absent: true, nextAt: NOW + 15 * 60_000 })
  t.match(subscriberReturned(away, NOW + 1_000), { absent: false, nextAt: NOW + 1_000 })
  t.match(deliver(message(), ABSENT, NOW, 'sgd', true), { nextAt: NOW }, 'back while it was under way')
  const busy = deliver(message(), { kind: 'temporary', cause: 'sgd.user-busy' })
  t.equal(subscriberReturned(busy, NOW), busy, 'it does not wait for a return')
})

t.test('what may have arrived is sent again and marked, or given up, as the link\'s policy says', async t => {
  let one = deliver(message(), LOST)
  t.match(one, { state: 'waiting', fragments: [{ state: 'unsent', doubts: 1, attempts: 1 }] })
  for (let tries = 0; one.endedAt === 0; tries++) {
    t.ok(tries < 10, 'not for ever')
    one = deliver(one, LOST)
  }
  t.match(one, { state: 'unknown', cause: 'smpp.timeout' })
  t.match(deliver(message(), LOST, NOW, 'strict'), { state: 'unknown' })
  t.match(deliver(message(), { kind: 'unsent', cause: 'smpp.down' }), { state: 'waiting', failures: 0, fragments: [{ attempts: 0, doubts: 0 }] }, 'that is no attempt')
})

t.test('only tries whose outcome nobody knows use up the patience with those', async t => {
  let one = message()
  for (let tries = 0; tries < 6; tries++) one = deliver(one, { kind: 'temporary', cause: 'smpp.0x00000045' })
  one = deliver(one, { kind: 'temporary', cause: 'smpp.0x00000058', throttled: true })
  for (let doubts = 1; doubts <= 3; doubts++) {
    one = deliver(one, LOST)
    t.match(one, { state: 'waiting', fragments: [{ doubts }] })
  }
  t.match(deliver(one, LOST), { state: 'unknown' })
})

t.test('a message whose deadline comes while it is in flight is looked at again, but not at once', async t => {
  const { deadlineAt } = message()
  const flying = timedOut(sent(message(), 0, 'smpp'), deadlineAt, { ...POLICY, receiptGraceMs: 0 })!
  t.equal(flying.state, 'in-flight')
  t.ok(flying.endsAt >= deadlineAt + 1_000)
})

t.test('a message that was cancelled on its way stays cancelled', async t => {
  const away = cancelled(sent(message(), 0, 'smpp'), NOW, POLICY)
  t.match(away, { state: 'cancelled', endedAt: NOW })
  t.equal(settled(away, 0, { kind: 'delivered' }, NOW, POLICY, 0.5), away)
  t.equal(cancelled(away, NOW + 1, POLICY), away)
})

const outcomes = fc.oneof<fc.Arbitrary<Outcome>[]>(
  fc.constant({ kind: 'delivered' }),
  fc.record({ kind: fc.constant('accepted' as const), id: fc.constantFrom('', 'a', 'b') }),
  fc.record({ kind: fc.constant('temporary' as const), cause: fc.constant('t'), absent: fc.boolean(), memory: fc.boolean(), afterMs: fc.nat(HOUR_MS) }),
  fc.constant({ kind: 'permanent', cause: 'p' }),
  fc.constant({ kind: 'unknown', cause: 'u' }),
  fc.constant({ kind: 'unsent', cause: 'd' }))

const RECEIPTS: ReceiptState[] = ['delivered', 'expired', 'deleted', 'undeliverable', 'accepted', 'unknown', 'rejected', 'enroute']

/** Something that happens to a message, at some time after the last. */
const happenings = fc.tuple(fc.nat(2 * HOUR_MS), fc.double({ min: 0, max: 1, noNaN: true }), fc.oneof(
  fc.record({ send: fc.constantFrom('smpp', 'sgd', 'strict') }),
  fc.record({ outcome: outcomes, returned: fc.boolean() }),
  fc.record({ receipt: fc.constantFrom(...RECEIPTS), place: fc.nat(4) }),
  fc.constantFrom('returned' as const, 'cancel' as const, 'time' as const)))

t.test('whatever happens, a message is in the state that its fragments make it, and an end is an end', async t => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), fc.array(happenings, { maxLength: 40 }), (fragments, history) => {
    let now = NOW
    let one: Message | undefined = message(fragments)
    for (const [wait, chance, what] of history) {
      now += wait
      const before: Message = one
      const flying = before.fragments.findIndex(({ state }) => state === 'in-flight')
      if (what === 'returned') one = subscriberReturned(before, now)
      else if (what === 'cancel') one = cancelled(before, now, POLICY)
      else if (what === 'time') one = timedOut(before, now, POLICY)
      else if ('send' in what) {
        const place = nextFragment(before)
        if (place !== undefined && before.nextAt <= now) one = sent(before, place, what.send)
      } else if ('outcome' in what) {
        if (flying >= 0) one = settled(before, flying, what.outcome, now, POLICY, chance, what.returned)
      } else one = receipted(before, what.place, what.receipt, undefined, now, POLICY)
      if (one === undefined) {
        // The record goes only once it has ended, and not before an idempotency key may go.
        return before.endedAt > 0 && now >= before.endedAt && now >= NOW + 7 * 24 * HOUR_MS
      }
      check(before, one)
    }
    return true
  }), seeded(t, 5_000))

  function check (before: Message, after: Message): void {
    const states = after.fragments.map(({ state }) => state)
    const wrong = (what: string): never => { throw new Error(`${what}: ${before.state} to ${after.state} with ${states.join()}`) }
    if (before.endedAt > 0 && after !== before) wrong('a message that had ended was changed')
    if (states.filter(state => state === 'in-flight').length > 1) wrong('two fragments are in flight')
    if (after.endedAt > 0) {
      if (after.fragments.some(({ header, body }) => header.length + body.length > 0)) wrong('content stayed')
      if (after.state === 'delivered' && states.some(state => state !== 'delivered')) wrong('not all of it was delivered')
      return
    }
    if ((after.state === 'in-flight') !== states.includes('in-flight')) wrong('the state is not that of its fragments')
    if ((after.state === 'sent') !== states.every(state => state === 'sent' || state === 'delivered')) wrong('the state is not that of its fragments')
    if (after.state === 'waiting' && (after.nextAt > after.deadlineAt || nextFragment(after) === undefined)) wrong('it waits for nothing')
    const first = states.findIndex(state => state === 'unsent')
    if (first >= 0 && states.slice(first + 1).some(state => state !== 'unsent')) wrong('a fragment overtook another')
    assert.deepStrictEqual(decodeMessage(after.id, encodeMessage(after)), after)
  }
})
