import t from 'tap'
import { imported } from '../../agent/location/imported.ts'
import { nextDue } from '../../agent/location/periodic.ts'
import type { TrackerPolicy } from '../../agent/location/policy.ts'
import type { Subscriber } from '../../agent/location/subscriber.ts'
import { due } from '../../agent/location/tracker.ts'
import { DAY, IMSI, line, play, REPLAY, sighting, T0, ulr } from './sightings.ts'

const NO = '24201'
const SE = '24001'
const A = '35693803564380'
const DUE = T0 + 14 * DAY

function known (...sightings: Parameters<typeof play>[0]): Subscriber {
  return play(sightings).state as Subscriber
}

function told (state: Subscriber, now: number, policy: TrackerPolicy = REPLAY): string[] {
  return due(state, now, policy).events.map(line)
}

t.test('a SIM that stays put is told once an interval', async t => {
  const state = known(ulr(T0, NO))
  t.equal(nextDue(state, REPLAY), DUE)
  t.equal(due(state, DUE - 1, REPLAY).state, state, 'not before')
  t.same(told(state, DUE), [`periodic-country NO@${14 * DAY}`])
  const { state: again } = due(state, DUE + 5, REPLAY)
  t.same(again.visited, [{ country: 'NO', toldAt: DUE + 5 }])
  t.equal(due(again, DUE + 6, REPLAY).state, again, 'not twice')
  t.equal(nextDue(again, REPLAY), DUE + 5 + 14 * DAY)
  t.equal(due(state, DUE, REPLAY).events[0]?.number, undefined)
  t.same(told(state, DUE - 0.5), [`periodic-country NO@${14 * DAY}`], 'a time between two milliseconds is the later one')
})

t.test('while it is still there', async t => {
  const state = known(ulr(T0, NO))
  const gone = T0 - DAY / 2 + DAY + REPLAY.registeredWithoutSignMs
  t.same(told(state, gone - 1).length, 1)
  t.same(told(state, gone), [], 'no sign of life for too long')
  t.same(told(known(ulr(T0, NO), sighting('AIR', T0 + 2 * DAY, { plmn: NO })), gone).length, 1, 'an authentication is a sign')
  t.same(told(known(ulr(T0, NO), sighting('AIR', T0 + 2 * DAY, { plmn: SE })), gone), [], 'elsewhere it is not')
  for (const end of ['PUR', 'CLR'] as const) {
    const ended = known(ulr(T0, NO), sighting(end, T0 + 1))
    t.same([told(ended, DUE), nextDue(ended, REPLAY)], [[], undefined], end)
  }
  t.same(told(known(ulr(T0, NO), ulr(T0 + 1, '90112')), DUE), [], 'gone to a network of no country')
  t.same(told(known(ulr(T0, NO), ulr(T0 + 1, SE, { node: 'sgsn', host: 's' }), sighting('PUR', T0 + 2, { node: 'sgsn', host: 's' })), DUE + DAY), [],
    'the registration that put it there has ended, though another stands elsewhere')
  t.same(told(state, DUE, { ...REPLAY, homeCountryExcluded: 'NO' }), [])
  t.equal(nextDue(state, { ...REPLAY, homeCountryExcluded: 'NO' }), undefined)
  t.equal(nextDue(state, { ...REPLAY, registeredWithoutSignMs: DAY }), undefined)
})

t.test('of several countries, the one it is in', async t => {
  const state = known(ulr(T0, NO), ulr(T0 + DAY, SE))
  t.same(told(state, DUE), [])
  t.same(told(state, DUE + DAY), [`periodic-country SE@${15 * DAY}`])
  t.same(told({ ...state, visited: [] }, T0 + 2 * DAY), [`periodic-country SE@${2 * DAY}`], 'one that was left out before')
  t.equal(nextDue({ ...state, visited: [] }, REPLAY), T0 + DAY)
})

t.test('times that are none are never due', async t => {
  const state = known(ulr(T0, NO))
  for (const now of [NaN, Infinity, -Infinity, -1, 2 ** 60]) t.equal(due(state, now, REPLAY).state, state, String(now))
})

t.test('an import tells nothing and counts as attached and told', async t => {
  const row = { imsi: IMSI, msisdn: '4799990000', country: 'NO', imei: `${A}01`, time: T0 }
  const state = imported(undefined, row) as Subscriber
  t.match(state, {
    attached: true,
    number: '4799990000',
    numberTime: T0,
    country: 'NO',
    countryTime: T0,
    handset: { imei: A, softwareVersion: '01', time: T0 },
    visited: [{ country: 'NO', toldAt: T0 }],
    lastSeen: 0,
    registrations: {}
  })
  t.equal(imported(state, row), state, 'the same row twice')
  t.same(told(state, DUE), [], 'nobody has seen it there yet')
  t.same(play([ulr(T0 + 1, NO, { imei: A })], REPLAY, state).told, [])
  t.same(play([ulr(T0 + 1, SE)], REPLAY, state).told, ['country-change NO>SE@1', 'periodic-country SE@1'])
  t.same(told(play([ulr(T0 + 1, NO)], REPLAY, state).state as Subscriber, DUE), [`periodic-country NO@${14 * DAY}`])
  t.same(play([ulr(T0 + 1, NO)], REPLAY, imported(undefined, { imsi: IMSI, time: T0 })).told, ['periodic-country NO@1'], 'a bare IMSI')
})

t.test('an import leaves alone what is newer', async t => {
  const state = known(sighting('ECR', T0, { imei: A }), sighting('IDR', T0 + 20, { msisdn: '47999' }))
  const after = imported(state, { imsi: IMSI, msisdn: '47111', country: 'NO', imei: '49015420323751', time: T0 + 10 })
  t.match(after, { attached: true, number: '47999', country: 'NO', handset: { imei: '49015420323751' } })
  const there = known(ulr(T0, SE))
  t.equal(imported(there, { imsi: IMSI, country: 'NO', time: T0 - 1 }), there)
  t.same(imported(there, { imsi: IMSI, country: 'SE', time: T0 + 1 })?.visited, there.visited, 'a country that was told keeps its time')
})

t.test('what is not formed as promised is left out of an import', async t => {
  t.equal(imported(undefined, { imsi: '12', time: T0 }), undefined)
  t.equal(imported(undefined, { imsi: IMSI, time: NaN }), undefined)
  t.match(imported(undefined, { imsi: IMSI, msisdn: '+47999', country: 'no', imei: '1', time: T0 }),
    { attached: true, number: undefined, country: undefined, handset: undefined })
})
