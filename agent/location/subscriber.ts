import type { NodeType } from '../diameter/sighting.ts'
import type { EventHandset } from './event.ts'

/** One node type's registration of a SIM (TS 29.272 clause 5.2.1). It is kept after it ended: the node and its PLMN are still the last known. */
export interface Registration {
  /** MCC followed by MNC, five or six digits; undefined when the Update-Location named none that can be read. */
  readonly plmn: string | undefined
  /** DiameterIdentity of the serving node, lower case; empty when it is not known. */
  readonly host: string
  /** Its realm; empty when it is not known. */
  readonly realm: string
  /** Time of the sighting that last said something of this registration, ms since 1970. */
  readonly time: number
  /** False after a PUR, a CLR or the other node's Single-Registration. */
  readonly active: boolean
  /** Whether the node is registered for SMS; undefined when its last Update-Location did not say. */
  readonly smsRegistered: boolean | undefined
  /** MME-Number-for-MT-SMS or SGSN-Number, digits. */
  readonly smsNumber: string | undefined
}

export type Registrations = Readonly<Partial<Record<NodeType, Registration>>>

/**
 * The handset the SIM was seen in last. `softwareVersion` is that of `Subscriber.version` when that was told of this handset, so that a
 * sighting that names the handset alone does not lose it.
 */
export interface KnownHandset extends EventHandset {
  readonly time: number
}

/** The software version that was told last: a fact with its own time, since many sightings name the handset only. */
export interface KnownVersion {
  /** First 14 digits of the IMEI it was told of. */
  readonly imei: string
  readonly softwareVersion: string
  readonly time: number
}

/** When the periodic-country event of one country was last told. */
export interface VisitedCountry {
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** ms since 1970. */
  readonly toldAt: number
}

/** The country change that was told last. */
export interface ToldChange {
  /** ISO 3166-1 alpha-2 of the country that it told as the present one. */
  readonly country: string
  /** The event's time, ms since 1970. */
  readonly time: number
}

/** What is known about one SIM. Immutable: the tracker returns a new one where something changed and the same one where nothing did. */
export interface Subscriber {
  readonly imsi: string
  /** True once an Update-Location succeeded or an import said so: no first attachment is told any more. */
  readonly attached: boolean
  readonly registrations: Registrations
  /** Country the SIM is in (ISO 3166-1 alpha-2), undefined before the first country that is known. */
  readonly country: string | undefined
  /** Time of the sighting that decided `country`; 0 while there is none. */
  readonly countryTime: number
  readonly handset: KnownHandset | undefined
  readonly version: KnownVersion | undefined
  /** MSISDN, international digits without "+". */
  readonly number: string | undefined
  /** Time of the sighting that told `number`; 0 while there is none. */
  readonly numberTime: number
  /** Start of the UTC day of the last sign of life, ms since 1970: so it is rewritten at most once a day. 0 before the first. */
  readonly lastSeen: number
  /** The country told last comes last. */
  readonly visited: readonly VisitedCountry[]
  /** The change told last, which may hold others back; undefined where none is damped. Where it told another country than `country`, a change waits. */
  readonly lastChange: ToldChange | undefined
}

/** A SIM of which nothing is known yet. */
export function unknownSubscriber (imsi: string): Subscriber {
  return {
    imsi,
    attached: false,
    registrations: NO_REGISTRATIONS,
    country: undefined,
    countryTime: 0,
    handset: undefined,
    version: undefined,
    number: undefined,
    numberTime: 0,
    lastSeen: 0,
    visited: NO_VISITS,
    lastChange: undefined
  }
}

const NO_REGISTRATIONS: Registrations = Object.freeze({})
const NO_VISITS: readonly VisitedCountry[] = Object.freeze([])
