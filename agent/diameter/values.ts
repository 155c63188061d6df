/** Values inside AVPs. Each gives undefined for what is not well formed: nothing is guessed. */

const ZERO = 0x30
const NINE = 0x39
const AT_SIGN = 0x40

/** Digits of an IMSI at least and at most (TS 23.003 clause 2.2; the shortest are those of test networks). */
const IMSI_DIGITS = { min: 6, max: 15 } as const
/** An IMEI without and with its check digit, or an IMEISV (TS 23.003 clause 6.2). */
const IMEI_DIGITS = { min: 14, max: 16 } as const
/** Digits of an international number at most (ITU-T E.164 clause 6.2.1). */
const MAX_MSISDN_DIGITS = 15
/** "Two digits" by TS 29.272 clause 7.3.5; a little more is let through for peers that say more. */
const MAX_VERSION_BYTES = 16

/** ASCII digits in `bytes[start, end)`, all of them. */
function digits (bytes: Uint8Array, start: number, end: number, { min, max }: { min: number, max: number }): string | undefined {
  const length = end - start
  if (length < min || length > max) return undefined
  let text = ''
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte < ZERO || byte > NINE) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}

/** The IMSI of a User-Name (TS 29.272 clause 7.3.4); what follows an "@" is a realm that some peers add. */
export function readImsi (bytes: Uint8Array, start: number, end: number): string | undefined {
  let stop = start
  while (stop < end && bytes[stop] !== AT_SIGN) stop++
  return digits(bytes, start, stop, IMSI_DIGITS)
}

/** An IMEI AVP (TS 29.272 clause 7.3.4): digits as they were sent. */
export function readImei (bytes: Uint8Array, start: number, end: number): string | undefined {
  return digits(bytes, start, end, IMEI_DIGITS)
}

/** A Software-Version AVP (TS 29.272 clause 7.3.5): printable text as it was sent. */
export function readSoftwareVersion (bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end <= start || end - start > MAX_VERSION_BYTES) return undefined
  let text = ''
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte < 0x20 || byte > 0x7e) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}

/** TBCD digits without a nature-of-address octet (TS 29.329 clause 6.3.2): the low nibble first, F fills an odd number up. */
export function readTbcd (bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  for (let at = start; at < end; at++) {
    const low = bytes[at]! & 15
    const high = bytes[at]! >>> 4
    if (low > 9 || (high > 9 && !(high === 15 && at === end - 1))) return undefined
    text += high === 15 ? String.fromCharCode(ZERO + low) : String.fromCharCode(ZERO + low, ZERO + high)
  }
  return text.length >= 1 && text.length <= MAX_MSISDN_DIGITS ? text : undefined
}

/** A Visited-PLMN-Id (TS 29.272 clause 7.3.9) as MCC and MNC: MCC2|MCC1, MNC3|MCC3, MNC2|MNC1; MNC3 is F where the MNC has two digits. */
export function readPlmn (bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start !== 3) return undefined
  const a = bytes[start]!
  const b = bytes[start + 1]!
  const c = bytes[start + 2]!
  const third = b >>> 4
  if ((a & 15) > 9 || a >>> 4 > 9 || (b & 15) > 9 || (c & 15) > 9 || c >>> 4 > 9 || (third > 9 && third !== 15)) return undefined
  const mcc = (a & 15) * 100 + (a >>> 4) * 10 + (b & 15)
  const mnc = third === 15 ? (c & 15) * 10 + (c >>> 4) : (c & 15) * 100 + (c >>> 4) * 10 + third
  return String(mcc).padStart(3, '0') + String(mnc).padStart(third === 15 ? 2 : 3, '0')
}

/** FNV-1a over bytes: tells Session-Ids apart without keeping them. Unsigned 32 bits; `salt` makes a second, independent one. */
export function hashBytes (bytes: Uint8Array, start: number, end: number, salt: number): number {
  let hash = (0x811c9dc5 ^ salt) >>> 0
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return (hash ^ hash >>> 15) >>> 0
}
