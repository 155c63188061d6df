import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/** Characters of the subscription's own id in a resource name: 128 bits. */
const ID_CHARACTERS = 32

/**
 * Stands for a subscription without naming the person. Keyed, because ten thousand million IMSIs of a network can be tried in hours.
 */
export class Pseudonyms {
  readonly #key: KeyObject

  /** `key`: 32 secret bytes; whoever has them can find the person again. */
  constructor (key: Buffer) {
    this.#key = createSecretKey(key)
  }

  /** Pairwise identifier (OpenID Connect Core 8.1): the same for all clients of one sector, unrelated between sectors. 128 hexadecimal digits. */
  pairwise (sector: string, tenant: string, imsi: string): string {
    return createHmac('sha512', this.#key).update(`pairwise\0${sector}\0${tenant}\0${imsi}`).digest('hex')
  }

  /** Resource name "{tenant}:{region}:{id}": one for all sectors; it outlives a change of number. */
  resourceName (tenant: string, region: string, imsi: string): string {
    const id = createHmac('sha512', this.#key).update(`resource\0${tenant}\0${imsi}`).digest('hex').slice(0, ID_CHARACTERS)
    return `${tenant}:${region}:${id}`
  }
}
