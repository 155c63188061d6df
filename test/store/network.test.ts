import t, { type Test } from 'tap'
import type { Sighting } from '../../agent/diameter/sighting.ts'
import { dueChange } from '../../agent/location/damping.ts'
import { DEFAULT_POLICY } from '../../agent/location/policy.ts'
import { due, track } from '../../agent/location/tracker.ts'
import { ClientsStore } from '../../agent/store/clients.ts'
import { headOf, type EventLog } from '../../agent/store/event-log.ts'
import { EventLogs } from '../../agent/store/event-logs.ts'
import { openNetworkReader, openNetworkWriter } from '../../agent/store/network.ts'
import { NetworkReader } from '../../agent/store/network-reader.ts'
import type { NetworkWriter } from '../../agent/store/network-writer.ts'
import { openWriter } from '../../agent/store/open-writer.ts'
import type { TenantWish } from '../../agent/config/tenants.ts'
import type { Clock } from '../../agent/lib/clock.ts'
import { EVENT_KINDS, type EventKind } from '../../agent/location/event.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { START, ulr } from '../lib/sightings.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

const INCARNATION = '0123456789abcdef'
const OURS = { incarnation: INCARNATION, run: '0011223344556677' }
const POLICY = { ...DEFAULT_POLICY, mode: 'replay' as const }
const DAY_MS = 86_400_000

/** One tenant for everybody. */
const ONE: TenantWish = { ranges: [{ name: 'local', imsiPrefixes: [] }], fallback: 'local' }

async function open (path: string, clock: Clock, wish = ONE): Promise<NetworkWriter> {
  return (await openWriter(path, OURS, wish, clock, Buffer.alloc(32))).writer
}

/** A log of the first tenant. */
function logOf (kind: EventKind): EventLog {
  return { tenant: 1, kind: EVENT_KINDS.indexOf(kind) }
}

/** A writer and a reader on one directory, as the two halves have them. */
async function openStore (t: Test, clock = new ManualClock(START)): Promise<{ writer: NetworkWriter, reader: NetworkReader, path: string, clock: ManualClock }> {
  const path = temporaryDirectory(t)
  const writer = await open(path, clock)
  const reader = new NetworkReader(openNetworkReader(path, INCARNATION))
  t.teardown(async () => { await reader.close(); await writer.close() })
  return { writer, reader, path, clock }
}

const step = (state: Parameters<typeof track>[0], sighting: Sighting): ReturnType<typeof track> => track(state, sighting, POLICY)

t.test('a writer that is halted ends what is under way and begins nothing more', async t => {
  const { writer, reader } = await openStore(t)
  const underWay = writer.commit([ulr()], step)
  await writer.halt()
  await underWay
  void writer.commit([ulr({ imsi: '242010000000002' })], step)
  await new Promise(resolve => { setImmediate(resolve) })
  reader.refresh()
  t.match(reader.subscriber('242010000000001'), { country: 'NO' })
  t.equal(reader.subscriber('242010000000002'), undefined)
})

t.test('one commit holds the state and its events, and a reader sees both or neither', async t => {
  const { writer, reader } = await openStore(t)
  const committed = await writer.commit([ulr(), ulr({ time: START + 1000, plmn: '24001' })], step)
  t.same(committed.events.map(({ id, event }) => [event.kind, id]), [
    ['first-attachment', 1], ['periodic-country', 1], ['country-change', 1], ['periodic-country', 2]
  ])
  t.equal(committed.changed, 2)
  reader.refresh()
  t.same(reader.heads(), committed.heads)
  t.match(reader.event(logOf('country-change'), 1)?.event, { previousCountry: 'NO', country: 'SE', imsi: '242010000000001' })
  t.match(reader.subscriber('242010000000001'), { country: 'SE', number: '4790000001' })
})

t.test('commits that overlap give every event an id of its own, without gaps', async t => {
  const { writer, reader } = await openStore(t)
  const commits = Array.from({ length: 20 }, async (_, i) => await writer.commit([ulr({ imsi: `2420100000001${String(i).padStart(2, '0')}` })], step))
  const ids = (await Promise.all(commits)).flatMap(({ events }) => events.filter(({ event }) => event.kind === 'first-attachment').map(({ id }) => id))
  t.same(ids.sort((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i + 1))
  reader.refresh()
  t.equal(headOf(reader.heads(), logOf('first-attachment')).id, 20)
})

t.test('a repeated sighting writes nothing', async t => {
  const { writer } = await openStore(t)
  await writer.commit([ulr()], step)
  t.same(await writer.commit([ulr()], step).then(({ changed, events, grown }) => ({ changed, events, grown })), { changed: 0, events: [], grown: [] })
})

t.test('several SIMs share a number, and a number that moved is found at its new SIM only', async t => {
  const { writer, reader } = await openStore(t)
  const second = '242010000000002'
  await writer.commit([ulr(), ulr({ imsi: second })], step)
  reader.refresh()
  t.same(reader.subscribersByNumber('4790000001').map(({ imsi }) => imsi), ['242010000000001', second])
  await writer.commit([ulr({ time: START + 1, msisdn: '479000000' })], step)
  reader.refresh()
  t.same(reader.subscribersByNumber('4790000001').map(({ imsi }) => imsi), [second])
  t.same(reader.subscribersByNumber('479000000').map(({ imsi }) => imsi), ['242010000000001'], 'a prefix is another number')
})

t.test('ids go on after the data were closed and opened', async t => {
  const path = temporaryDirectory(t)
  const clock = new ManualClock(START)
  const first = await open(path, clock)
  await first.commit([ulr()], step)
  await first.close()
  const second = await open(path, clock)
  const { events } = await second.commit([ulr({ imsi: '242010000000002' })], step)
  t.same(events.map(({ id }) => id), [2, 2])
  await second.close()
  t.throws(() => openNetworkWriter(path, { ...OURS, incarnation: 'fedcba9876543210' }), { name: 'StoreDamaged' }, 'data of another identity are refused')
})

t.test('the time of a commit never goes back', async t => {
  const path = temporaryDirectory(t)
  let now = START
  const clock = { ...new ManualClock(), now: () => now }
  const writer = await open(path, clock)
  await writer.commit([ulr()], step)
  now -= DAY_MS
  const { heads } = await writer.commit([ulr({ imsi: '242010000000002' })], step)
  t.equal(headOf(heads, logOf('first-attachment')).committedAt, START)
  await writer.close()
})

t.test('what is due is told once, and its entry of the index goes', async t => {
  const { writer } = await openStore(t)
  await writer.commit([ulr()], step)
  const look = async (now: number): Promise<{ told: number, examined: number }> => {
    const { events, examined } = await writer.commitDue(1, now - POLICY.periodicIntervalMs, 100, state => due(state!, now, POLICY))
    return { told: events.length, examined }
  }
  t.same(await look(START + 14 * DAY_MS - 1), { told: 0, examined: 0 })
  t.same(await look(START + 14 * DAY_MS), { told: 1, examined: 1 })
  t.same(await look(START + 14 * DAY_MS), { told: 0, examined: 0 })
  t.same(await look(START + 28 * DAY_MS), { told: 1, examined: 1 })
})

t.test('what is held back leaves the index with its reason: told, come back, or erased', async t => {
  const { writer } = await openStore(t)
  const policy = { ...POLICY, countryChangeDampingMs: DAY_MS }
  const damped = (state: Parameters<typeof track>[0], sighting: Sighting): ReturnType<typeof track> => track(state, sighting, policy)
  const moves = (imsi: string, ...plmns: string[]): Sighting[] => plmns.map((plmn, n) => ulr({ imsi, plmn, time: START + n }))
  const [told, back, erased] = ['242010000000001', '242010000000002', '242010000000003'] as const
  await writer.commit([...moves(told, '24201', '24001', '310260'), ...moves(back, '24201', '24001', '24201'), ...moves(erased, '24201', '24001', '24201')], damped)
  await writer.commit([ulr({ imsi: back, plmn: '24001', time: START + 5 })], damped)
  await writer.forget(erased)
  const look = async (until: number): Promise<string[]> => {
    const { events, examined } = await writer.commitHeld(1, until, 100, state => dueChange(state!, until + DAY_MS, policy))
    return [String(examined), ...events.map(({ event: { imsi, country } }) => `${imsi} ${country}`)]
  }
  t.same(await look(START), ['0'])
  t.same(await look(START + 1), ['1', `${told} US`])
  t.same(await look(START + 9 * DAY_MS), ['0'])
})

t.test('retention goes by the time of the commit and leaves the rest', async t => {
  const { writer, reader, clock } = await openStore(t)
  const clients = ClientsStore.open(temporaryDirectory(t), OURS)
  t.teardown(async () => { await clients.close() })
  await writer.commit([ulr()], step)
  clock.advance(DAY_MS)
  await writer.commit([ulr({ imsi: '242010000000002' })], step)
  const limits = { before: START + 1, maxBytes: 2 ** 30 }
  const retained = await writer.retain(limits)
  t.same(retained!.taken.reduce((sum, { count }) => sum + count, 0), 2)
  reader.refresh()
  const log = logOf('first-attachment')
  t.equal(reader.event(log, 1), undefined)
  t.match(headOf(reader.heads(), log), { id: 2, oldest: 2, takenAt: START })
  const logs = new EventLogs(reader, clients.smsLog)
  t.equal(logs.firstCommittedAt(log, START + 5), 2)
  t.equal(logs.firstCommittedAt(log, START + 2 * DAY_MS), 3)
  t.equal(await writer.retain(limits), undefined)
})

t.test('a reader does not see what was not announced', async t => {
  const { writer, reader } = await openStore(t)
  t.equal(reader.subscriber('242010000000001'), undefined)
  await writer.commit([ulr()], step)
  reader.refresh()
  t.ok(reader.subscriber('242010000000001'))
})

/** Two tenants; 24299 is nobody's. */
const TWO: TenantWish = { ranges: [{ name: 'north', imsiPrefixes: ['24201'] }, { name: 'guest', imsiPrefixes: ['2420155', '24077'] }], fallback: undefined }

t.test('each tenant has logs of its own; the longest prefix decides; nobody\'s SIMs are not stored', async t => {
  const path = temporaryDirectory(t)
  const writer = await open(path, new ManualClock(START), TWO)
  const reader = new NetworkReader(openNetworkReader(path, INCARNATION))
  t.teardown(async () => { await reader.close(); await writer.close() })
  const { nobodys, grown } = await writer.commit([
    ulr({ imsi: '242010000000001' }), ulr({ imsi: '242015500000001' }), ulr({ imsi: '240770000000001' }), ulr({ imsi: '242990000000001' })
  ], step)
  t.equal(nobodys, 1)
  t.same(new Set(grown.map(({ tenant }) => tenant)), new Set([1, 2]))
  reader.refresh()
  const kind = EVENT_KINDS.indexOf('first-attachment')
  t.equal(headOf(reader.heads(), { tenant: 1, kind }).id, 1)
  t.equal(headOf(reader.heads(), { tenant: 2, kind }).id, 2)
  t.equal(reader.event({ tenant: 2, kind }, 1)?.event?.imsi, '242015500000001')
  t.equal(reader.subscriber('242990000000001'), undefined)
})

t.test('a range that moves takes its SIMs along: old events stay, new ones go to the new tenant, and nobody is new', async t => {
  const path = temporaryDirectory(t)
  const clock = new ManualClock(START)
  const first = await open(path, clock, TWO)
  await first.commit([ulr({ imsi: '242015500000001' }), ulr({ imsi: '242015500000002', msisdn: '4790000002' })], step)
  await first.close()
  // In another order, so that numbers are seen to stay.
  const moved: TenantWish = { ranges: [{ name: 'guest', imsiPrefixes: ['24077'] }, { name: 'north', imsiPrefixes: ['24201'] }], fallback: undefined }
  const writer = await open(path, clock, moved)
  const reader = new NetworkReader(openNetworkReader(path, INCARNATION))
  t.teardown(async () => { await reader.close(); await writer.close() })
  const { events, grown } = await writer.commit([ulr({ imsi: '242015500000001', time: START + 1_000, plmn: '24001' })], step)
  t.same(events.map(({ event }) => event.kind), ['country-change', 'periodic-country'])
  t.ok(grown.every(({ tenant }) => tenant === 1), 'north')
  reader.refresh()
  const kind = EVENT_KINDS.indexOf('first-attachment')
  t.equal(reader.event({ tenant: 2, kind }, 1)?.event?.imsi, '242015500000001', 'its old event is where it was')
  t.equal(headOf(reader.heads(), { tenant: 1, kind }).id, 0)
  t.match(reader.subscribersByNumber('4790000001'), [{ country: 'SE' }])
  // The other one has not been seen since: it moves when it falls due, and is told there.
  const now = START + POLICY.periodicIntervalMs
  const due1 = async (tenant: number): Promise<string[]> =>
    (await writer.commitDue(tenant, START, 100, state => state === undefined ? { state, events: [] } : due(state, now, POLICY))).events.map(({ event }) => event.imsi)
  t.same(await due1(2), [], 'it is not the guest\'s any more')
  t.same(await due1(1), ['242015500000002'])
})
