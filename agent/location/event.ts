/** The four kinds of event, by the names used on the command line and in JSON output. */
export const EVENT_KINDS = ['handset-change', 'first-attachment', 'country-change', 'periodic-country'] as const

export type EventKind = typeof EVENT_KINDS[number]

/** A handset as an event tells it: the contract's ImeiSv. */
export interface EventHandset {
  imei: string
  /** Absent when the network did not say. */
  softwareVersion: string | undefined
}

/**
 * Something that happened to one SIM. All properties are always present; `undefined` means not known or not of this kind.
 */
export interface SubscriberEvent {
  kind: EventKind
  /** When it happened: the time of the sighting (or of the check that found it due), milliseconds since 1970 (UTC). */
  time: number
  imsi: string
  /** MSISDN known after the sighting, digits without "+". */
  number: string | undefined
  /** handset-change: the handset before, if there was one. */
  previousHandset: EventHandset | undefined
  /** handset-change: the handset now. */
  handset: EventHandset | undefined
  /** country-change: ISO 3166-1 alpha-2 of the country before. */
  previousCountry: string | undefined
  /** country-change and periodic-country: ISO 3166-1 alpha-2 of the country now. */
  country: string | undefined
}

/** An event of a SIM that says nothing yet but whose it is. */
export function eventOf (kind: EventKind, { imsi, number }: Pick<SubscriberEvent, 'imsi' | 'number'>, time: number): SubscriberEvent {
  return { kind, time, imsi, number, previousHandset: undefined, handset: undefined, previousCountry: undefined, country: undefined }
}
