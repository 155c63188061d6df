/**
 * Keys of the tables: fixed widths, big-endian, so that LMDB's order (by byte) is the order of what they hold. Digits are two a byte, first
 * digit high, filled up with F: a longer string sorts before those it continues. Every key begins with the tenant.
 */

/** Digits that eight bytes hold beside at least one filler: an IMSI (TS 23.003 clause 2.2) and an E.164 number have 15 at most. */
const MAX_DIGITS = 15

const TENANT = 2
const DIGITS = 8
const ID = 8
const TIME = 6

/** Largest time a key holds, ms since 1970: the year 10889. */
const MAX_TIME = 2 ** (8 * TIME) - 1

/** Key of a subscriber: tenant, IMSI. */
export function subscriberKey (tenant: number, imsi: string): Buffer {
  const key = start(tenant, TENANT + DIGITS)
  putDigits(key, TENANT, imsi)
  return key
}

export function decodeSubscriberKey (key: Uint8Array): { tenant: number, imsi: string } {
  return { tenant: tenantOf(key), imsi: takeDigits(key, TENANT) }
}

/** Key of the number index: tenant, MSISDN, IMSI. */
export function numberKey (tenant: number, msisdn: string, imsi: string): Buffer {
  const key = start(tenant, TENANT + 2 * DIGITS)
  putDigits(key, TENANT, msisdn)
  putDigits(key, TENANT + DIGITS, imsi)
  return key
}

/** What the keys of all SIMs with a number begin with. */
export function numberPrefix (tenant: number, msisdn: string): Buffer {
  const key = start(tenant, TENANT + DIGITS)
  putDigits(key, TENANT, msisdn)
  return key
}

export function decodeNumberKey (key: Uint8Array): { tenant: number, msisdn: string, imsi: string } {
  return { tenant: tenantOf(key), msisdn: takeDigits(key, TENANT), imsi: takeDigits(key, TENANT + DIGITS) }
}

/** Key of an event: tenant, kind (index in EVENT_KINDS), id (0 to 2^53 - 1). */
export function eventKey (tenant: number, kind: number, id: number): Buffer {
  const key = start(tenant, TENANT + 1 + ID)
  key[TENANT] = kind
  if (!Number.isSafeInteger(id) || id < 0) throw new RangeError('an event id is a whole number from 0 to 2^53 - 1')
  key.writeUInt32BE(Math.floor(id / 2 ** 32), TENANT + 1)
  key.writeUInt32BE(id % 2 ** 32, TENANT + 5)
  return key
}

export function decodeEventKey (key: Uint8Array): { tenant: number, kind: number, id: number } {
  return { tenant: tenantOf(key), kind: key[TENANT]!, id: takeNumber(key, TENANT + 1, ID) }
}

/** Key of the indexes of what is to be told later: tenant, when something was told last (ms since 1970), IMSI. */
export function dueKey (tenant: number, toldAt: number, imsi: string): Buffer {
  const key = start(tenant, TENANT + TIME + DIGITS)
  // A bound between two milliseconds is that of the later one: whatever is told before it sorts before it.
  const time = Math.ceil(toldAt)
  if (!(time >= 0 && time <= MAX_TIME)) throw new RangeError('a time in a key is from 0 to 2^48 - 1 ms')
  key.writeUIntBE(time, TENANT, TIME)
  putDigits(key, TENANT + TIME, imsi)
  return key
}

export function decodeDueKey (key: Uint8Array): { tenant: number, toldAt: number, imsi: string } {
  return { tenant: tenantOf(key), toldAt: takeNumber(key, TENANT, TIME), imsi: takeDigits(key, TENANT + TIME) }
}

function start (tenant: number, length: number): Buffer {
  const key = Buffer.alloc(length, 0)
  key.writeUInt16BE(tenant)
  return key
}

function tenantOf (key: Uint8Array): number {
  return takeNumber(key, 0, TENANT)
}

function takeNumber (key: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let n = 0; n < length; n++) value = value * 256 + key[at + n]!
  return value
}

/** Throws RangeError, without the digits, for what is no string of 1 to 15 digits. */
function putDigits (key: Buffer, at: number, digits: string): void {
  if (digits.length < 1 || digits.length > MAX_DIGITS) throw new RangeError('a key holds 1 to 15 digits')
  key.fill(0xff, at, at + DIGITS)
  for (let n = 0; n < digits.length; n++) {
    const digit = digits.charCodeAt(n) - 48
    if (digit < 0 || digit > 9) throw new RangeError('a key holds 1 to 15 digits')
    const byte = at + (n >> 1)
    key[byte] = (n & 1) === 0 ? (digit << 4) | 0xf : (key[byte]! & 0xf0) | digit
  }
}

function takeDigits (key: Uint8Array, at: number): string {
  let digits = ''
  for (let n = 0; n < 2 * DIGITS; n++) {
    const byte = key[at + (n >> 1)]!
    const digit = (n & 1) === 0 ? byte >> 4 : byte & 0xf
    if (digit > 9) break
    digits += String.fromCharCode(48 + digit)
  }
  return digits
}
