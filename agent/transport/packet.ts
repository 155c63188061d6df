/** The packet under way: filled while its layers are taken off, read by the stages above. One object, used again for each. */
export class Packet {
  frame = 0
  seconds = 0
  nanoseconds = 0
  /** StreamTime of the frame, ms. */
  now = 0
  /** Holds the addresses: the frame, or what was put together from fragments. */
  addressBytes: Uint8Array = new Uint8Array(0)
  sourceAt = 0
  destinationAt = 0
  /** 4 or 16. */
  addressLength = 0
}

/** FNV-1a over an address and a port. */
export function hashEndpoint ({ addressBytes, addressLength }: Packet, at: number, port: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < addressLength; i++) hash = Math.imul(hash ^ addressBytes[at + i]!, 0x01000193)
  hash = Math.imul(hash ^ port, 0x01000193)
  return (hash ^ hash >>> 15) >>> 0
}

/** One number for two hashed endpoints, the same in both directions. */
export function hashPair (a: number, b: number): number {
  const low = Math.min(a, b)
  const high = Math.max(a, b)
  const mixed = Math.imul(low ^ high >>> 16, 0x45d9f3b) ^ Math.imul(high, 0x9e3779b1)
  return (mixed ^ mixed >>> 13) >>> 0
}
