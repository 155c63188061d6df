/** Slots of the cache: a power of two, well above the serving nodes and realms that a network speaks with. */
const SLOTS = 8_192

/** Longest DiameterIdentity (a host name, RFC 1035 clause 2.3.4). */
const MAX_IDENTITY_BYTES = 255

const UPPER_A = 0x41
const UPPER_Z = 0x5a

/**
 * DiameterIdentities as strings, lower case (they compare without case, RFC 6733 clause 4.3.1). The same few thousand names come millions of
 * times, so each is made once; a name that lands on another's slot takes its place.
 */
export class IdentityCache {
  readonly #names: (string | undefined)[] = new Array<string | undefined>(SLOTS).fill(undefined)

  /** The identity in `bytes[start, end)`; undefined when it is empty, too long or not printable ASCII. */
  read (bytes: Uint8Array, start: number, end: number): string | undefined {
    const length = end - start
    if (length <= 0 || length > MAX_IDENTITY_BYTES) return undefined
    let hash = 0x811c9dc5
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte < 0x21 || byte > 0x7e) return undefined
      hash = Math.imul(hash ^ lower(byte), 0x01000193)
    }
    const slot = (hash ^ hash >>> 15) & (SLOTS - 1)
    const cached = this.#names[slot]
    if (cached !== undefined && cached.length === length && isSame(cached, bytes, start)) return cached
    let name = ''
    for (let at = start; at < end; at++) name += String.fromCharCode(lower(bytes[at]!))
    this.#names[slot] = name
    return name
  }
}

function lower (byte: number): number {
  return byte >= UPPER_A && byte <= UPPER_Z ? byte | 0x20 : byte
}

function isSame (name: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) !== lower(bytes[start + i]!)) return false
  }
  return true
}
