import type { Clock } from '../lib/clock.ts'
import { TokenBucket } from '../lib/token-bucket.ts'
import type { RegisteredClient } from '../store/client-record.ts'
import type { ClientRegistry } from './client-registry.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { isSecret, NOBODY } from './secret.ts'
import { TokenError, wrongClient, type TokenRequest } from './token-request.ts'

/** Tokens that one client may ask for: as many at once as it may have instances that start together, then one a second. Guesses are slow anyway. */
const CLIENT_BURST = 30
const CLIENT_PER_SECOND = 1

/** Requests of all clients together, with those that name nobody. */
const BURST = 100
const PER_SECOND = 10

/** Clients whose requests are counted at once; those that have not asked for a minute count as new. */
const MAX_COUNTED = 10_000

/** Secrets that are hashed at once, 32 MiB and a thread each, and requests that may wait for it. */
const HASHING = 2
const WAITING = 50

/** What the endpoint needs. */
export interface TokenEndpointParts {
  registry: ClientRegistry
  keys: IssuerKeys
  clock: Clock
  /** How long a token lasts. */
  tokenMinutes: number
}

/** An answer of RFC 6749 clause 5.1. */
export interface TokenAnswer { access_token: string, token_type: 'bearer', expires_in: number, scope: string }

/** Gives tokens to clients for their secret: the grant of RFC 6749 clause 4.4. */
export class TokenEndpoint {
  readonly #parts: TokenEndpointParts
  readonly #all: TokenBucket
  readonly #byClient = new Map<string, TokenBucket>()
  #hashing = 0
  readonly #waiting: (() => void)[] = []

  constructor (parts: TokenEndpointParts) {
    this.#parts = parts
    this.#all = new TokenBucket(PER_SECOND, BURST, parts.clock)
  }

  /** Throws TokenError. */
  async grant ({ ids, secrets, scopes }: TokenRequest): Promise<TokenAnswer> {
    const { registry, keys, clock, tokenMinutes } = this.#parts
    const found = ids.map(id => registry.get(id)?.client).find(client => client !== undefined)
    this.#count(found)
    const client = await this.#prove(found, secrets)
    const excess = scopes.find(scope => !client.scopes.includes(scope))
    if (excess !== undefined) throw new TokenError(400, 'invalid_scope', 'the client was not registered with all of these scopes')
    const issuedAt = Math.floor(clock.now() / 1000)
    const scope = scopes.join(' ')
    const lifetime = Math.floor(tokenMinutes * 60)
    const { id, registration } = client
    const token = await keys.sign({ client: id, registration, scope, issuedAt, expiresAt: issuedAt + lifetime })
    return { access_token: token, token_type: 'bearer', expires_in: lifetime, scope }
  }

  /** Throws TokenError when there were too many requests. Names that nobody has are counted together: there is no end of them. */
  #count (client: RegisteredClient | undefined): void {
    const waitMs = Math.max(this.#all.take(), client === undefined ? 0 : this.#bucket(client.id).take())
    if (waitMs > 0) throw busy(waitMs)
  }

  #bucket (id: string): TokenBucket {
    const known = this.#byClient.get(id)
    if (known !== undefined) return known
    if (this.#byClient.size >= MAX_COUNTED) {
      for (const [other, bucket] of this.#byClient) if (bucket.full) this.#byClient.delete(other)
    }
    const bucket = new TokenBucket(CLIENT_PER_SECOND, CLIENT_BURST, this.#parts.clock)
    this.#byClient.set(id, bucket)
    return bucket
  }

  /** Hashes the same number of secrets whether there is such a client or not. Throws TokenError. */
  async #prove (client: RegisteredClient | undefined, secrets: readonly string[]): Promise<RegisteredClient> {
    let right = false
    for (const secret of secrets) {
      if (!right) right = await this.#hash(async () => await isSecret(secret, client?.secret ?? NOBODY))
    }
    // It may have been removed meanwhile.
    if (!right || client === undefined || this.#parts.registry.get(client.id)?.client !== client) throw wrongClient()
    return client
  }

  async #hash (work: () => Promise<boolean>): Promise<boolean> {
    if (this.#hashing >= HASHING) {
      if (this.#waiting.length >= WAITING) throw busy(1_000)
      await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    } else this.#hashing++
    try {
      return await work()
    } finally {
      // The place goes to the one who has waited longest.
      const next = this.#waiting.shift()
      if (next === undefined) this.#hashing--
      else next()
    }
  }
}

function busy (waitMs: number): TokenError {
  return new TokenError(429, 'temporarily_unavailable', 'too many requests: use a token until it expires', Math.ceil(waitMs / 1000))
}
