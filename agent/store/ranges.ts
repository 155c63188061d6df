import { dueKey, eventKey, numberKey } from './keys.ts'

/** A stretch of a table to walk, `end` not included. */
export interface KeyRange { start: Buffer, end: Buffer, limit: number }

/** Sorts before and after every IMSI: keys hold digits as 0 to 9, filled up with F. */
const FIRST_IMSI = '000000'
const LAST_IMSI = '999999999999999'

/** The events of one kind from an id on. */
export function eventRange (tenant: number, kind: number, from: number, limit: number): KeyRange {
  return { start: eventKey(tenant, kind, from), end: eventKey(tenant, kind, Number.MAX_SAFE_INTEGER), limit }
}

/** What was told before a time (ms since 1970), oldest first. */
export function dueRange (tenant: number, before: number, limit: number): KeyRange {
  return { start: dueKey(tenant, 0, FIRST_IMSI), end: dueKey(tenant, Math.max(0, before), FIRST_IMSI), limit }
}

/** The SIMs that have a number. */
export function numberRange (tenant: number, msisdn: string, limit: number): KeyRange {
  return { start: numberKey(tenant, msisdn, FIRST_IMSI), end: Buffer.concat([numberKey(tenant, msisdn, LAST_IMSI), Buffer.of(0xff)]), limit }
}
