import { uint24, uint32 } from '../../lib/bytes.ts'
import { RESULT } from './base.ts'
import type { Tag } from './tag.ts'

/** One AVP (RFC 6733 clause 4.1). */
export interface Avp {
  code: number
  /** 0 where the V bit is clear. */
  vendor: number
  /** As on the wire. The V bit follows the vendor when it is written. */
  flags: number
  data: Uint8Array
}

/** Bits of the AVP flags (RFC 6733 clause 4.1). */
export const AVP_FLAG = { vendor: 0x80, mandatory: 0x40 } as const

/** AVPs side by side at most: a message of 64 KiB could hold 8,192 empty ones, and no command has more than some dozens. */
const MAX_AVPS = 1_000

/** What is wrong with a row of AVPs: the Result-Code that says so, and what goes into Failed-AVP. */
export interface Fault {
  result: number
  failed: Avp | undefined
}

const utf8 = new TextEncoder()
const text8 = new TextDecoder()

/** An AVP of octets. */
export function octets ({ code, vendor, mandatory }: Tag, data: Uint8Array): Avp {
  return { code, vendor, flags: mandatory ? AVP_FLAG.mandatory : 0, data }
}

/** An AVP of text: UTF8String or DiameterIdentity. */
export function text (tag: Tag, value: string): Avp {
  return octets(tag, utf8.encode(value))
}

/** An Unsigned32 or Enumerated. */
export function unsigned (tag: Tag, value: number): Avp {
  const data = new Uint8Array(4)
  new DataView(data.buffer).setUint32(0, value)
  return octets(tag, data)
}

/** A Grouped AVP. */
export function group (tag: Tag, avps: readonly Avp[]): Avp {
  const data = new Uint8Array(sizeOf(avps))
  writeAvps(avps, data, 0)
  return octets(tag, data)
}

/** Bytes that a row of AVPs takes, padding included. */
export function sizeOf (avps: readonly Avp[]): number {
  return avps.reduce((sum, { vendor, data }) => sum + padded((vendor === 0 ? 8 : 12) + data.length), 0)
}

/** Writes a row of AVPs into `bytes` at `at`; `sizeOf` says how much room it takes. */
export function writeAvps (avps: readonly Avp[], bytes: Uint8Array, at: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  for (const { code, vendor, flags, data } of avps) {
    const header = vendor === 0 ? 8 : 12
    const kept = flags & ~AVP_FLAG.vendor
    view.setUint32(at, code)
    view.setUint32(at + 4, (vendor === 0 ? kept : kept | AVP_FLAG.vendor) * 0x1000000 + header + data.length)
    if (vendor !== 0) view.setUint32(at + 8, vendor)
    bytes.set(data, at + header)
    at += padded(header + data.length)
  }
}

/**
 * Reads a row of AVPs, `bytes[start, end)`, one level of it; their data are views. Where a length is wrong it gives what came before and the
 * fault (RFC 6733 clause 7.1.5). The last AVP's padding may be missing.
 */
export function readAvps (bytes: Uint8Array, start = 0, end = bytes.length): { avps: Avp[], fault: Fault | undefined } {
  const avps: Avp[] = []
  let at = start
  while (at < end) {
    if (avps.length >= MAX_AVPS) return { avps, fault: { result: RESULT.resourcesExceeded, failed: undefined } }
    if (end - at < 8) return { avps, fault: { result: RESULT.invalidAvpLength, failed: undefined } }
    const code = uint32(bytes, at)
    const flags = bytes[at + 4]!
    const length = uint24(bytes, at + 5)
    const header = (flags & AVP_FLAG.vendor) === 0 ? 8 : 12
    const vendor = header === 12 && end - at >= 12 ? uint32(bytes, at + 8) : 0
    if (length < header || length > end - at) {
      return { avps, fault: { result: RESULT.invalidAvpLength, failed: { code, vendor, flags, data: new Uint8Array(0) } } }
    }
    avps.push({ code, vendor, flags, data: bytes.subarray(at + header, at + length) })
    at += padded(length)
  }
  return { avps, fault: undefined }
}

/** The first AVP of its kind. */
export function find (avps: readonly Avp[], { code, vendor }: Tag): Avp | undefined {
  return avps.find(avp => avp.code === code && avp.vendor === vendor)
}

/** All AVPs of a kind, in their order. */
export function findAll (avps: readonly Avp[], { code, vendor }: Tag): Avp[] {
  return avps.filter(avp => avp.code === code && avp.vendor === vendor)
}

/** The AVPs in the first group of its kind: none where there is no such group or it does not add up. */
export function within (avps: readonly Avp[], tag: Tag): Avp[] {
  const found = find(avps, tag)
  if (found === undefined) return []
  const { avps: inner, fault } = readAvps(found.data)
  return fault === undefined ? inner : []
}

/** The value of the first Unsigned32 or Enumerated of its kind; undefined where there is none of four octets. */
export function numberOf (avps: readonly Avp[], tag: Tag): number | undefined {
  const data = find(avps, tag)?.data
  return data?.length === 4 ? uint32(data, 0) : undefined
}

/** The text of the first AVP of its kind. What is not UTF-8 becomes U+FFFD. */
export function textOf (avps: readonly Avp[], tag: Tag): string | undefined {
  const data = find(avps, tag)?.data
  return data === undefined ? undefined : text8.decode(data)
}

function padded (length: number): number {
  return (length + 3) & ~3
}
