import type { Sighting, SightingKind } from '../../agent/diameter/sighting.ts'
import { DEFAULT_POLICY, type TrackerPolicy } from '../../agent/location/policy.ts'
import type { Subscriber } from '../../agent/location/subscriber.ts'
import { track, type Tracked } from '../../agent/location/tracker.ts'

export const IMSI = '242011234567890'
export const DAY = 86_400_000
/** Noon of a day, so that seconds about it are of the same day. */
export const T0 = Date.UTC(2026, 2, 1, 12)

export const LIVE: TrackerPolicy = DEFAULT_POLICY
export const REPLAY: TrackerPolicy = { ...DEFAULT_POLICY, mode: 'replay' }

/** A sighting of the test's one SIM, saying nothing but what is given. */
export function sighting (kind: SightingKind, time: number, says: Partial<Sighting> = {}): Sighting {
  return {
    kind,
    time,
    imsi: IMSI,
    node: 'mme',
    plmn: undefined,
    host: 'mme1.no',
    realm: 'no',
    singleRegistration: false,
    smsRegistered: undefined,
    reachable: false,
    smsNumber: undefined,
    imei: undefined,
    softwareVersion: undefined,
    msisdn: undefined,
    cancellationType: undefined,
    ...says
  }
}

/** A successful Update-Location in a network. */
export function ulr (time: number, plmn: string | undefined, says: Partial<Sighting> = {}): Sighting {
  return sighting('ULR', time, { plmn, ...says })
}

/** One after the other, from nothing or from a state. Returns the last outcome with the events of all. */
export function play (sightings: readonly Sighting[], policy: TrackerPolicy = REPLAY, from?: Subscriber): Tracked & { told: string[] } {
  let outcome: Tracked = { state: from, events: [], clockStep: false, unknownCountry: false }
  const told: string[] = []
  for (const one of sightings) {
    outcome = track(outcome.state, one, policy)
    for (const event of outcome.events) told.push(line(event))
  }
  return { ...outcome, told }
}

/** An event in a few words. */
export function line (event: Tracked['events'][number]): string {
  const { kind, time, previousHandset, handset, previousCountry, country } = event
  const what = kind === 'handset-change'
    ? `${handsetWords(previousHandset)}>${handsetWords(handset)}`
    : kind === 'country-change' ? `${previousCountry}>${country}` : country ?? ''
  return `${kind} ${what}@${time - T0}`
}

function handsetWords (handset: { imei: string, softwareVersion: string | undefined } | undefined): string {
  return handset === undefined ? '-' : `${handset.imei}/${handset.softwareVersion ?? '-'}`
}
