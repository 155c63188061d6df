import { uint24, uint32 } from '../lib/bytes.ts'
import { VENDOR_3GPP } from './codes.ts'
import { isGrouped } from './grouped.ts'

/** A message of any command, with the keys under which an independent decode gives the same. */
export type Description = Record<string, string | number | boolean>

/** How a value is shown. */
type Form = 'text' | 'number' | 'hex'

/** Groups inside groups. S6a has four; this is far beyond and bounds the work. */
const MAX_DEPTH = 16
const MAX_AVPS = 10_000

/** What is shown of the base protocol, vendor 0. */
const BASE: Readonly<Record<number, [key: string, form: Form]>> = {
  1: ['userName', 'text'],
  263: ['sessionId', 'text'],
  264: ['originHost', 'text'],
  268: ['resultCode', 'number'],
  278: ['originStateId', 'number'],
  283: ['destinationRealm', 'text'],
  293: ['destinationHost', 'text'],
  296: ['originRealm', 'text'],
  298: ['experimentalResultCode', 'number']
}

/** What is shown of 3GPP. */
const GPP: Readonly<Record<number, [key: string, form: Form]>> = {
  701: ['msisdnHex', 'hex'],
  1032: ['ratType', 'number'],
  1402: ['imei', 'text'],
  1403: ['softwareVersion', 'text'],
  1405: ['ulrFlags', 'number'],
  1406: ['ulaFlags', 'number'],
  1407: ['visitedPlmn', 'hex'],
  1420: ['cancellationType', 'number'],
  1442: ['puaFlags', 'number'],
  1443: ['norFlags', 'number'],
  1445: ['equipmentStatus', 'number'],
  1471: ['meid', 'hex'],
  1489: ['sgsnNumberHex', 'hex'],
  1490: ['idrFlags', 'number'],
  1645: ['mmeNumberForMtSmsHex', 'hex']
}

const utf8 = new TextDecoder()

/**
 * Describes one message, `bytes[start, end)`: its header, and of each known AVP the first there is, groups walked depth first. Undefined when
 * the AVPs do not add up. Never throws.
 */
export function describe (bytes: Uint8Array, start: number, end: number): Description | undefined {
  if (end - start < 20 || bytes[start] !== 1) return undefined
  const flags = bytes[start + 4]!
  const found: Description = {
    cmd: uint24(bytes, start + 5),
    request: (flags & 0x80) !== 0,
    flags: flags.toString(16).padStart(2, '0'),
    appId: uint32(bytes, start + 8),
    hbh: `0x${uint32(bytes, start + 12).toString(16).padStart(8, '0')}`,
    e2e: `0x${uint32(bytes, start + 16).toString(16).padStart(8, '0')}`,
    length: uint24(bytes, start + 1)
  }
  return walk(bytes, start + 20, end, found, 0, { avps: 0 }) ? found : undefined
}

/** Walks a row of AVPs; false when a length is wrong. A broken group inside costs the rest of that group. */
function walk (bytes: Uint8Array, start: number, end: number, found: Description, depth: number, count: { avps: number }): boolean {
  let at = start
  while (at < end) {
    if (end - at < 8 || ++count.avps > MAX_AVPS) return false
    const code = uint32(bytes, at)
    const hasVendor = (bytes[at + 4]! & 0x80) !== 0
    const header = hasVendor ? 12 : 8
    const length = uint24(bytes, at + 5)
    if (length < header || length > end - at) return false
    const vendor = hasVendor ? uint32(bytes, at + 8) : 0
    if (isGrouped(vendor, code) && depth < MAX_DEPTH) walk(bytes, at + header, at + length, found, depth + 1, count)
    else show(bytes, code, vendor, at + header, at + length, found)
    at += (length + 3) & ~3
  }
  return true
}

function show (bytes: Uint8Array, code: number, vendor: number, start: number, end: number, found: Description): void {
  const shown = vendor === 0 ? BASE[code] : vendor === VENDOR_3GPP ? GPP[code] : undefined
  if (shown === undefined) return
  const [key, form] = shown
  if (key in found) return
  if (form === 'text') found[key] = utf8.decode(bytes.subarray(start, end))
  else if (form === 'hex') found[key] = hex(bytes, start, end)
  else if (end - start === 4) found[key] = uint32(bytes, start)
  if (key === 'msisdnHex') found['msisdn'] = tbcdText(bytes, start, end)
}

function hex (bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at++) text += bytes[at]!.toString(16).padStart(2, '0')
  return text
}

/** The digits of a TBCD string, up to its filler (TS 29.002 clause 17.7.8). */
function tbcdText (bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at++) {
    for (const nibble of [bytes[at]! & 15, bytes[at]! >>> 4]) {
      if (nibble === 15) return text
      text += nibble.toString(16)
    }
  }
  return text
}
