import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../lib/clock.ts'
import { Unavailable } from './status.ts'

/** Time between two attempts to load, so that tokens with made-up key ids do not make a flood of requests. */
const COOLDOWN_MS = 10_000

/** How long keys are good while the issuer cannot be reached: longer than any outage in which its tokens still live. */
const STALE_MS = 24 * 3_600_000

/** Keys in a set at most. */
const MAX_KEYS = 100

/** Where keys come from, and whom to tell when they do not. */
export interface KeySetParts {
  /** Rejects where they cannot be had. */
  load: () => Promise<unknown>
  /** Age at which they are loaded anew, beside the calls. */
  maxAgeMs: number
  clock: Clock
  /** Loading failed, for the first time since it went well, or works again (`undefined`). */
  changed: (problem: string | undefined) => void
}

/**
 * An issuer's public keys (RFC 7517). They are loaded when first needed, when they have aged, and when a token names a key that is not among
 * them (so a rotation is seen at once). While loading fails the last good set stays in use, in memory, for a day at most.
 */
export class KeySet {
  readonly #parts: KeySetParts
  #keys: JWTVerifyGetKey | undefined
  #loadedAt = 0
  #triedAt = -Infinity
  #failing = false
  #loading: Promise<void> | undefined

  constructor (parts: KeySetParts) {
    this.#parts = parts
  }

  /** The key for a token, as jose asks for it. Throws Unavailable where there are no keys, JWKSNoMatchingKey where there is none for it. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.#keys === undefined) await this.#load()
    else if (this.#age >= this.#parts.maxAgeMs) void this.#load()
    try {
      return await this.#current(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#load()
      if (this.#failing) throw unreachable()
      return await this.#current(header, token)
    }
  }

  get #current (): JWTVerifyGetKey {
    if (this.#keys === undefined || this.#age > STALE_MS) throw unreachable()
    return this.#keys
  }

  get #age (): number { return this.#parts.clock.monotonic() - this.#loadedAt }

  /** Loads once for all who ask meanwhile, and not again too soon. Never rejects. */
  async #load (): Promise<void> {
    const { clock } = this.#parts
    if (this.#loading === undefined) {
      if (clock.monotonic() - this.#triedAt < COOLDOWN_MS) return
      this.#triedAt = clock.monotonic()
      this.#loading = this.#attempt().finally(() => { this.#loading = undefined })
    }
    await this.#loading
  }

  async #attempt (): Promise<void> {
    try {
      this.#keys = readKeys(await this.#parts.load())
      this.#loadedAt = this.#parts.clock.monotonic()
      if (this.#failing) this.#parts.changed(undefined)
      this.#failing = false
    } catch (error) {
      if (!this.#failing) this.#parts.changed(reason(error))
      this.#failing = true
    }
  }
}

/** Throws where it is no set of keys. */
function readKeys (json: unknown): JWTVerifyGetKey {
  const keys = createLocalJWKSet(json as JSONWebKeySet)
  const { length } = keys.jwks().keys
  if (length > MAX_KEYS) throw new Error(`it has ${length} keys, and ${MAX_KEYS} are the limit`)
  return keys
}

/** fetch() hides the reason in the cause. */
function reason (error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message : message
}

function unreachable (): Unavailable {
  return new Unavailable("tokens cannot be checked now, since their issuer's keys cannot be had: try again")
}
