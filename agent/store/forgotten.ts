import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { Table } from './environment.ts'

/** Bytes of the hash that stays of an erased SIM. */
const HASH_BYTES = 16

const EMPTY = Buffer.alloc(0)

/**
 * SIMs that were erased. A keyed hash of each stays, so that the person is not welcomed as a first attachment at the next sighting; without
 * the key nobody can tell whose it is.
 */
export class Forgotten {
  readonly #table: Table
  readonly #key: KeyObject

  /** `key`: 32 secret bytes, the same at every start. */
  constructor (table: Table, key: Uint8Array) {
    this.#table = table
    this.#key = createSecretKey(key)
  }

  has (imsi: string): boolean {
    return this.#table.doesExist(this.#hash(imsi))
  }

  /** Within a transaction. */
  add (imsi: string): void {
    void this.#table.put(this.#hash(imsi), EMPTY)
  }

  /** Within a transaction: something is known of it again. */
  remove (imsi: string): void {
    void this.#table.remove(this.#hash(imsi))
  }

  #hash (imsi: string): Buffer {
    return createHmac('sha256', this.#key).update(`forgotten\0${imsi}`).digest().subarray(0, HASH_BYTES)
  }
}
