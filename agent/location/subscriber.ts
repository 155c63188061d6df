import type { NodeType } from '../diameter/sighting.ts'
import type { EventHandset } from './event.ts'

/** One node type's registration of a SIM (TS 29.272 clause 5.2.1). It is kept after it ended: the node and its PLMN are still the last known. */
export interface Registration {
  /** MCC followed by MNC, five or six digits. */
  plmn: string
  /** DiameterIdentity of the serving node, lower case. */
  host: string
  realm: string
  /** Time of the sighting that last said something of this registration, ms since 1970. */
  time: number
  /** False after a PUR, a CLR or the other node's Single-Registration. */
  active: boolean
  /** Whether the node is registered for SMS; undefined when it never said. */
  smsRegistered: boolean | undefined
  /** MME-Number-for-MT-SMS or SGSN-Number, digits. */
  smsNumber: string | undefined
}

/** A fact with its own time, so that a late sighting can be news about one fact and stale about another. */
export interface KnownHandset extends EventHandset {
  time: number
}

/** When the periodic-country event of one country was last told. */
export interface VisitedCountry {
  /** ISO 3166-1 alpha-2. */
  country: string
  /** ms since 1970. */
  toldAt: number
}

/** What is known about one SIM. Immutable: the tracker returns a new one where something changed and the same one where nothing did. */
export interface Subscriber {
  readonly imsi: string
  /** True once an Update-Location succeeded or an import said so: no first attachment is told any more. */
  readonly attached: boolean
  readonly registrations: Readonly<Partial<Record<NodeType, Registration>>>
  /** Country the SIM is in (ISO 3166-1 alpha-2), undefined before the first country that is known. */
  readonly country: string | undefined
  /** Time of the sighting that decided `country`. */
  readonly countryTime: number
  readonly handset: KnownHandset | undefined
  readonly number: string | undefined
  readonly numberTime: number
  /** Last sign of life, ms since 1970; rewritten at most once a day. */
  readonly lastSeen: number
  readonly visited: readonly VisitedCountry[]
}
