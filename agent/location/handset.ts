import type { EventHandset } from './event.ts'
import { isDigits } from './digits.ts'
import type { Order } from './order.ts'
import type { KnownHandset, KnownVersion, Subscriber } from './subscriber.ts'

/** TAC and serial number (TS 23.003 clause 6.2.1): the digits that say which handset it is. The 15th is a check digit, or 0. */
const HANDSET_DIGITS = 14

/** An IMEISV (TS 23.003 clause 6.2.2) that some nodes put where an IMEI belongs: its last two digits are the software version. */
const IMEISV_DIGITS = 16

/** Longest software version that is kept, in characters; the standard has two digits. */
const MAX_VERSION = 16

/** Which handset an IMEI of 14 to 16 digits names. */
export function handsetId (imei: string): string {
  return imei.slice(0, HANDSET_DIGITS)
}

/** The handset as a sighting tells it, an IMEISV taken apart; undefined when it tells none. */
export function handsetTold (imei: string | undefined, softwareVersion: string | undefined): EventHandset | undefined {
  if (imei === undefined || !isDigits(imei, HANDSET_DIGITS, IMEISV_DIGITS)) return undefined
  const said = softwareVersion !== undefined && softwareVersion !== '' && softwareVersion.length <= MAX_VERSION ? softwareVersion : undefined
  return imei.length < IMEISV_DIGITS
    ? { imei, softwareVersion: said }
    : { imei: handsetId(imei), softwareVersion: said ?? imei.slice(HANDSET_DIGITS) }
}

/**
 * Handset and version after a sighting told of one: each newest by its own time, and the version shown with the handset it was told of.
 * The same objects where nothing changed.
 */
export function handsetAfter (before: Subscriber, told: EventHandset, order: Order): { handset: KnownHandset, version: KnownVersion | undefined } {
  const version = told.softwareVersion === undefined ? before.version : versionAfter(before.version, told.imei, told.softwareVersion, order)
  const known = before.handset
  const current = known === undefined || order.admits(known.time) ? { imei: told.imei, time: order.time } : known
  const softwareVersion = version?.imei === handsetId(current.imei) ? version.softwareVersion : undefined
  const same = known?.imei === current.imei && known.time === current.time && known.softwareVersion === softwareVersion
  return { handset: same ? known : { imei: current.imei, softwareVersion, time: current.time }, version }
}

function versionAfter (known: KnownVersion | undefined, imei: string, softwareVersion: string, order: Order): KnownVersion {
  if (known === undefined) return { imei: handsetId(imei), softwareVersion, time: order.time }
  if (!order.admits(known.time)) return known
  const same = known.imei === handsetId(imei) && known.softwareVersion === softwareVersion && known.time === order.time
  return same ? known : { imei: handsetId(imei), softwareVersion, time: order.time }
}
