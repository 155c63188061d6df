import type { Clock } from '../lib/clock.ts'
import { fetchJson } from './fetch-json.ts'
import { Unauthenticated, Unavailable } from './status.ts'
import { readClient, readScopes, type TokenFacts, type TokenSource } from './token-facts.ts'

/** Questions that may be open at once; more wait in vain. */
const MAX_OPEN = 64

/** For how long a token that says no end is good after each look. */
const ENDLESS_MS = 3_600_000

/** Whom to ask, and how. */
export interface IntrospectionParts {
  url: string
  /** This agent's own name and secret there. */
  clientId: string
  clientSecret: string
  /** One of `aud`; undefined: whatever the endpoint calls active will do. */
  audience: string | undefined
  clientClaim: string | undefined
  skewSeconds: number
  clock: Clock
  /** Asking failed, for the first time since it went well, or works again (`undefined`). */
  changed: (problem: string | undefined) => void
}

/** Tokens that only their issuer can read: it is asked about each (RFC 7662). */
export class Introspection implements TokenSource {
  readonly #parts: IntrospectionParts
  readonly #authorization: string
  #open = 0
  #failing = false

  constructor (parts: IntrospectionParts) {
    this.#parts = parts
    // RFC 6749 clause 2.3.1: both are form-encoded first.
    const encode = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2)
    this.#authorization = `Basic ${Buffer.from(`${encode(parts.clientId)}:${encode(parts.clientSecret)}`).toString('base64')}`
  }

  async verify (token: string): Promise<TokenFacts> {
    const { audience, clientClaim, skewSeconds, clock } = this.#parts
    const claims = await this.#ask(token)
    const { active, aud, exp, nbf } = claims
    const now = clock.now()
    if (active !== true) throw new Unauthenticated('the token is not active: get a new one')
    const expiresAt = typeof exp === 'number' ? (exp + skewSeconds) * 1000 : now + ENDLESS_MS
    if (now >= expiresAt) throw new Unauthenticated('the token has expired: get a new one')
    if (typeof nbf === 'number' && now < (nbf - skewSeconds) * 1000) throw new Unauthenticated('the token is not valid yet')
    if (audience !== undefined && ![aud].flat().includes(audience)) {
      throw new Unauthenticated(`the token is for somebody else: its audience must be "${audience}"`)
    }
    const client = readClient(claims, clientClaim)
    if (client === undefined) throw new Unauthenticated('the token does not say which client it was given to')
    return { client, scopes: readScopes(claims), expiresAt, registration: undefined }
  }

  async #ask (token: string): Promise<Record<string, unknown>> {
    if (this.#open >= MAX_OPEN) throw cannotAsk()
    this.#open++
    try {
      const answer = await fetchJson(this.#parts.url, {
        method: 'POST',
        headers: { accept: 'application/json', authorization: this.#authorization },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' })
      })
      if (typeof answer !== 'object' || answer === null) throw new Error('its answer is no JSON object')
      this.#tell(undefined)
      return answer as Record<string, unknown>
    } catch (error) {
      const { message, cause } = error as Error
      this.#tell(cause instanceof Error ? cause.message : message)
      throw cannotAsk()
    } finally {
      this.#open--
    }
  }

  #tell (problem: string | undefined): void {
    if (this.#failing === (problem !== undefined)) return
    this.#failing = problem !== undefined
    this.#parts.changed(problem)
  }
}

function cannotAsk (): Unavailable {
  return new Unavailable('tokens cannot be checked now, since their issuer does not answer: try again')
}
