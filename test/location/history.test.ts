import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { NodeType, Sighting, SightingKind } from '../../agent/diameter/sighting.ts'
import { dueChange } from '../../agent/location/damping.ts'
import type { SubscriberEvent } from '../../agent/location/event.ts'
import { nextDue } from '../../agent/location/periodic.ts'
import type { TrackerPolicy } from '../../agent/location/policy.ts'
import type { Subscriber } from '../../agent/location/subscriber.ts'
import { due, track } from '../../agent/location/tracker.ts'
import { dueKey, numberKey, subscriberKey } from '../../agent/store/keys.ts'
import { decodeSubscriber, encodeSubscriber } from '../../agent/store/subscriber-record.ts'
import { Model } from './model.ts'
import { DAY, LIVE, REPLAY, sighting, T0 } from './sightings.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1_000)
t.comment(`FUZZ_SEED=${seed}`)

const KINDS = ['ULR', 'ULR', 'ULR', 'AIR', 'ECR', 'NOR', 'PUR', 'CLR', 'IDR'] as const
const PLMNS = ['24201', '24202', '24001', '310260', '310370', '90112', '00101', undefined]
const IMEIS = ['35693803564380', '356938035643809', '49015420323751', '490154203237518', '35999999999999']

/** Times that often meet, of a stretch of 40 days. */
const times = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 40 * DAY })).map(offset => T0 + offset)

function sightings (kinds: readonly SightingKind[] = KINDS): fc.Arbitrary<Sighting> {
  return fc.record({
    kind: fc.constantFrom(...kinds),
    time: times,
    node: fc.constantFrom<NodeType>('mme', 'mme', 'sgsn'),
    plmn: fc.constantFrom(...PLMNS),
    host: fc.constantFrom('a', 'a', 'b'),
    single: fc.integer({ min: 0, max: 5 }),
    smsRegistered: fc.constantFrom(undefined, undefined, true, false),
    imei: fc.option(fc.constantFrom(...IMEIS), { nil: undefined }),
    softwareVersion: fc.constantFrom(undefined, '01', '02'),
    msisdn: fc.constantFrom(undefined, '4799990000', '4799990001'),
    cancellationType: fc.constantFrom(0, 1, 2, 4)
  }).map(({ kind, time, single, plmn, imei, softwareVersion, msisdn, cancellationType, ...rest }) => sighting(kind, time, {
    ...rest,
    plmn: kind === 'ULR' || kind === 'AIR' ? plmn : undefined,
    singleRegistration: single === 0 && (kind === 'ULR' || kind === 'NOR'),
    ...(kind === 'ULR' || kind === 'ECR' || kind === 'NOR') && imei !== undefined ? { imei, softwareVersion } : {},
    msisdn: kind === 'ULR' || kind === 'IDR' ? msisdn : undefined,
    cancellationType: kind === 'CLR' ? cancellationType : undefined
  }))
}

/** A sighting, or a moment at which the index looks whether something is due. */
type Step = Sighting | number
const step = fc.oneof<fc.WeightedArbitrary<Step>[]>({ arbitrary: sightings(), weight: 6 }, { arbitrary: times, weight: 1 })
const steps = fc.array(step, { maxLength: 30 })
const policies = fc.record({ learning: fc.boolean(), home: fc.constantFrom(undefined, 'NO') })
  .map(({ learning, home }): TrackerPolicy => ({ ...REPLAY, learning, homeCountryExcluded: home, registeredWithoutSignMs: 20 * DAY }))

function words (event: SubscriberEvent): string {
  switch (event.kind) {
    case 'first-attachment': return event.kind
    case 'country-change': return `${event.kind} ${event.previousCountry}>${event.country}`
    case 'periodic-country': return `${event.kind} ${event.country}`
    case 'handset-change': return `${event.kind} ${event.previousHandset?.imei ?? '-'}>${event.handset?.imei}`
  }
}

/** One step: what became of the state, and what was told. */
function go (state: Subscriber | undefined, step: Step, policy: TrackerPolicy): { state: Subscriber | undefined, events: readonly SubscriberEvent[] } {
  if (typeof step !== 'number') return track(state, step, policy)
  return state === undefined ? { state, events: [] } : due(state, step, policy)
}

function fold (steps: readonly Step[], policy: TrackerPolicy): Subscriber | undefined {
  return steps.reduce<Subscriber | undefined>((state, step) => go(state, step, policy).state, undefined)
}

t.test('random histories come out as in a plain model', async t => {
  fc.assert(fc.property(steps, policies, (steps, policy) => {
    const model = new Model(policy)
    let state: Subscriber | undefined
    for (const step of steps) {
      const outcome = go(state, step, policy)
      const expected = typeof step === 'number' ? model.wait(step) : model.take(step)
      state = outcome.state
      const told = outcome.events.map(words)
      const time = typeof step === 'number' ? step : step.time
      if (told.join() !== expected.join()) throw new Error(`told ${told.join()}, expected ${expected.join()}`)
      const differences = model.differences(state)
      if (differences.length > 0) throw new Error(`differs in ${differences.join()}`)
      for (const event of outcome.events) {
        if (event.time !== time || event.number !== model.number) throw new Error('an event has the time of its sighting and the number known after it')
        if (event.kind === 'handset-change' && event.handset?.softwareVersion !== model.softwareVersion) throw new Error('another software version')
      }
    }
  }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('no event without a change, no change without its event, and no fact against its own time', async t => {
  fc.assert(fc.property(steps, steps => {
    let before: Subscriber | undefined
    for (const step of steps) {
      const { state, events } = go(before, step, REPLAY)
      const kinds = events.map(({ kind }) => kind)
      const told = (subscriber: Subscriber | undefined): string => JSON.stringify(subscriber?.visited ?? [])
      const changes = {
        'first-attachment': (before?.attached ?? false) !== (state?.attached ?? false),
        'country-change': before?.country !== undefined && before.country !== state?.country,
        'periodic-country': told(before) !== told(state),
        'handset-change': before?.handset?.imei.slice(0, 14) !== state?.handset?.imei.slice(0, 14)
      }
      for (const [kind, changed] of Object.entries(changes)) {
        if (kinds.filter(one => one === kind).length !== (changed ? 1 : 0)) throw new Error(`${kind}: changed ${changed}, told ${kinds.join()}`)
      }
      const factTimes = (subscriber: Subscriber | undefined): number[] => [
        subscriber?.registrations.mme?.time ?? 0, subscriber?.registrations.sgsn?.time ?? 0, subscriber?.handset?.time ?? 0,
        subscriber?.version?.time ?? 0, subscriber?.numberTime ?? 0, subscriber?.countryTime ?? 0, subscriber?.lastSeen ?? 0
      ]
      const earlier = factTimes(before)
      if (factTimes(state).some((time, n) => time < earlier[n]!)) throw new Error('a fact went back in time')
      if (state !== undefined && state === before && events.length > 0) throw new Error('told without a change')
      before = state
    }
  }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('the same sighting twice changes nothing the second time', async t => {
  fc.assert(fc.property(steps, sightings(), policies, (steps, last, policy) => {
    const once = track(fold(steps, policy), last, policy)
    const twice = track(once.state, last, policy)
    return twice.state === once.state && twice.events.length === 0
  }), { seed, numRuns: RUNS })
  t.pass()
})

/*
 * What a replay promises whatever the order: each fact is its newest sighting's. Left out, since they are decided by what was on record when
 * a sighting came: the end of a registration that is not on record yet; the country of a phone that holds registrations in two countries
 * at once; what was told when (`visited`). Times differ here, since of equal ones the last to come wins.
 */
t.test('the order of a history does not matter to what is known at its end', async t => {
  const plain = sightings(['ULR', 'ECR', 'IDR']).map(one => ({ ...one, singleRegistration: false }))
  const history = fc.uniqueArray(plain, { selector: ({ time }) => time, maxLength: 20 })
  const shuffled = history.chain(history => fc.tuple(fc.constant(history), fc.shuffledSubarray(history, { minLength: history.length })))
  const known = (state: Subscriber | undefined, withCountry: boolean): unknown =>
    state === undefined ? undefined : { ...state, visited: [], ...(withCountry ? {} : { country: '', countryTime: 0 }) }
  fc.assert(fc.property(shuffled, ([history, other]) => {
    assert.deepStrictEqual(known(fold(other, REPLAY), false), known(fold(history, REPLAY), false))
    const mme = (sightings: readonly Sighting[]): Sighting[] => sightings.map(one => ({ ...one, node: 'mme' }))
    assert.deepStrictEqual(known(fold(mme(other), REPLAY), true), known(fold(mme(history), REPLAY), true))
  }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('live, a history in order comes out as in a replay', async t => {
  fc.assert(fc.property(fc.array(sightings(), { maxLength: 20 }), history => {
    let live: Subscriber | undefined
    let replayed: Subscriber | undefined
    for (const one of history.sort((a, b) => a.time - b.time)) {
      const outcome = track(live, one, LIVE, one.time + 1)
      const other = track(replayed, one, REPLAY)
      if (outcome.clockStep || outcome.events.map(words).join() !== other.events.map(words).join()) throw new Error('told otherwise')
      live = outcome.state
      replayed = other.state
    }
    assert.deepStrictEqual(live, replayed)
  }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('live, what comes after the clock was set back counts like what is newest', async t => {
  const facts = (state: Subscriber | undefined): unknown => state === undefined
    ? undefined
    : {
        ...state,
        registrations: Object.entries(state.registrations).map(([type, one]) => ({ type, ...one, time: 0 })),
        handset: { ...state.handset, time: 0 },
        version: { ...state.version, time: 0 },
        countryTime: 0,
        numberTime: 0,
        lastSeen: 0,
        visited: []
      }
  const news = (events: readonly SubscriberEvent[]): string => events.filter(({ kind }) => kind !== 'periodic-country').map(words).join()
  fc.assert(fc.property(steps, sightings(), (steps, last) => {
    const state = fold(steps, REPLAY)
    const back = track(state, { ...last, time: T0 - DAY }, LIVE)
    const newest = track(state, { ...last, time: T0 + 41 * DAY }, REPLAY)
    assert.deepStrictEqual(facts(back.state), facts(newest.state))
    assert.equal(news(back.events), news(newest.events))
    if (back.state !== state && state?.attached === true && last.kind === 'ULR') assert.ok(back.clockStep)
  }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('the next due moment is the first at which something is due', async t => {
  fc.assert(fc.property(steps, policies, (steps, policy) => {
    const state = fold(steps, policy)
    if (state === undefined) return
    const next = nextDue(state, policy)
    if (next === undefined) {
      if ([0, 5, 13, 14, 15, 40].some(days => due(state, T0 + days * DAY, policy).state !== state)) throw new Error('due though it has no next moment')
      return
    }
    if (due(state, next - 1, policy).state !== state && state.visited.some(({ country }) => country === state.country)) throw new Error('due before')
    const { state: after, events } = due(state, next, policy)
    if (events.length !== 1 || after === state || due(after, next, policy).state !== after) throw new Error('not told once')
  }), { seed, numRuns: RUNS })
  t.pass()
})

t.test('whatever a sighting holds, nothing is thrown and what is known can be stored', async t => {
  // No clock tells -0, which deep equality holds apart from 0.
  const unsigned = (time: number): number => time + 0
  const text = fc.option(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^\d{0,20}$/)), { nil: undefined })
  const wild = fc.record({
    kind: fc.constantFrom(...KINDS),
    time: fc.oneof(fc.double(), fc.integer(), times).map(unsigned),
    imsi: fc.oneof(fc.string(), fc.constant('242011234567890')),
    node: fc.constantFrom<NodeType>('mme', 'sgsn'),
    plmn: text,
    host: text,
    realm: text,
    singleRegistration: fc.boolean(),
    smsRegistered: fc.option(fc.boolean(), { nil: undefined }),
    reachable: fc.boolean(),
    smsNumber: text,
    imei: text,
    softwareVersion: text,
    msisdn: text,
    cancellationType: fc.option(fc.integer(), { nil: undefined })
  })
  const damped = [{ ...LIVE, countryChangeDampingMs: 1 }, { ...REPLAY, countryChangeDampingMs: DAY }]
  const arrivals = fc.option(fc.double().map(unsigned), { nil: undefined })
  fc.assert(fc.property(fc.array(wild, { maxLength: 10 }), fc.constantFrom(LIVE, REPLAY, ...damped), arrivals, (history, policy, arrival) => {
    let state: Subscriber | undefined
    for (const one of history) {
      state = track(state, one, policy, arrival).state
      if (state === undefined) continue
      due(state, one.time, policy)
      dueChange(state, one.time, policy)
      // The store writes it inside a transaction, where nothing may throw.
      const { registrations, ...rest } =
        decodeSubscriber(state.imsi, encodeSubscriber(state, () => 1), () => ({ host: '', realm: '' }))
      const types = (of: Subscriber['registrations']): string[] => Object.keys(of).sort()
      assert.deepStrictEqual({ ...state, registrations: types(state.registrations) }, { ...rest, registrations: types(registrations) })
      subscriberKey(0, state.imsi)
      if (state.number !== undefined) numberKey(0, state.number, state.imsi)
      for (const { toldAt } of state.visited) dueKey(0, toldAt, state.imsi)
      if (state.lastChange !== undefined) dueKey(0, state.lastChange.time, state.imsi)
    }
  }), { seed, numRuns: RUNS })
  t.pass()
})
