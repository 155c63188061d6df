import type { Sighting } from '../diameter/sighting.ts'
import { countryOf } from './countries.ts'
import { changeTold, mayTell, released } from './damping.ts'
import { isDigits } from './digits.ts'
import { eventOf, type EventHandset, type SubscriberEvent } from './event.ts'
import { handsetAfter, handsetId, handsetTold } from './handset.ts'
import { isTime, Order } from './order.ts'
import { dayOf, isDue, isThere, toldAt, visitedAfter } from './periodic.ts'
import type { TrackerPolicy } from './policy.ts'
import { isServedBy, registrationsAfter } from './registration.ts'
import { unknownSubscriber, type Subscriber } from './subscriber.ts'
import { countryDecided, someActive } from './whereabouts.ts'

/** What a sighting made of a subscriber. */
export interface Tracked {
  /** The very object that went in when nothing changed; undefined when nothing is known still. */
  state: Subscriber | undefined
  /** In the order of telling: a country change that was held back until then, first attachment, country change, periodic country, handset change. */
  events: readonly SubscriberEvent[]
  /** The sighting was older than a fact by more than answers overtake each other: the clock was set back, and arrival order won. */
  clockStep: boolean
  /** An Update-Location in a network of no known country: counted, and stored with its registration. */
  unknownCountry: boolean
}

/** A subscriber while a sighting is worked in. */
type Draft = { -readonly [Key in keyof Subscriber]: Subscriber[Key] }

/** TS 23.003 clause 2.2. */
const IMSI_DIGITS = { least: 6, most: 15 } as const

/** Digits of an international number (E.164) at most; sloppy provisioning has as few as two. */
const NUMBER_DIGITS = 15

const NO_EVENTS: readonly SubscriberEvent[] = Object.freeze([])

/**
 * What one sighting changes about a SIM, and what is to be told of that. Total: a sighting that is not formed as promised changes nothing.
 * `arrival` is the box's own time when it came, ms since 1970; only a live capture has one.
 */
export function track (state: Subscriber | undefined, sighting: Sighting, policy: TrackerPolicy, arrival?: number): Tracked {
  const order = new Order(sighting.time, policy.mode, arrival)
  if (!isTime(order.time) || !isDigits(sighting.imsi, IMSI_DIGITS.least, IMSI_DIGITS.most)) {
    return { state, events: NO_EVENTS, clockStep: false, unknownCountry: false }
  }
  const known = state ?? unknownSubscriber(sighting.imsi)
  const { state: before, change } = released(known, order, policy)
  const after: Draft = { ...before }
  takeFacts(before, after, sighting, order)
  const alive = isSignOfLife(after, sighting)
  if (alive && order.admits(before.lastSeen)) after.lastSeen = dayOf(order.time)
  const tellCountry = alive && takePeriodic(before, after, order, policy)
  const tellMove = isMove(before, after) && mayTell(before, order, policy)
  if (tellMove) after.lastChange = changeTold(after.country!, order.time, policy)
  const changed = differs(before, after)
  const events = changed ? told(before, after, { tellMove, tellCountry }, order.time, policy) : NO_EVENTS
  return {
    state: changed ? after : before === known ? state : before,
    events: change === undefined ? events : [change, ...events],
    clockStep: order.stepped,
    unknownCountry: sighting.kind === 'ULR' && (sighting.plmn === undefined || countryOf(sighting.plmn) === undefined)
  }
}

/** Tells the country of a SIM that is still there once the interval has passed; the same state and no events otherwise. */
export function due (state: Subscriber, now: number, policy: TrackerPolicy): { state: Subscriber, events: readonly SubscriberEvent[] } {
  // An interval may be no whole number of milliseconds; times are.
  const time = Math.ceil(now)
  if (state.country === undefined || !isTime(time) || !isDue(state, time, policy)) return { state, events: NO_EVENTS }
  const after: Subscriber = { ...state, visited: visitedAfter(state.visited, state.country, time) }
  return { state: after, events: [{ ...eventOf('periodic-country', after, time), country: state.country }] }
}

/** Works each fact into `after`, by its own time. */
function takeFacts (before: Subscriber, after: Draft, sighting: Sighting, order: Order): void {
  const { msisdn } = sighting
  after.registrations = registrationsAfter(before.registrations, sighting, order)
  if (sighting.kind === 'ULR') after.attached = true
  const country = countryDecided(before, after.registrations, sighting, order)
  if (country !== undefined) {
    after.country = country
    after.countryTime = order.time
  }
  if (msisdn !== undefined && isDigits(msisdn, 1, NUMBER_DIGITS) && order.admits(before.numberTime)) {
    after.number = msisdn
    after.numberTime = order.time
  }
  const handset = handsetTold(sighting.imei, sighting.softwareVersion)
  if (handset !== undefined) Object.assign(after, handsetAfter(before, handset, order))
}

/** Whether a sighting shows the SIM itself at work. An authentication elsewhere is an attempt: it shows nothing of where the SIM is. */
function isSignOfLife ({ registrations }: Subscriber, { kind, node, plmn, host }: Sighting): boolean {
  switch (kind) {
    case 'ULR':
    case 'ECR': return true
    case 'AIR': return plmn !== undefined && someActive(registrations, registration => registration.plmn === plmn)
    case 'NOR': return isServedBy(registrations[node], host)
    case 'PUR':
    case 'CLR':
    case 'IDR': return false
  }
}

/** Notes the country as told when it is due. Returns whether it is to be told. */
function takePeriodic (before: Subscriber, after: Draft, order: Order, policy: TrackerPolicy): boolean {
  const { time } = order
  if (after.country === undefined || time < after.countryTime) return false
  if (isDue(after, time, policy)) {
    after.visited = visitedAfter(before.visited, after.country, time)
    // A SIM's first country is part of getting to know it.
    return !(policy.learning && before.country === undefined)
  }
  const last = toldAt(after)
  // Told at a time that the clock, now set back, will reach again: or the country would stay untold until then.
  if (last !== undefined && last > time && isThere(after, time, policy) && order.admits(last)) after.visited = visitedAfter(before.visited, after.country, time)
  return false
}

/** Whether the country is another one than before; the first one is none. */
function isMove (before: Subscriber, after: Subscriber): boolean {
  return before.country !== undefined && after.country !== before.country
}

function told (
  before: Subscriber, after: Subscriber, { tellMove, tellCountry }: { tellMove: boolean, tellCountry: boolean }, time: number, policy: TrackerPolicy
): readonly SubscriberEvent[] {
  const events: SubscriberEvent[] = []
  const { handset, country } = after
  if (after.attached && !before.attached && !policy.learning) events.push(eventOf('first-attachment', after, time))
  if (tellMove) events.push({ ...eventOf('country-change', after, time), previousCountry: before.country, country })
  if (tellCountry) events.push({ ...eventOf('periodic-country', after, time), country })
  const isOther = handset !== undefined && (before.handset === undefined || handsetId(handset.imei) !== handsetId(before.handset.imei))
  if (isOther && !(policy.learning && before.handset === undefined)) {
    events.push({ ...eventOf('handset-change', after, time), previousHandset: plain(before.handset), handset: plain(handset) })
  }
  return events.length === 0 ? NO_EVENTS : events
}

function plain (handset: EventHandset | undefined): EventHandset | undefined {
  return handset === undefined ? undefined : { imei: handset.imei, softwareVersion: handset.softwareVersion }
}

/** Parts that did not change are the same objects. */
function differs (before: Subscriber, after: Subscriber): boolean {
  return before.registrations !== after.registrations || before.attached !== after.attached || before.country !== after.country ||
    before.countryTime !== after.countryTime || before.handset !== after.handset || before.version !== after.version ||
    before.number !== after.number || before.numberTime !== after.numberTime || before.lastSeen !== after.lastSeen || before.visited !== after.visited ||
    before.lastChange !== after.lastChange
}
