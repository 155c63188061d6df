import { isIPv4 } from 'node:net'

/** Counts open connections by where they come from, so that one peer cannot take the places of all. */
export class ConnectionLimit {
  readonly #limit: number
  readonly #open = new Map<string, number>()

  /** `limit`: connections that one address may have. */
  constructor (limit: number) {
    this.#limit = limit
  }

  /**
   * Takes a place for a peer's address and gives the call that frees it, or undefined when it has as many as it may. A connection that has
   * no address any more was given up by its peer, and gets no place.
   */
  take (address: string | undefined): (() => void) | undefined {
    if (address === undefined) return undefined
    const network = networkOf(address)
    const count = this.#open.get(network) ?? 0
    if (count >= this.#limit) return undefined
    this.#open.set(network, count + 1)
    return () => {
      const left = this.#open.get(network)! - 1
      if (left === 0) this.#open.delete(network)
      else this.#open.set(network, left)
    }
  }
}

/** What counts as one peer: an IPv4 address, and of IPv6 the /64 in which a machine takes what addresses it likes (RFC 4291 clause 2.5.4). */
function networkOf (address: string): string {
  // A socket that serves both families writes IPv4 peers as ::ffff:192.0.2.1.
  const last = address.slice(address.lastIndexOf(':') + 1)
  if (isIPv4(last)) return last
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const front = head.split(':').filter(group => group !== '')
  const back = (tail ?? '').split(':').filter(group => group !== '')
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length
  return [...front, ...Array<string>(zeros).fill('0'), ...back].slice(0, 4).join(':')
}
