import { dueKey, eventKey, numberPrefix } from './keys.ts'

/** A stretch of a table to walk, `end` not included. */
export interface KeyRange { start: Buffer, end: Buffer, limit: number }

/** Bytes of a due key before its IMSI: tenant and time. */
const DUE_PREFIX_BYTES = 8

/** The events of one kind from an id on. */
export function eventRange (tenant: number, kind: number, from: number, limit: number): KeyRange {
  return { start: eventKey(tenant, kind, from), end: eventKey(tenant, kind, Number.MAX_SAFE_INTEGER), limit }
}

/** What was told at a time (ms since 1970) or before, oldest first. */
export function dueRange (tenant: number, until: number, limit: number): KeyRange {
  const prefix = (time: number): Buffer => dueKey(tenant, time, '000000').subarray(0, DUE_PREFIX_BYTES)
  return { start: prefix(0), end: prefix(Math.max(-1, until) + 1), limit }
}

/** The SIMs that have a number. */
export function numberRange (tenant: number, msisdn: string, limit: number): KeyRange {
  const start = numberPrefix(tenant, msisdn)
  // Digits end with F at the latest, so nothing that belongs to the number sorts behind this.
  return { start, end: Buffer.concat([start, Buffer.alloc(9, 0xff)]), limit }
}
