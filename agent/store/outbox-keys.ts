/**
 * Keys of the outbox's tables: fixed widths, big-endian, so that LMDB's order (by byte) is the order of what they hold. A message's id is
 * sixteen bytes here and begins with the time at which it was accepted.
 */

const ID = 16
const TIME = 6
const TENANT = 2
const DIGITS = 8

/** Largest time a key holds, ms since 1970. */
const MAX_TIME = 2 ** (8 * TIME) - 1

/** An id as bytes; undefined when it is none. */
export function idBytes (id: string): Buffer | undefined {
  return /^[0-9a-f]{32}$/.test(id) ? Buffer.from(id, 'hex') : undefined
}

export function idText (bytes: Buffer): string {
  return bytes.toString('hex')
}

/** The smallest id that a message accepted at `time` (ms since 1970) may have. */
export function idFrom (time: number): string {
  return clampTime(time).toString(16).padStart(2 * TIME, '0').padEnd(2 * ID, '0')
}

/** Key of an index by time: time (ms since 1970), id. */
export function timeKey (time: number, id: string): Buffer {
  const key = Buffer.alloc(TIME + ID)
  key.writeUIntBE(clampTime(time), 0, TIME)
  key.write(id, TIME, 'hex')
  return key
}

export function decodeTimeKey (key: Buffer): { time: number, id: string } {
  return { time: key.readUIntBE(0, TIME), id: idText(key.subarray(TIME)) }
}

/** Key of an index by subscriber: tenant, number (up to 15 digits, filled up with F), id. */
export function recipientKey (tenant: number, msisdn: string, id: string): Buffer {
  const key = Buffer.alloc(TENANT + DIGITS + ID)
  key.writeUInt16BE(tenant)
  key.write(msisdn.padEnd(2 * DIGITS, 'f'), TENANT, 'hex')
  key.write(id, TENANT + DIGITS, 'hex')
  return key
}

export function decodeRecipientKey (key: Buffer): { tenant: number, msisdn: string, id: string } {
  return {
    tenant: key.readUInt16BE(),
    msisdn: key.toString('hex', TENANT, TENANT + DIGITS).replace(/f+$/, ''),
    id: idText(key.subarray(TENANT + DIGITS))
  }
}

/** What the keys of all fragments begin with that a link knows by one id. Ids have 64 characters at most, links a few. */
export function linkIdPrefix (link: string, linkId: string): Buffer {
  return Buffer.from(`${link}\0${linkId}\0`)
}

/** Key of an index by the service centre's id: link, its id, the message's id, the fragment's place. */
export function linkIdKey (link: string, linkId: string, id: string, fragment: number): Buffer {
  return Buffer.concat([linkIdPrefix(link, linkId), Buffer.from(id, 'hex'), Buffer.of(fragment)])
}

export function decodeLinkIdKey (key: Buffer): { id: string, fragment: number } {
  return { id: idText(key.subarray(key.length - 1 - ID, key.length - 1)), fragment: key[key.length - 1]! }
}

function clampTime (time: number): number {
  // As records have them: whole milliseconds.
  return Math.min(Math.max(Math.floor(time), 0), MAX_TIME)
}
