import { uint16 } from '../../lib/bytes.ts'

/** Optional parameters by tag (SMPP 3.4 clause 5.3): of a tag that comes twice the first one. */
export type Tlvs = ReadonlyMap<number, Uint8Array>

const TLV_HEADER_BYTES = 4

/** Reads what is behind the mandatory fields; undefined when a parameter is longer than what is there. Up to 3 octets at the end are no parameter. */
export function readTlvs (bytes: Uint8Array, start: number): Tlvs | undefined {
  const tlvs = new Map<number, Uint8Array>()
  let at = start
  while (bytes.length - at >= TLV_HEADER_BYTES) {
    const tag = uint16(bytes, at)
    const next = at + TLV_HEADER_BYTES + uint16(bytes, at + 2)
    if (next > bytes.length) return undefined
    if (!tlvs.has(tag)) tlvs.set(tag, bytes.subarray(at + TLV_HEADER_BYTES, next))
    at = next
  }
  return tlvs
}

/** The parameters' octets; undefined when one is longer than its length can say. */
export function tlvBytes (tlvs: Tlvs): Uint8Array | undefined {
  const parts: Uint8Array[] = []
  for (const [tag, value] of tlvs) {
    if (value.length > 0xffff) return undefined
    parts.push(Buffer.from([tag >> 8, tag & 0xff, value.length >> 8, value.length & 0xff]), value)
  }
  return Buffer.concat(parts)
}
