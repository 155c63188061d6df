/** Castagnoli's polynomial with its bits reversed (RFC 9260 appendix A). */
const POLYNOMIAL = 0x82f63b78

/** Bytes taken in one step; table n tells what a byte does that is followed by n others of its step. */
const SLICES = 8

const TABLE = makeTable()

/**
 * CRC-32C of `bytes[start, end)` as an unsigned 32-bit number (RFC 9260 appendix A). Eight bytes a step, since every record that is read or
 * written passes here.
 */
export function crc32c (bytes: Uint8Array, start = 0, end = bytes.length): number {
  const table = TABLE
  let crc = 0xffffffff
  let at = start
  for (const last = end - SLICES; at <= last; at += SLICES) {
    crc = table[0x700 | ((crc ^ bytes[at]!) & 0xff)]! ^
      table[0x600 | (((crc >>> 8) ^ bytes[at + 1]!) & 0xff)]! ^
      table[0x500 | (((crc >>> 16) ^ bytes[at + 2]!) & 0xff)]! ^
      table[0x400 | ((crc >>> 24) ^ bytes[at + 3]!)]! ^
      table[0x300 | bytes[at + 4]!]! ^
      table[0x200 | bytes[at + 5]!]! ^
      table[0x100 | bytes[at + 6]!]! ^
      table[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = table[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

function makeTable (): Uint32Array {
  const table = new Uint32Array(SLICES * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    table[byte] = crc
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256]!
    table[at] = table[before & 0xff]! ^ (before >>> 8)
  }
  return table
}
