import type { Address } from './address.ts'
import { decodeAddress } from './address-field.ts'
import { Cursor } from './cursor.ts'
import { decodeTime, TIME_OCTETS, type ZonedTime } from './service-centre-time.ts'
import { FLAG, MESSAGE_TYPE, VALIDITY_FORMAT_SHIFT, type Direction, type ReportParameters, type Tpdu, type TpduDamage } from './tpdu.ts'
import { decodeUserData, type UserData } from './user-data.ts'
import { decodeValidity, validityOctets } from './validity.ts'

/** A TP-FCS is 80 or more; a TP-PI is less as long as its extension is not in use (TS 23.040 clauses 9.2.3.22 and 9.2.3.27). */
const FAILURE_CAUSES_FROM = 0x80

/** Bits of TP-PI (TS 23.040 clause 9.2.3.27): what follows, and that another octet of it follows first. */
const PARAMETER = { pid: 0x01, dcs: 0x02, userData: 0x04, extension: 0x80 } as const

/** What a decoder gives: the message, or the name of what is wrong with it. */
type Decoded = Tpdu | TpduDamage

/** Reads a TPDU. What follows its end is passed over. Never throws. */
export function decodeTpdu (bytes: Uint8Array, direction: Direction): Tpdu | TpduDamage {
  const cursor = new Cursor(bytes)
  const first = cursor.octet()
  if (cursor.short) return 'tpdu.cut-short'
  const decoded = decoderOf(first & 3, direction)?.(cursor, first) ?? 'tpdu.type'
  // What is wrong because the octets ran out is that, whatever else it looks like.
  return cursor.short ? 'tpdu.cut-short' : decoded
}

function decoderOf (type: number, direction: Direction): ((cursor: Cursor, first: number) => Decoded) | undefined {
  if (direction === 'from-phone') return type === MESSAGE_TYPE.submit ? submit : type === MESSAGE_TYPE.deliverReport ? deliverReport : undefined
  if (type === MESSAGE_TYPE.deliver) return deliver
  return type === MESSAGE_TYPE.submitReport ? submitReport : type === MESSAGE_TYPE.statusReport ? statusReport : undefined
}

function deliver (cursor: Cursor, first: number): Decoded {
  const from = address(cursor)
  if (from === undefined) return 'tpdu.address'
  const pid = cursor.octet()
  const dcs = cursor.octet()
  const at = time(cursor)
  const userData = decodeUserData(cursor, dcs, (first & FLAG.header) !== 0)
  if (userData === undefined) return 'tpdu.user-data'
  return { kind: 'deliver', from, pid, dcs, time: at, more: (first & FLAG.noMore) === 0, ...commonFlags(first), userData }
}

function submit (cursor: Cursor, first: number): Decoded {
  const reference = cursor.octet()
  const to = address(cursor)
  if (to === undefined) return 'tpdu.address'
  const pid = cursor.octet()
  const dcs = cursor.octet()
  const format = first >>> VALIDITY_FORMAT_SHIFT & 3
  const octets = cursor.take(validityOctets(format))
  const validity = cursor.short ? undefined : decodeValidity(format, octets)
  const userData = decodeUserData(cursor, dcs, (first & FLAG.header) !== 0)
  if (userData === undefined) return 'tpdu.user-data'
  const rejectDuplicates = (first & FLAG.rejectDuplicates) !== 0
  return { kind: 'submit', to, reference, pid, dcs, validity, rejectDuplicates, ...commonFlags(first), userData }
}

function deliverReport (cursor: Cursor, first: number): Decoded {
  const failureCause = failure(cursor)
  const parameters = reportParameters(cursor, first)
  return parameters === undefined ? 'tpdu.user-data' : { kind: 'deliver-report', failureCause, ...parameters }
}

function submitReport (cursor: Cursor, first: number): Decoded {
  const failureCause = failure(cursor)
  const indicator = readIndicator(cursor)
  const at = time(cursor)
  const parameters = reportParameters(cursor, first, indicator)
  return parameters === undefined ? 'tpdu.user-data' : { kind: 'submit-report', failureCause, time: at, ...parameters }
}

function statusReport (cursor: Cursor, first: number): Decoded {
  const reference = cursor.octet()
  const to = address(cursor)
  if (to === undefined) return 'tpdu.address'
  const at = time(cursor)
  const dischargeTime = time(cursor)
  const status = cursor.octet()
  // TP-PI may be left out here.
  const parameters = reportParameters(cursor, first, cursor.ended ? 0 : readIndicator(cursor))
  if (parameters === undefined) return 'tpdu.user-data'
  const more = (first & FLAG.noMore) === 0
  const answersCommand = (first & FLAG.statusReport) !== 0
  return { kind: 'status-report', reference, more, answersCommand, to, time: at, dischargeTime, status, ...parameters }
}

function commonFlags (first: number): { statusReport: boolean, replyPath: boolean } {
  return { statusReport: (first & FLAG.statusReport) !== 0, replyPath: (first & FLAG.replyPath) !== 0 }
}

/** Undefined when it is longer than an address may be, or cut short, which the cursor then tells. */
function address (cursor: Cursor): Address | undefined {
  const decoded = decodeAddress(cursor.bytes, cursor.at)
  if (decoded !== undefined) cursor.at = decoded.end
  else cursor.take(2 + Math.ceil((cursor.bytes[cursor.at] ?? 0) / 2))
  return decoded?.address
}

function time (cursor: Cursor): ZonedTime | undefined {
  const octets = cursor.take(TIME_OCTETS)
  return cursor.short ? undefined : decodeTime(octets)
}

/** TP-FCS, where the report has one. */
function failure (cursor: Cursor): number | undefined {
  return (cursor.bytes[cursor.at] ?? 0) >= FAILURE_CAUSES_FROM ? cursor.octet() : undefined
}

/** The first octet of TP-PI; those that extend it say nothing that is known. */
function readIndicator (cursor: Cursor): number {
  const indicator = cursor.octet()
  for (let last = indicator; (last & PARAMETER.extension) !== 0; last = cursor.octet());
  return indicator
}

/** What TP-PI announces; undefined when the user data are longer than they may be. */
function reportParameters (cursor: Cursor, first: number, indicator = readIndicator(cursor)): ReportParameters | undefined {
  const pid = (indicator & PARAMETER.pid) === 0 ? undefined : cursor.octet()
  const dcs = (indicator & PARAMETER.dcs) === 0 ? undefined : cursor.octet()
  let userData: UserData | undefined
  if ((indicator & PARAMETER.userData) !== 0) {
    userData = decodeUserData(cursor, dcs ?? 0, (first & FLAG.header) !== 0)
    if (userData === undefined) return undefined
  }
  return { pid, dcs, userData }
}
