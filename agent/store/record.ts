import { crc32c } from '../lib/crc32c.ts'
import { RecordDamaged } from './record-damaged.ts'

/** Bytes of the checksum that ends each record. */
export const CHECKSUM_BYTES = 4

/** Room that most records fit in. */
const ROOM = 128

/** The nibble that fills up an odd number of digits (TBCD, TS 29.002 clause 17.7.8). */
const FILLER = 0xf

const SHORT = 'it is shorter than its fields'
const LARGE = 'a number in it is too large'

/** Puts one record together: a version byte, fields one after the other, CRC-32C of all of it. */
export class RecordWriter {
  #bytes = Buffer.allocUnsafe(ROOM)
  #length = 0

  constructor (version: number) {
    this.byte(version)
  }

  byte (value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  /** A whole number from 0 to 2^53 - 1 as LEB128, by arithmetic since it may pass 2^32. */
  number (value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 128) {
      this.#bytes[this.#length++] = rest % 128 + 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  /** A string of digits: how many, then two a byte. */
  digits (digits: string): void {
    this.number(digits.length)
    this.#reserve((digits.length + 1) >> 1)
    for (let at = 0; at < digits.length; at += 2) {
      const low = at + 1 < digits.length ? digits.charCodeAt(at + 1) - 48 : FILLER
      this.#bytes[this.#length++] = ((digits.charCodeAt(at) - 48) << 4) | low
    }
  }

  /** Any text: how many bytes, then those. */
  text (text: string): void {
    const size = Buffer.byteLength(text)
    this.number(size)
    this.#reserve(size)
    this.#length += this.#bytes.write(text, this.#length)
  }

  /** Any bytes: how many, then those. */
  bytes (bytes: Uint8Array): void {
    this.number(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** An ISO 3166-1 alpha-2 code: two bytes. */
  country (code: string): void {
    this.byte(code.charCodeAt(0))
    this.byte(code.charCodeAt(1))
  }

  /** The whole record. */
  end (): Buffer {
    this.#reserve(CHECKSUM_BYTES)
    const length = this.#length
    this.#bytes.writeUInt32BE(crc32c(this.#bytes, 0, length), length)
    return Buffer.from(this.#bytes.subarray(0, length + CHECKSUM_BYTES))
  }

  #reserve (size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const bytes = Buffer.allocUnsafe((this.#length + size) * 2)
    this.#bytes.copy(bytes, 0, 0, this.#length)
    this.#bytes = bytes
  }
}

/** Takes a record apart in the order in which it was written. `what` names the kind of record in errors. */
export class RecordReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  readonly #end: number
  /** Version of the layout: 1 to the newest that is known. */
  readonly version: number
  #at = 1

  /** `newest`: the newest layout that is known. Throws RecordDamaged when the checksum is wrong, or when it is right and the layout newer. */
  constructor (bytes: Uint8Array, newest: number, what: string) {
    this.#bytes = bytes
    this.#what = what
    this.#end = bytes.length - CHECKSUM_BYTES
    if (this.#end < 1 || readUint32(bytes, this.#end) !== crc32c(bytes, 0, this.#end)) throw new RecordDamaged(what)
    this.version = bytes[0]!
    if (this.version < 1 || this.version > newest) {
      throw new RecordDamaged(what, `it has layout version ${this.version}, and this landfall knows up to ${newest}: a newer one wrote it`)
    }
  }

  byte (): number {
    if (this.#at >= this.#end) throw new RecordDamaged(this.#what, SHORT)
    return this.#bytes[this.#at++]!
  }

  number (): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte()
      value += (byte % 128) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new RecordDamaged(this.#what, LARGE)
      if (byte < 128) return value
    }
  }

  digits (): string {
    const length = this.number()
    let digits = ''
    for (let at = 0; at < length; at += 2) {
      const byte = this.byte()
      digits += String.fromCharCode(48 + (byte >> 4))
      if (at + 1 < length) digits += String.fromCharCode(48 + (byte & 0xf))
    }
    return digits
  }

  text (): string {
    return this.bytes().toString()
  }

  /** A view of the record's own bytes. */
  bytes (): Buffer {
    const length = this.number()
    const from = this.#at
    if (length > this.#end - from) throw new RecordDamaged(this.#what, SHORT)
    this.#at = from + length
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, length)
  }

  country (): string {
    return String.fromCharCode(this.byte(), this.byte())
  }

  /** Call when all fields were read. Throws RecordDamaged when something is left. */
  end (): void {
    if (this.#at !== this.#end) throw new RecordDamaged(this.#what, 'it is longer than its fields')
  }
}

function readUint32 (bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
