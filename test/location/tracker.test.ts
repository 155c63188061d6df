import t from 'tap'
import type { Sighting } from '../../agent/diameter/sighting.ts'
import { MAX_VISITED, type TrackerPolicy } from '../../agent/location/policy.ts'
import type { Subscriber } from '../../agent/location/subscriber.ts'
import { track } from '../../agent/location/tracker.ts'
import { DAY, LIVE, play, REPLAY, sighting, T0, ulr } from './sightings.ts'

const NO = '24201'
const NO2 = '24202'
const SE = '24001'
const SHIP = '90112'
const A = '35693803564380'
const B = '49015420323751'
const SGSN = { node: 'sgsn', host: 'sgsn1.no' } as const

t.test('first attachment', async t => {
  t.same(play([ulr(T0, NO)]).told, ['first-attachment @0', 'periodic-country NO@0'], 'with its periodic country and no change of country')
  t.same(play([ulr(T0, NO), ulr(T0 + 1, NO)]).told.length, 2, 'once')
  t.same(play([ulr(T0, NO), sighting('PUR', T0 + 1), ulr(T0 + 2, NO)]).told.length, 2, 'not again after a purge')
  t.equal(play([sighting('AIR', T0, { plmn: NO })]).state, undefined, 'an authentication is none')
  const early = play([sighting('ECR', T0, { imei: A }), sighting('IDR', T0 + 1, { msisdn: '4799990000' })])
  t.same(early.told, [`handset-change ->${A}/-@0`], 'an IMEI check before it tells the handset only')
  t.equal(early.state?.attached, false)
  t.equal(early.state?.number, '4799990000')
  t.same(play([ulr(T0 + 2, NO)], REPLAY, early.state).told, ['first-attachment @2', 'periodic-country NO@2'])
  t.equal(play([sighting('PUR', T0), sighting('CLR', T0), sighting('NOR', T0)]).state, undefined, 'nothing is kept of who is not known')
})

t.test('country change', async t => {
  t.same(play([ulr(T0, NO), ulr(T0 + 1, NO2, { host: 'mme2' })]).told.length, 2, 'two networks of one country are no change')
  t.same(play([ulr(T0, NO), ulr(T0 + 1, SE), ulr(T0 + 2, NO)]).told.slice(2), ['country-change NO>SE@1', 'periodic-country SE@1', 'country-change SE>NO@2'],
    'going back is a change, and no periodic country within the interval')
  t.same(play([ulr(T0 + 5, NO), ulr(T0, SE)]).told, ['first-attachment @5', 'periodic-country NO@5'], 'an older sighting changes nothing')
  t.same(play([ulr(T0, NO), ulr(T0, SE)]).told.slice(2), ['country-change NO>SE@0', 'periodic-country SE@0'], 'of equal times the one that came last wins')
  t.same(play([ulr(T0, NO), sighting('AIR', T0 + 1, { plmn: SE })]).told.length, 2, 'an authentication moves nobody')
})

t.test('a network of no country', async t => {
  const first = play([ulr(T0, SHIP)])
  t.same(first.told, ['first-attachment @0'])
  t.ok(first.unknownCountry)
  t.equal(first.state?.registrations.mme?.plmn, SHIP)
  t.same(play([ulr(T0 + 1, SE)], REPLAY, first.state).told, ['periodic-country SE@1'], 'the first real country is no change')
  const later = play([ulr(T0, NO), ulr(T0 + 1, SHIP)])
  t.equal(later.state?.country, 'NO', 'the country stays what it was')
  t.same(play([ulr(T0 + 2, NO)], REPLAY, later.state).told, [])
  t.same(play([ulr(T0 + 2, SE)], REPLAY, later.state).told, ['country-change NO>SE@2', 'periodic-country SE@2'])
  t.same(play([ulr(T0 + 20 * DAY, SHIP, { imei: A })], REPLAY, later.state).told, [`handset-change ->${A}/-@${20 * DAY}`],
    'other news is told; it is not in NO now')
  t.same(play([ulr(T0, SHIP), ulr(T0 - 1, SE)]).told, ['first-attachment @0'], 'a late country is known')
  t.equal(play([ulr(T0, SHIP), ulr(T0 - 1, SE)]).state?.country, 'SE')
  const unreadable = play([ulr(T0, undefined)])
  t.same([unreadable.told, unreadable.unknownCountry, unreadable.state?.registrations.mme?.plmn], [['first-attachment @0'], true, undefined])
})

t.test('S6a beside S6d', async t => {
  const both = play([ulr(T0, NO), ulr(T0 + 1, SE, SGSN)])
  t.equal(both.state?.country, 'SE', 'the last change of network in either')
  const repeats = [ulr(T0 + 2, NO), ulr(T0 + 3, SE, SGSN), ulr(T0 + 4, NO)]
  t.same(play(repeats, REPLAY, both.state).told, [], 'repeats do not flap')
  t.equal(play(repeats, REPLAY, both.state).state?.registrations.mme?.time, T0 + 4)
  t.same(play([ulr(T0 + 2, NO, { singleRegistration: true })], REPLAY, both.state).told, ['country-change SE>NO@2'])
  t.equal(play([ulr(T0 + 2, NO, { singleRegistration: true })], REPLAY, both.state).state?.registrations.sgsn?.active, false, 'the other one has ended')
  for (const end of ['PUR', 'CLR'] as const) {
    const ended = play([sighting(end, T0 + 2, SGSN)], REPLAY, both.state)
    t.same([ended.told, ended.state?.country, ended.state?.registrations.sgsn?.active], [[], 'SE', false], `${end} itself tells nothing`)
    t.same(play([ulr(T0 + 3, NO)], REPLAY, ended.state).told, ['country-change SE>NO@3'])
    t.same(play([ulr(T0 + 3, SE, SGSN)], REPLAY, ended.state).told, [])
  }
  const notified = play([sighting('NOR', T0 + 2, { singleRegistration: true })], REPLAY, both.state)
  t.same([notified.told, notified.state?.registrations.sgsn?.active], [['country-change SE>NO@2'], false], 'so does a Notify with Single-Registration')
  t.same(play([ulr(T0, NO), ulr(T0, NO, SGSN)]).told.length, 2, 'in one network nothing is told')
  t.equal(play([sighting('NOR', T0 + 2, { singleRegistration: true, host: 'stranger' })], REPLAY, both.state).state, both.state)
})

t.test('ends count from the node on record only', async t => {
  const { state } = play([ulr(T0, NO), ulr(T0 + 1, SE, { host: 'mme1.se' })])
  t.equal(play([sighting('CLR', T0 + 2, { host: 'mme1.no', cancellationType: 0 })], REPLAY, state).state, state, 'the HSS cancels the old node after a move')
  t.equal(play([sighting('PUR', T0 + 2, { host: 'mme1.no' })], REPLAY, state).state, state)
  t.equal(play([sighting('PUR', T0 + 2, { host: undefined })], REPLAY, state).state, state)
  t.equal(play([sighting('PUR', T0, { host: 'mme1.se' })], REPLAY, state).state, state, 'nor does one from before the move')
  const ended = play([sighting('CLR', T0 + 2, { host: 'mme1.se', cancellationType: 2 })], REPLAY, state).state
  t.match(ended?.registrations.mme, { active: false, plmn: SE, host: 'mme1.se', time: T0 + 2 }, 'the node stays the last one known')
  const combined = play([ulr(T0, NO), ulr(T0, NO, { node: 'sgsn' })]).state
  const active = (end: Sighting): (boolean | undefined)[] => {
    const { registrations } = play([end], REPLAY, combined).state as Subscriber
    return [registrations.mme?.active, registrations.sgsn?.active]
  }
  t.same(active(sighting('CLR', T0 + 1, { cancellationType: 0 })), [false, true], 'one host for both: the type that is meant')
  t.same(active(sighting('CLR', T0 + 1, { cancellationType: 1, node: 'sgsn' })), [true, false])
  t.same(active(sighting('CLR', T0 + 1, { cancellationType: 2 })), [false, false], 'a withdrawal: both')
  const sgsnOnly = play([ulr(T0, NO, SGSN), sighting('PUR', T0 + 1, { ...SGSN, node: 'mme' })]).state
  t.equal(sgsnOnly?.registrations.sgsn?.active, false, 'the host tells the type where the message does not')
})

t.test('registered for SMS', async t => {
  const { state } = play([ulr(T0, NO, { smsRegistered: true, smsNumber: '4790000001' })])
  t.match(state?.registrations.mme, { smsRegistered: true, smsNumber: '4790000001' })
  const removed = play([sighting('NOR', T0 + 1, { smsRegistered: false })], REPLAY, state)
  t.match(removed.state?.registrations.mme, { smsRegistered: false, smsNumber: '4790000001', time: T0 + 1 })
  t.equal(play([sighting('NOR', T0 + 1, { smsRegistered: false, host: 'stranger' })], REPLAY, state).state, state)
  const anew = play([ulr(T0 + 2, NO)], REPLAY, removed.state).state?.registrations.mme
  t.same([anew?.smsRegistered, anew?.smsNumber], [undefined, undefined], 'an update says all anew')
})

t.test('handset change', async t => {
  const { state, told } = play([ulr(T0, NO, { imei: A, softwareVersion: '39' })])
  t.same(told.slice(2), [`handset-change ->${A}/39@0`], 'without a previous one at first')
  const quiet = [
    sighting('ECR', T0 + 1, { imei: A }), sighting('NOR', T0 + 2, { imei: `${A}9` }), sighting('ECR', T0 + 3, { imei: `${A}0`, softwareVersion: '40' }),
    sighting('ECR', T0 + 4, { imei: `${A}41` })
  ]
  const same = play(quiet, REPLAY, state)
  t.same(same.told, [], 'a check digit or another software version is no other handset')
  t.same(same.state?.handset, { imei: A, softwareVersion: '41', time: T0 + 4 }, 'an IMEISV is taken apart')
  for (const kind of ['ECR', 'NOR', 'ULR'] as const) {
    t.same(play([sighting(kind, T0 + 5, { imei: `${B}8`, softwareVersion: '01', plmn: NO })], REPLAY, same.state).told,
      [`handset-change ${A}/41>${B}8/01@5`], kind)
  }
  t.equal(play([sighting('ECR', T0 + 1, { imei: B })], REPLAY, same.state).state?.handset, same.state?.handset, 'older than the handset on record')
  for (const imei of ['123', 'x'.repeat(15), `${B}123`]) t.equal(play([sighting('NOR', T0 + 9, { imei })], REPLAY, state).state, state, 'no IMEI')
  t.same(play([sighting('ECR', T0 - 5, { softwareVersion: '12', imei: A })], REPLAY, play([ulr(T0, NO, { imei: A })]).state).state?.handset,
    { imei: A, softwareVersion: '12', time: T0 }, 'a version that comes late is one that was not known')
})

t.test('each fact has its own time', async t => {
  const { state } = play([sighting('ECR', T0, { imei: A }), ulr(T0 + 100, NO)])
  const late = play([sighting('ECR', T0 + 50, { imei: B })], REPLAY, state)
  t.same(late.told, [`handset-change ${A}/->${B}/-@50`], 'late for the registration, news about the handset')
  t.equal(late.state?.registrations, state?.registrations)
  const again = play([sighting('ECR', T0 + 200, { imei: A }), sighting('ECR', T0 + 150, { imei: B })], REPLAY, state)
  t.same(again.told, [], 'seeing a fact again refreshes its time')
})

t.test('the number', async t => {
  const { state, events } = track(undefined, ulr(T0, NO, { msisdn: '4799990000' }), REPLAY)
  t.same(events.map(({ number }) => number), ['4799990000', '4799990000'], 'the one known after the sighting')
  t.same(track(undefined, ulr(T0, NO), REPLAY).events.map(({ number }) => number), [undefined, undefined], 'or none, and nothing is held back')
  const changed = track(state, sighting('IDR', T0 + 1, { msisdn: '4799990001' }), REPLAY)
  t.match(changed, { events: [], state: { number: '4799990001', numberTime: T0 + 1 } })
  t.equal(track(changed.state, ulr(T0, NO, { msisdn: '4799990000' }), REPLAY).state?.number, '4799990001')
  t.equal(track(state, sighting('IDR', T0 + 1, { msisdn: '1234567890123456' }), REPLAY).state, state, 'longer than a number can be')
})

t.test('periodic country on a sighting', async t => {
  const { state } = play([ulr(T0, NO)])
  const due = T0 + 14 * DAY
  t.same(play([sighting('AIR', due - 1, { plmn: NO })], REPLAY, state).told, [])
  for (const kind of ['AIR', 'ULR', 'NOR', 'ECR'] as const) {
    t.same(play([sighting(kind, due, { plmn: NO, imei: kind === 'ECR' ? A : undefined })], REPLAY, state).told[0], `periodic-country NO@${14 * DAY}`, kind)
  }
  t.same(play([sighting('AIR', due, { plmn: SE })], REPLAY, state).told, [], 'an attempt elsewhere shows nothing')
  t.same(play([sighting('IDR', due, { msisdn: '12' })], REPLAY, state).told, [], 'nor does what the HSS does')
  t.same(play([sighting('PUR', T0 + 1), sighting('AIR', due, { plmn: NO })], REPLAY, state).told, [])
  t.same(play([ulr(T0 + DAY, SE), ulr(due + DAY, NO)], REPLAY, state).told.at(-1), `periodic-country NO@${15 * DAY}`, 'back after the interval')
  t.same(play([ulr(due, NO)], { ...REPLAY, homeCountryExcluded: 'NO' }, state).told, [], 'the home country can be left out')
  t.same(play([ulr(T0, NO)], { ...REPLAY, homeCountryExcluded: 'NO' }).state?.visited, [])
})

t.test('countries visited are bounded', async t => {
  const mccs = Array.from({ length: 200 }, (_, n) => String(202 + 2 * n) + '01')
  const { state } = play(mccs.map((plmn, n) => ulr(T0 + n, plmn)))
  t.equal(state?.visited.length, MAX_VISITED)
  t.same(state?.visited.map(({ toldAt }) => toldAt), state?.visited.map(({ toldAt }) => toldAt).sort((a, b) => a - b), 'the newest stay')
})

t.test('learning', async t => {
  const learning: TrackerPolicy = { ...REPLAY, learning: true }
  const learnt = play([ulr(T0, NO, { imei: A })], learning)
  t.same(learnt.told, [], 'what is seen first is recorded and not told')
  t.match(learnt.state, { attached: true, country: 'NO', handset: { imei: A }, visited: [{ country: 'NO', toldAt: T0 }] })
  t.same(play([ulr(T0 + 1, SE, { imei: B })], learning, learnt.state).told,
    ['country-change NO>SE@1', 'periodic-country SE@1', `handset-change ${A}/->${B}/-@1`], 'news about it is told')
  t.same(play([ulr(T0, SHIP), ulr(T0 + 1, NO)], learning).told, [], 'a first country belongs to what is learnt')
  t.same(play([ulr(T0 + 1, NO)], REPLAY, learnt.state).told, [], 'nothing is made up for later')
})

t.test('the same sighting twice, and news of nothing', async t => {
  const first = ulr(T0, NO, { imei: A, softwareVersion: '01', msisdn: '47999' })
  const { state } = play([first])
  const again = track(state, first, REPLAY)
  t.equal(again.state, state)
  t.equal(again.events.length, 0)
  t.equal(track(state, sighting('AIR', T0 + 60_000, { plmn: NO }), REPLAY).state, state, 'signs of life of one day are one')
  t.equal(track(state, sighting('AIR', T0 + DAY, { plmn: NO }), REPLAY).state?.lastSeen, T0 + DAY / 2)
})

t.test('live: answers overtake each other, clocks are set', async t => {
  const { state } = play([ulr(T0, NO)], LIVE)
  const late = track(state, ulr(T0 - 30_000, SE), LIVE)
  t.same([late.state, late.clockStep], [state, false], 'within the window it is late')
  const stepped = track(state, ulr(T0 - 30_001, SE), LIVE)
  t.same([stepped.state?.country, stepped.clockStep, stepped.state?.countryTime], ['SE', true, T0 - 30_001], 'beyond it the clock was set back')
  t.same(track(state, ulr(T0 - 30_001, SE), REPLAY).state, state, 'a capture has no other clock')
  t.equal(track(undefined, ulr(T0 + 300_000, NO), LIVE, T0).state?.countryTime, T0 + 300_000)
  t.equal(track(undefined, ulr(T0 + 300_001, NO), LIVE, T0).state?.countryTime, T0, 'a stamp too far ahead takes the arrival time')
  t.equal(track(undefined, ulr(T0 + 300_001, NO), REPLAY, T0).state?.countryTime, T0 + 300_001)
  const year = play([ulr(T0 + 365 * DAY, NO)], LIVE).state
  const back = track(year, ulr(T0, NO), LIVE)
  t.match(back, { events: [], clockStep: true, state: { lastSeen: T0 - DAY / 2, visited: [{ country: 'NO', toldAt: T0 }] } }, 'the interval begins anew')
})

t.test('a sighting that is not formed as promised changes nothing', async t => {
  const { state } = play([ulr(T0, NO)])
  const times = [NaN, -1, 1.5, 2 ** 50].map(time => ({ time }))
  const imsis = ['', '12345', '1234567890123456', '24201x'].map(imsi => ({ imsi }))
  for (const bad of [...times, ...imsis]) {
    const outcome = track(state, { ...ulr(T0 + 1, SE), ...bad }, REPLAY)
    t.equal(outcome.state, state, JSON.stringify(bad))
    t.equal(outcome.events.length, 0)
  }
})
