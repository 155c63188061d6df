import { MAX_VISITED, type TrackerPolicy } from './policy.ts'
import type { Subscriber, VisitedCountry } from './subscriber.ts'
import { countryOfRegistration, someActive } from './whereabouts.ts'

const DAY_MS = 86_400_000

/** The start of the UTC day of a time. */
export function dayOf (time: number): number {
  return time - time % DAY_MS
}

/** When the SIM's country was told last; undefined when it never was. */
export function toldAt (state: Subscriber): number | undefined {
  return state.visited.find(({ country }) => country === state.country)?.toldAt
}

/**
 * Whether the SIM counts as still in its country: a registration there that was neither purged nor cancelled, and a sign of life that is not
 * too long ago. A SIM that went on to a network of no country is not there, though its country stays the last one known.
 */
export function isThere (state: Subscriber, time: number, policy: TrackerPolicy): boolean {
  return state.country !== undefined && time < state.lastSeen + DAY_MS + policy.registeredWithoutSignMs &&
    someActive(state.registrations, registration => countryOfRegistration(registration) === state.country)
}

/** Whether the country is to be told at a time: the SIM is there, and it was never told or the interval has passed since. */
export function isDue (state: Subscriber, time: number, policy: TrackerPolicy): boolean {
  if (state.country === undefined || state.country === policy.homeCountryExcluded) return false
  const told = toldAt(state)
  return (told === undefined || time - told >= policy.periodicIntervalMs) && isThere(state, time, policy)
}

/** When `due` will next have something to tell if nothing happens before, ms since 1970; undefined when it will not. */
export function nextDue (state: Subscriber, policy: TrackerPolicy): number | undefined {
  const told = toldAt(state)
  const time = told === undefined ? state.countryTime : told + policy.periodicIntervalMs
  return isDue(state, time, policy) ? time : undefined
}

/** The countries after one was told; the one told longest ago goes when there are too many. */
export function visitedAfter (visited: readonly VisitedCountry[], country: string, time: number): readonly VisitedCountry[] {
  const others = visited.filter(visit => visit.country !== country)
  if (others.length >= MAX_VISITED) {
    const oldest = others.reduce((least, visit) => visit.toldAt < least.toldAt ? visit : least)
    others.splice(others.indexOf(oldest), 1)
  }
  others.push({ country, toldAt: time })
  return others
}
