import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import type { Clock } from '../lib/clock.ts'
import { NO_ISSUER } from './jwt.ts'
import { Unauthenticated } from './status.ts'
import type { TokenFacts, TokenSource } from './token-facts.ts'

/** For how long a token that was found good is not looked at again: so long may one whose key was withdrawn, or that was revoked, live on. */
const REMEMBERED_MS = 30_000

/** Tokens that are remembered at most, a few hundred bytes each. */
const MAX_REMEMBERED = 10_000

/** Characters of a token at most; those of issuers have some hundreds. */
const MAX_CHARACTERS = 8_192

/** RFC 6750 clause 2.1; the scheme's case does not matter (RFC 9110 clause 11.1). */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/** Who may issue tokens. */
export interface Issuers {
  /** Issuers of JSON Web Tokens, by their `iss`. */
  byName: ReadonlyMap<string, TokenSource>
  /** Asked about everything else, where there is one. */
  others: TokenSource | undefined
}

/** Bearer tokens (RFC 6750) of all issuers that are trusted. */
export class BearerTokens {
  readonly #issuers: Issuers
  readonly #clock: Clock
  /** By the token's hash, the oldest first: memory holds no token. */
  readonly #remembered = new Map<string, { facts: Promise<TokenFacts>, until: number }>()

  constructor (issuers: Issuers, clock: Clock) {
    this.#issuers = issuers
    this.#clock = clock
  }

  /** What the call's token says. `credentials`: the values of its `authorization`. Throws Unauthenticated, Unavailable. */
  async verify (credentials: readonly string[]): Promise<TokenFacts> {
    const [value = ''] = credentials
    if (value === '') throw new Unauthenticated('this call needs a token: send it as the metadata "authorization: Bearer TOKEN"')
    const token = value.length > MAX_CHARACTERS || credentials.length > 1 ? undefined : BEARER.exec(value)?.[1]
    if (token === undefined) throw new Unauthenticated(`the metadata "authorization" must be "Bearer TOKEN", once, with ${MAX_CHARACTERS} characters at most`)
    const facts = await this.#look(token)
    if (this.#clock.now() >= facts.expiresAt) throw new Unauthenticated('the token has expired: get a new one')
    return facts
  }

  async #look (token: string): Promise<TokenFacts> {
    const hash = createHash('sha256').update(token).digest('base64')
    const now = this.#clock.monotonic()
    const known = this.#remembered.get(hash)
    if (known !== undefined && now < known.until) return await known.facts
    // Calls that come with the same token meanwhile wait for the same answer.
    const facts = this.#source(token).verify(token)
    const entry = { facts, until: now + REMEMBERED_MS }
    this.#remembered.delete(hash)
    this.#remembered.set(hash, entry)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break
      this.#remembered.delete(oldest)
    }
    try {
      return await facts
    } catch (error) {
      if (this.#remembered.get(hash) === entry) this.#remembered.delete(hash)
      throw error
    }
  }

  #source (token: string): TokenSource {
    const source = this.#issuers.byName.get(issuerOf(token) ?? '') ?? this.#issuers.others
    if (source === undefined) throw new Unauthenticated(NO_ISSUER)
    return source
  }
}

/** Whom a token names as its issuer, unproven; undefined where it is no JSON Web Token. */
function issuerOf (token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}
