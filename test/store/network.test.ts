import t, { type Test } from 'tap'
import type { Sighting } from '../../agent/diameter/sighting.ts'
import { DEFAULT_POLICY } from '../../agent/location/policy.ts'
import { due, track } from '../../agent/location/tracker.ts'
import { openNetworkReader, openNetworkWriter } from '../../agent/store/network.ts'
import { NetworkReader } from '../../agent/store/network-reader.ts'
import { NetworkWriter } from '../../agent/store/network-writer.ts'
import { EVENT_KINDS } from '../../agent/location/event.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { START, ulr } from '../lib/sightings.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

const INCARNATION = '0123456789abcdef'
const POLICY = { ...DEFAULT_POLICY, mode: 'replay' as const }
const DAY_MS = 86_400_000

/** A writer and a reader on one directory, as the two halves have them. */
function openStore (t: Test, clock = new ManualClock(START)): { writer: NetworkWriter, reader: NetworkReader, path: string, clock: ManualClock } {
  const path = temporaryDirectory(t)
  const writer = new NetworkWriter(openNetworkWriter(path, INCARNATION), 1, clock)
  const reader = new NetworkReader(openNetworkReader(path, INCARNATION), 1)
  t.teardown(async () => { await reader.close(); await writer.close() })
  return { writer, reader, path, clock }
}

const step = (state: Parameters<typeof track>[0], sighting: Sighting): ReturnType<typeof track> => track(state, sighting, POLICY)

t.test('a writer that is halted ends what is under way and begins nothing more', async t => {
  const { writer, reader } = openStore(t)
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
  const { writer, reader } = openStore(t)
  const committed = await writer.commit([ulr(), ulr({ time: START + 1000, plmn: '24001' })], step)
  t.same(committed.events.map(({ id, event }) => [event.kind, id]), [
    ['first-attachment', 1], ['periodic-country', 1], ['country-change', 1], ['periodic-country', 2]
  ])
  t.equal(committed.changed, 2)
  reader.refresh()
  t.same(reader.heads(), committed.heads)
  t.match(reader.event(EVENT_KINDS.indexOf('country-change'), 1)?.event, { previousCountry: 'NO', country: 'SE', imsi: '242010000000001' })
  t.match(reader.subscriber('242010000000001'), { country: 'SE', number: '4790000001' })
})

t.test('commits that overlap give every event an id of its own, without gaps', async t => {
  const { writer, reader } = openStore(t)
  const commits = Array.from({ length: 20 }, async (_, i) => await writer.commit([ulr({ imsi: `2420100000001${String(i).padStart(2, '0')}` })], step))
  const ids = (await Promise.all(commits)).flatMap(({ events }) => events.filter(({ event }) => event.kind === 'first-attachment').map(({ id }) => id))
  t.same(ids.sort((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i + 1))
  reader.refresh()
  t.equal(reader.heads()[EVENT_KINDS.indexOf('first-attachment')]?.id, 20)
})

t.test('a repeated sighting writes nothing', async t => {
  const { writer } = openStore(t)
  await writer.commit([ulr()], step)
  t.same(await writer.commit([ulr()], step).then(({ changed, events, grown }) => ({ changed, events, grown })), { changed: 0, events: [], grown: [] })
})

t.test('several SIMs share a number, and a number that moved is found at its new SIM only', async t => {
  const { writer, reader } = openStore(t)
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
  const first = new NetworkWriter(openNetworkWriter(path, INCARNATION), 1, clock)
  await first.commit([ulr()], step)
  await first.close()
  const second = new NetworkWriter(openNetworkWriter(path, INCARNATION), 1, clock)
  const { events } = await second.commit([ulr({ imsi: '242010000000002' })], step)
  t.same(events.map(({ id }) => id), [2, 2])
  await second.close()
  t.throws(() => openNetworkWriter(path, 'fedcba9876543210'), { name: 'StoreDamaged' }, 'data of another identity are refused')
})

t.test('the time of a commit never goes back', async t => {
  const path = temporaryDirectory(t)
  let now = START
  const clock = { ...new ManualClock(), now: () => now }
  const writer = new NetworkWriter(openNetworkWriter(path, INCARNATION), 1, clock)
  await writer.commit([ulr()], step)
  now -= DAY_MS
  const { heads } = await writer.commit([ulr({ imsi: '242010000000002' })], step)
  t.equal(heads[EVENT_KINDS.indexOf('first-attachment')]?.committedAt, START)
  await writer.close()
})

t.test('what is due is told once, and its entry of the index goes', async t => {
  const { writer } = openStore(t)
  await writer.commit([ulr()], step)
  const look = async (now: number): Promise<{ told: number, examined: number }> => {
    const { events, examined } = await writer.commitDue(now - POLICY.periodicIntervalMs, 100, state => due(state!, now, POLICY))
    return { told: events.length, examined }
  }
  t.same(await look(START + 14 * DAY_MS - 1), { told: 0, examined: 0 })
  t.same(await look(START + 14 * DAY_MS), { told: 1, examined: 1 })
  t.same(await look(START + 14 * DAY_MS), { told: 0, examined: 0 })
  t.same(await look(START + 28 * DAY_MS), { told: 1, examined: 1 })
})

t.test('retention goes by the time of the commit and leaves the rest', async t => {
  const { writer, reader, clock } = openStore(t)
  await writer.commit([ulr()], step)
  clock.advance(DAY_MS)
  await writer.commit([ulr({ imsi: '242010000000002' })], step)
  const limits = { before: START + 1, maxBytes: 2 ** 30 }
  const retained = await writer.retain(limits)
  t.same(retained!.taken.reduce((sum, count) => sum + count), 2)
  reader.refresh()
  const kind = EVENT_KINDS.indexOf('first-attachment')
  t.equal(reader.event(kind, 1), undefined)
  t.match(reader.heads()[kind], { id: 2, oldest: 2, takenAt: START })
  t.equal(reader.firstCommittedAt(kind, START + 5), 2)
  t.equal(reader.firstCommittedAt(kind, START + 2 * DAY_MS), 3)
  t.equal(await writer.retain(limits), undefined)
})

t.test('a reader does not see what was not announced', async t => {
  const { writer, reader } = openStore(t)
  t.equal(reader.subscriber('242010000000001'), undefined)
  await writer.commit([ulr()], step)
  reader.refresh()
  t.ok(reader.subscriber('242010000000001'))
})
