/** What was read, and where the next thing begins. */
export interface Read<Value> { value: Value, next: number }

/**
 * Reads a string that ends in a NUL (SMPP 3.4 clause 3.1), one character an octet. Undefined when no NUL comes within `max` characters and `end`.
 */
export function readCString (bytes: Uint8Array, at: number, end: number, max: number): Read<string> | undefined {
  let value = ''
  for (let i = at; i < end && i <= at + max; i++) {
    if (bytes[i] === 0) return { value, next: i + 1 }
    value += String.fromCharCode(bytes[i]!)
  }
  return undefined
}

/** Printable ASCII. A NUL in a string would move every field behind it. */
const TEXT = /^[\x20-\x7e]*$/

/** A string's octets with the NUL that ends it; undefined when it is longer than `max` characters or not printable ASCII. */
export function cString (text: string, max: number): Uint8Array | undefined {
  return text.length <= max && TEXT.test(text) ? Buffer.from(`${text}\0`, 'latin1') : undefined
}

/** The parts one after another; undefined when one is missing. */
export function joined (parts: readonly (Uint8Array | undefined)[]): Uint8Array | undefined {
  return parts.every(part => part !== undefined) ? Buffer.concat(parts) : undefined
}
