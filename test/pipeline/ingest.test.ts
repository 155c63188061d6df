import t, { type Test } from 'tap'
import { configSchema } from '../../agent/config/schema.ts'
import { tenantWish } from '../../agent/config/tenants.ts'
import { Ingest } from '../../agent/ingest.ts'
import { systemClock, type Clock } from '../../agent/lib/clock.ts'
import type { SubscriberEvent } from '../../agent/location/event.ts'
import { openWriter } from '../../agent/store/open-writer.ts'
import { SpaceWatch } from '../../agent/store/space.ts'
import { capture, type TimedProcedure } from '../generator/history.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const START = Date.UTC(2026, 0, 1)
const ULR: TimedProcedure = { kind: 'ULR', time: START, imsi: '242010000000001', msisdn: '4790000001', plmn: '24201', imei: '35722009245138' }

/** The upper half with a real store, and clocks that the test sets. */
class Half {
  now = START
  monotonic = 0
  /** Events that retention took. */
  taken = 0
  readonly told: SubscriberEvent[] = []
  ingest!: Ingest
  /** Closes the data; other settings may open them again. */
  close!: () => Promise<void>

  static async make (t: Test, settings: object = {}, directory = temporaryDirectory(t)): Promise<Half> {
    const half = new Half()
    const clock: Clock = { ...systemClock, now: () => half.now, monotonic: () => half.monotonic }
    const config = configSchema.parse(settings)
    const { writer, tenants } = await openWriter(directory, { incarnation: '0123456789abcdef', run: '0123456789abcdef' }, tenantWish(config), clock, Buffer.alloc(32))
    half.ingest = new Ingest({
      config,
      writer,
      tenants,
      clock,
      madeAt: START,
      space: new SpaceWatch(directory, 1 << 20, () => {}),
      onRetained: ({ taken }) => { half.taken += taken.reduce((sum, { count }) => sum + count, 0) },
      onTold: ({ events }) => { half.told.push(...events.map(({ event }) => event)) },
      onFatal: error => { throw error }
    })
    let open = true
    half.close = async () => {
      if (open) await writer.close()
      open = false
    }
    t.teardown(half.close)
    return half
  }

  async play (history: readonly TimedProcedure[]): Promise<void> {
    const replay = this.ingest.replay(0)
    await replay.data(capture(history))
    await replay.endOfFile()
    await replay.close()
  }

  /** Plays and gives the kinds told. */
  async replay (...history: TimedProcedure[]): Promise<string[]> {
    await this.play(history)
    return this.kinds()
  }

  /** Country changes told since the last look, with their time after the start in minutes. */
  moves (): string[] {
    return this.told.splice(0).filter(({ kind }) => kind === 'country-change')
      .map(({ imsi, previousCountry, country, time }) => `${imsi.slice(-1)}: ${previousCountry}>${country} ${(time - START) / MINUTE_MS}`)
  }

  /** Kinds told since the last look. */
  kinds (): string[] {
    return this.told.splice(0).map(({ kind }) => kind)
  }
}

t.test('a SIM that stays put is told again by the wall clock, until it is purged', async t => {
  const half = await Half.make(t)
  t.same(await half.replay(ULR), ['first-attachment', 'periodic-country', 'handset-change'])
  half.now = START + 14 * DAY_MS - 1_000
  await half.ingest.tick()
  t.same(half.kinds(), [])
  half.now = START + 14 * DAY_MS + 1_000
  await half.ingest.tick()
  await half.ingest.tick()
  t.match(half.told, [{ kind: 'periodic-country', country: 'NO', number: '4790000001', time: half.now }])
  t.same(half.kinds().length, 1)
  t.same(await half.replay({ kind: 'PUR', time: half.now, imsi: ULR.imsi }), [])
  half.now += 30 * DAY_MS
  await half.ingest.tick()
  t.same(half.kinds(), [])
})

t.test('a learning time records first attachments and first handsets and tells what changes', async t => {
  const half = await Half.make(t, { tracker: { learning_hours: 24 } })
  t.same(await half.replay(ULR), [])
  half.now = START + 2 * DAY_MS
  t.same(await half.replay({ ...ULR, time: START + DAY_MS, plmn: '24001' }), ['country-change', 'periodic-country'])
})

t.test('without a learning time everything is told, however far behind the wall clock is', async t => {
  const half = await Half.make(t)
  half.now = START - DAY_MS
  t.same(await half.replay(ULR), ['first-attachment', 'periodic-country', 'handset-change'])
})

t.test('a home country can be left out of periodic events', async t => {
  const half = await Half.make(t, { tracker: { home_country: 'NO' } })
  t.same(await half.replay(ULR), ['first-attachment', 'handset-change'])
})

t.test('a network of no known country is stored and counted, and is no change', async t => {
  const half = await Half.make(t)
  await half.replay(ULR)
  const replay = half.ingest.replay(0)
  await replay.data(capture([{ ...ULR, time: START + 1_000, plmn: '90170' }]))
  await replay.endOfFile()
  t.match((await replay.close()).discards, { 'location.unknown-country': 1 })
  t.same(half.told.splice(0).filter(({ kind }) => kind === 'country-change'), [])
})

t.test('nothing is old in the first hour, or because the wall clock jumped', async t => {
  const half = await Half.make(t, { store: { retention_days: 1 } })
  t.equal((await half.replay(ULR)).length, 3)
  half.now = START + 30 * DAY_MS
  half.monotonic = 3_599_000
  await half.ingest.tick()
  t.equal(half.taken, 0, 'the clock may have been wrong at the start')
  half.monotonic = 3_600_000
  await half.ingest.tick()
  t.equal(half.taken, 0, 'it jumped while this ran')
  half.monotonic = 25 * 3_600_000
  await half.ingest.tick()
  t.equal(half.taken, 3, 'a day has really passed')
})

t.test('events grow old by when they were recorded', async t => {
  const half = await Half.make(t, { store: { retention_days: 1 } })
  half.now = START + 400 * DAY_MS
  t.equal((await half.replay(ULR)).length, 3, 'an old capture')
  await half.ingest.tick()
  t.same(await half.replay({ ...ULR, time: START + 1_000, plmn: '24001' }), ['country-change', 'periodic-country'])
})

t.test('each tenant has its own interval and home country; nobody\'s SIMs are counted', async t => {
  const tenants = [
    { name: 'north', imsi_prefixes: ['24201'], periodic_interval_hours: 24 },
    { name: 'guest', imsi_prefixes: ['24077'], home_country: 'NO' }
  ]
  const half = await Half.make(t, { tenants, access: {} })
  t.same(await half.replay(ULR), ['first-attachment', 'periodic-country', 'handset-change'])
  t.same(await half.replay({ ...ULR, imsi: '240770000000001' }), ['first-attachment', 'handset-change'], 'at home in Norway')
  half.now = START + DAY_MS + 1_000
  await half.ingest.tick()
  t.match(half.told.splice(0), [{ kind: 'periodic-country', imsi: ULR.imsi }], 'its interval is a day')
  const replay = half.ingest.replay(0)
  await replay.data(capture([{ ...ULR, imsi: '262010000000001' }]))
  await replay.endOfFile()
  t.match((await replay.close()).discards, { 'tenant.none': 1 })
  t.same(half.kinds(), [])
  const known = { msisdn: undefined, country: undefined, imei: undefined, time: START }
  t.match(await half.ingest.import([{ imsi: '262010000000001', ...known }, { imsi: '242010000000009', ...known }]), { changed: 1, nobodys: 1 })
})

/** The times of a procedure are those of its answer. */
function moves (imsi: string, ...history: [minute: number, plmn: string][]): TimedProcedure[] {
  return history.map(([minute, plmn]) => ({ ...ULR, imsi, time: START + minute * MINUTE_MS - 20, plmn }))
}

const NO = '24201'
const SE = '24001'
const US = '310260'
const ONE = '242010000000001'
const OTHER = '242010000000002'

t.test('a damped change is told by time alone, after a restart too, and what came back home is not', async t => {
  const directory = temporaryDirectory(t)
  const settings = { tracker: { country_change_damping_minutes: 60 } }
  const first = await Half.make(t, settings, directory)
  await first.play([...moves(ONE, [0, NO], [1, SE], [2, US]), ...moves(OTHER, [3, NO], [4, SE], [5, NO], [6, SE])])
  t.same(first.moves(), ['1: NO>SE 1', '2: NO>SE 4'])
  first.now = START + 60 * MINUTE_MS
  await first.ingest.tick()
  t.same(first.moves(), [])
  await first.close()
  const second = await Half.make(t, settings, directory)
  second.now = START + 60 * MINUTE_MS
  await second.ingest.tick()
  t.same(second.moves(), [])
  second.now = START + 90 * MINUTE_MS
  await second.ingest.tick()
  t.same(second.moves(), ['1: SE>US 61'], 'from when it might be told, though it was looked for later')
  await second.ingest.tick()
  t.same(second.moves(), [])
  await second.play([...moves(OTHER, [100, NO]), ...moves(ONE, [110, NO])])
  t.same(second.moves(), ['2: SE>NO 100'])
  second.now = START + 121 * MINUTE_MS
  await second.ingest.tick()
  t.same(second.moves(), ['1: US>NO 121'])
})

t.test('in a replay a damped change is told at its own moment of the capture\'s time', async t => {
  const half = await Half.make(t, { tracker: { country_change_damping_minutes: 60 }, store: { batch_events: 1 } })
  half.now = START + 400 * DAY_MS
  await half.play([...moves(ONE, [0, NO], [1, SE], [2, US]), ...moves(OTHER, [90, NO], [500, SE]), ...moves(ONE, [501, SE], [502, NO]), ...moves(OTHER, [600, SE])])
  t.same(half.moves(), ['1: NO>SE 1', '1: SE>US 61', '2: NO>SE 500', '1: US>SE 501', '1: SE>NO 561'])
})

t.test('damping that is turned off tells what it held back at the next look', async t => {
  const directory = temporaryDirectory(t)
  const first = await Half.make(t, { tracker: { country_change_damping_minutes: 1440 } }, directory)
  await first.play([...moves(ONE, [0, NO], [1, SE], [2, US])])
  await first.close()
  const second = await Half.make(t, {}, directory)
  second.now = START + 3 * MINUTE_MS
  await second.ingest.tick()
  t.same(second.moves(), ['1: SE>US 2'])
  await second.play([...moves(ONE, [4, SE], [5, US])])
  t.same(second.moves(), ['1: US>SE 4', '1: SE>US 5'])
})

t.test('each tenant damps as it likes, and a range that moves takes along what is held back, though its tenant is no more', async t => {
  const directory = temporaryDirectory(t)
  const north = { name: 'north', imsi_prefixes: ['24201'], country_change_damping_minutes: 60 }
  const guest = { name: 'guest', imsi_prefixes: ['24077'] }
  const first = await Half.make(t, { tenants: [north, guest], access: {} }, directory)
  const theirs = '240770000000003'
  await first.play([...moves(ONE, [0, NO], [1, SE], [2, US]), ...moves(theirs, [3, NO], [4, SE], [5, US])])
  t.same(first.moves(), ['1: NO>SE 1', '3: NO>SE 4', '3: SE>US 5'])
  await first.close()
  const second = await Half.make(t, { tenants: [{ ...guest, imsi_prefixes: ['2'], country_change_damping_minutes: 30 }] }, directory)
  second.now = START + 30 * MINUTE_MS
  await second.ingest.tick()
  t.same(second.moves(), [])
  second.now = START + 31 * MINUTE_MS
  await second.ingest.tick()
  t.same(second.moves(), ['1: SE>US 31'])
})

t.test('erasing a SIM erases the change that is held back', async t => {
  const half = await Half.make(t, { tracker: { country_change_damping_minutes: 60 } })
  await half.play([...moves(ONE, [0, NO], [1, SE], [2, US])])
  t.same(half.moves(), ['1: NO>SE 1'])
  await half.ingest.forget(ONE)
  half.now = START + DAY_MS
  await half.ingest.tick()
  t.same(half.moves(), [])
  await half.play([...moves(ONE, [1441, NO], [1442, SE])])
  t.same(half.moves(), ['1: NO>SE 1442'])
})
