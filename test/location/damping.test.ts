import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Sighting } from '../../agent/diameter/sighting.ts'
import { dueChange, isHeldBack } from '../../agent/location/damping.ts'
import type { SubscriberEvent } from '../../agent/location/event.ts'
import { imported } from '../../agent/location/imported.ts'
import type { TrackerPolicy } from '../../agent/location/policy.ts'
import type { Subscriber } from '../../agent/location/subscriber.ts'
import { due, track } from '../../agent/location/tracker.ts'
import { seeded } from '../lib/seed.ts'
import { DAY, IMSI, line, LIVE, play, REPLAY, sighting, T0, ulr } from './sightings.ts'

const NO = '24201'
const SE = '24001'
const US = '310260'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAMPED: TrackerPolicy = { ...REPLAY, countryChangeDampingMs: HOUR }
const END = T0 + 60 * DAY

/** The country changes of a history, and the state after it. */
function changes (history: readonly Sighting[], policy = DAMPED, from?: Subscriber): { told: string[], state: Subscriber } {
  const { told, state } = play(history, policy, from)
  return { told: told.filter(text => text.startsWith('country-change')).map(text => text.slice('country-change '.length)), state: state! }
}

function late (state: Subscriber, now: number, policy = DAMPED): string[] {
  return dueChange(state, now, policy).events.map(line)
}

t.test('the first change is told, those that follow at once are not, and the end tells where the SIM is', async t => {
  const { told, state } = changes([ulr(T0, NO), ulr(T0 + 1, SE), ulr(T0 + 2, NO), ulr(T0 + 3, SE), ulr(T0 + 4, US)])
  t.same(told, ['NO>SE@1'])
  t.equal(dueChange(state, T0 + HOUR, DAMPED).state, state, 'not before')
  t.same(late(state, T0 + 1 + HOUR), [`country-change SE>US@${1 + HOUR}`])
  t.same(late(state, T0 + DAY), [`country-change SE>US@${1 + HOUR}`], 'with its own time, whenever anybody looks')
  t.same(late(state, T0 + HOUR + 0.5), [`country-change SE>US@${1 + HOUR}`], 'a time between two milliseconds is the later one')
  const { state: after } = dueChange(state, T0 + DAY, DAMPED)
  t.equal(dueChange(after, END, DAMPED).state, after, 'not twice')
  t.same(changes([ulr(T0 + 1 + HOUR + 5, NO)], DAMPED, after).told, [], 'what was told late damps in its turn')
  t.same(changes([ulr(T0 + 1 + 2 * HOUR, NO)], DAMPED, after).told, [`US>NO@${1 + 2 * HOUR}`])
})

t.test('back where it was told to be, there is nothing to tell', async t => {
  const { told, state } = changes([ulr(T0, NO), ulr(T0 + 1, SE), ulr(T0 + 2, NO), ulr(T0 + 3, SE)])
  t.same([told, isHeldBack(state)], [['NO>SE@1'], false])
  t.same(late(state, END), [])
  t.same(changes([ulr(T0 + DAY, NO)], DAMPED, state).told, [`SE>NO@${DAY}`], 'and the next one is told at once')
})

t.test('a sighting of any kind brings what was due before it, with the number known until then', async t => {
  const { state } = changes([ulr(T0, NO, { msisdn: '4790000001' }), ulr(T0 + 1, SE), ulr(T0 + 2, US)])
  const { events, state: after } = track(state, sighting('IDR', T0 + DAY, { msisdn: '4790000002' }), DAMPED)
  t.same(events.map(line), [`country-change SE>US@${1 + HOUR}`])
  t.match(events, [{ number: '4790000001' }])
  t.match(after, { number: '4790000002', lastChange: { country: 'US', time: T0 + 1 + HOUR } })
  t.same(track(state, ulr(T0 + DAY, NO), DAMPED).events.map(line), [`country-change SE>US@${1 + HOUR}`, `country-change US>NO@${DAY}`])
  t.same(track(state, ulr(T0 + 2, US), DAMPED).events, [], 'the same sighting again')
})

t.test('only country changes are damped', async t => {
  const { told } = play([ulr(T0, NO, { imei: '35693803564380' }), ulr(T0 + 1, SE), ulr(T0 + 2, US, { imei: '49015420323751' })], DAMPED)
  t.same(told.map(text => text.split('@')[0]), [
    'first-attachment ', 'periodic-country NO', 'handset-change ->35693803564380/-', 'country-change NO>SE', 'periodic-country SE', 'periodic-country US',
    'handset-change 35693803564380/->49015420323751/-'
  ])
})

t.test('damping that is turned off or shortened tells what it held back, at no time before it happened', async t => {
  const { state } = changes([ulr(T0, NO), ulr(T0 + 1, SE), ulr(T0 + 10 * MINUTE, US)])
  const shorter = { ...DAMPED, countryChangeDampingMs: MINUTE }
  t.same(late(state, T0 + 11 * MINUTE), [])
  t.same(late(state, T0 + 11 * MINUTE, shorter), [`country-change SE>US@${10 * MINUTE}`])
  const off = dueChange(state, T0 + 11 * MINUTE, REPLAY)
  t.same(off.events.map(line), [`country-change SE>US@${10 * MINUTE}`])
  t.equal(off.state.lastChange, undefined)
  t.same(late(state, T0 + 11 * MINUTE, { ...DAMPED, countryChangeDampingMs: 2 * HOUR }), [], 'made longer, it holds on')
})

t.test('live, a clock that was set back does not hold changes back until its time comes again', async t => {
  const live = { ...LIVE, countryChangeDampingMs: HOUR }
  const { state } = changes([ulr(T0, NO), ulr(T0 + 1, SE), ulr(T0 + 2, US)], live)
  const { events, clockStep } = track(state, ulr(T0 - 30 * DAY, NO), live)
  t.same(events.map(line).slice(0, 1), [`country-change SE>US@${-30 * DAY}`])
  t.ok(clockStep)
  t.same(track(state, ulr(T0 - 30 * DAY, NO), DAMPED).events, [], 'in a replay it is a late sighting')
})

t.test('an import tells nothing, and loses nothing that was held back', async t => {
  const row = (country: string): Parameters<typeof imported>[1] => ({ imsi: IMSI, country, time: T0 + 2 * MINUTE })
  const { state } = changes([ulr(T0, NO), ulr(T0 + 1, SE)])
  const moved = imported(state, row('DK'))!
  t.same(late(moved, END), [])
  t.same(changes([ulr(T0 + DAY, NO)], DAMPED, moved).told, [`DK>NO@${DAY}`])
  t.same(late(imported(track(state, ulr(T0 + 2, US), DAMPED).state, row('DK'))!, END), [`country-change SE>DK@${1 + HOUR}`])
})

t.test('times that are none change nothing', async t => {
  const { state } = changes([ulr(T0, NO), ulr(T0 + 1, SE), ulr(T0 + 2, US)])
  for (const now of [NaN, Infinity, -Infinity, -1, 2 ** 60]) t.equal(dueChange(state, now, DAMPED).state, state, String(now))
})

/** A sighting, or a moment at which somebody looks what is due. */
type Step = Sighting | number
const PLMNS = [NO, SE, US, '23801', '90112', undefined]
const offsets = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 5 * HOUR }), fc.integer({ min: 0, max: 30 * DAY }))
const updates = fc.tuple(fc.constantFrom<Sighting['kind']>('ULR', 'ULR', 'ULR', 'ECR', 'NOR', 'PUR'), offsets, fc.constantFrom(...PLMNS), fc.constantFrom('mme', 'sgsn'))
  .map(([kind, offset, plmn, node]) => sighting(kind, T0 + offset, { plmn: kind === 'ULR' ? plmn : undefined, node, singleRegistration: kind === 'NOR' }))
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { arbitrary: updates, weight: 5 }, { arbitrary: offsets.map(offset => T0 + offset), weight: 1 }), { maxLength: 40 })
const dampings = fc.constantFrom(MINUTE, HOUR, 24 * HOUR)
const parameters = seeded(t, 1_000)

/** All events of a history, and the state after it. */
function run (steps: readonly Step[], policy: TrackerPolicy): { events: SubscriberEvent[], state: Subscriber | undefined } {
  const events: SubscriberEvent[] = []
  let state: Subscriber | undefined
  for (const step of steps) {
    if (typeof step !== 'number') {
      const tracked = track(state, step, policy)
      state = tracked.state
      events.push(...tracked.events)
      continue
    }
    for (const look of [dueChange, due]) {
      if (state === undefined) continue
      const looked = look(state, step, policy)
      state = looked.state
      events.push(...looked.events)
    }
  }
  return { events, state }
}

const isChange = ({ kind }: SubscriberEvent): boolean => kind === 'country-change'

/** What is to be told of a SIM's changes, in order, as plainly as it can be said. */
function damped (changes: readonly SubscriberEvent[], damping: number): string[] {
  const told: string[] = []
  let free = -Infinity
  let known: string | undefined
  let present: string | undefined
  const tell = (time: number): void => {
    told.push(`country-change ${known}>${present}@${time - T0}`)
    known = present
    free = time + damping
  }
  for (const { time, previousCountry, country } of [...changes, { time: Infinity, previousCountry: undefined, country: undefined }]) {
    if (known !== present && time >= free) tell(free)
    if (country === undefined) break
    known ??= previousCountry
    present = country
    if (known !== present && time >= free) tell(time)
  }
  return told
}

t.test('in order, a history tells what a plain model tells, whenever anybody looks', async t => {
  fc.assert(fc.property(steps, dampings, (steps, damping) => {
    const ordered = steps.toSorted((a, b) => (typeof a === 'number' ? a : a.time) - (typeof b === 'number' ? b : b.time))
    const plain = run(ordered, REPLAY).events
    const { events } = run([...ordered, END], { ...REPLAY, countryChangeDampingMs: damping })
    assert.deepEqual(events.filter(isChange).map(line), damped(plain.filter(isChange), damping))
  }), parameters)
  t.pass()
})

t.test('in any order: changes are apart and follow one from the other, the last is where the SIM is, and nothing else is touched', async t => {
  fc.assert(fc.property(steps, dampings, (steps, damping) => {
    const policy = { ...REPLAY, countryChangeDampingMs: damping }
    const { events, state } = run(steps, policy)
    const plain = run(steps, REPLAY)
    assert.deepEqual(events.filter(event => !isChange(event)), plain.events.filter(event => !isChange(event)))
    assert.deepEqual({ ...state, lastChange: undefined }, { ...plain.state, lastChange: undefined })
    if (state === undefined) return
    const told = [...events, ...dueChange(state, END, policy).events].filter(isChange)
    for (const [n, { time, previousCountry, country }] of told.entries()) {
      assert.notEqual(country, previousCountry)
      if (n === 0) continue
      assert.ok(time - told[n - 1]!.time >= damping, 'apart')
      assert.equal(previousCountry, told[n - 1]!.country, 'chain')
    }
    const first = plain.events.find(isChange)?.previousCountry ?? state.country
    assert.equal(told.at(-1)?.country ?? first, state.country, 'the end')
  }), parameters)
  t.pass()
})

t.test('damping may change at any time: nothing is lost', async t => {
  const policies = fc.array(fc.constantFrom(0, MINUTE, HOUR, 24 * HOUR), { minLength: 40, maxLength: 40 })
  fc.assert(fc.property(steps, policies, (steps, dampings) => {
    let state: Subscriber | undefined
    const told: SubscriberEvent[] = []
    let first: string | undefined
    for (const [n, step] of [...steps, END].entries()) {
      const policy = { ...REPLAY, countryChangeDampingMs: dampings[n] ?? 0 }
      if (typeof step === 'number' && state === undefined) continue
      const outcome: { state: Subscriber | undefined, events: readonly SubscriberEvent[] } =
        typeof step === 'number' ? dueChange(state!, step, policy) : track(state, step, policy)
      state = outcome.state
      first ??= state?.country
      told.push(...outcome.events.filter(isChange))
      if (policy.countryChangeDampingMs === 0 && state !== undefined) assert.ok(!isHeldBack(state))
    }
    let known = first
    for (const { previousCountry, country } of told) {
      assert.equal(previousCountry, known)
      known = country
    }
    assert.equal(known, state?.country)
  }), parameters)
  t.pass()
})
