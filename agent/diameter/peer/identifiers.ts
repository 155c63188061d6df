import { randomInt } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'

/** Identifiers of 32 bits that grow by one and begin anew after 2^32. */
export class Identifiers {
  #next: number

  constructor (start: number) {
    this.#next = start >>> 0
  }

  next (): number {
    const id = this.#next
    this.#next = (id + 1) >>> 0
    return id
  }
}

/** Hop-by-Hop identifiers of one connection: any start will do (RFC 6733 clause 3). */
export function hopByHopIds (): Identifiers {
  return new Identifiers(randomInt(2 ** 32))
}

/**
 * End-to-End identifiers: they start at the low 12 bits of the time in seconds, followed by 20 random bits, so that they stay unique
 * for minutes even across a restart (RFC 6733 clause 3).
 */
export function endToEndIds (clock: Clock): Identifiers {
  return new Identifiers((Math.floor(clock.now() / 1000) & 0xfff) << 20 | randomInt(2 ** 20))
}

/** Makes Session-Ids: our name, the time of the start, a number (RFC 6733 clause 8.8). None comes twice, across restarts either. */
export function sessionIds (originHost: string, clock: Clock): () => string {
  const prefix = `${originHost};${Math.floor(clock.now() / 1000) >>> 0};`
  const numbers = new Identifiers(0)
  return () => prefix + numbers.next()
}
