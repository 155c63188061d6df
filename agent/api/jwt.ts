import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../lib/clock.ts'
import { StatusError, Unauthenticated } from './status.ts'
import { readClient, readScopes, type TokenFacts, type TokenSource } from './token-facts.ts'

/** Signatures that are accepted (RFC 7518 clause 3.1, RFC 8037): never "none", and none that the verifier's own key could make. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA']

/** Type of an access token (RFC 9068 clause 2.1). */
export const TOKEN_TYPE = 'at+jwt'

/** What is demanded of an issuer's tokens. */
export interface JwtDemands {
  /** `iss`, to the letter. */
  issuer: string
  /** One of `aud`. */
  audience: string
  keys: JWTVerifyGetKey
  /** Claim that names the client; undefined for the first of the usual ones that is there. */
  clientClaim?: string | undefined
  /** Whether it is this agent's own issuer: then the header must say "at+jwt" (RFC 9068 clause 4), and the token which registration it is for. */
  own: boolean
  skewSeconds: number
  clock: Clock
}

/** JSON Web Tokens of one issuer (RFC 7519, RFC 9068). */
export class JwtSource implements TokenSource {
  readonly #demands: JwtDemands

  constructor (demands: JwtDemands) {
    this.#demands = demands
  }

  async verify (token: string): Promise<TokenFacts> {
    const { issuer, audience, keys, clientClaim, own, skewSeconds, clock } = this.#demands
    try {
      const { payload } = await verified(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: skewSeconds,
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp'],
        ...(own ? { typ: TOKEN_TYPE } : {})
      })
      const client = readClient(payload, clientClaim)
      if (client === undefined) throw new Unauthenticated('the token does not say which client it was given to')
      return {
        client,
        scopes: readScopes(payload),
        expiresAt: (payload.exp! + skewSeconds) * 1000,
        registration: own ? String(payload['registration']) : undefined
      }
    } catch (error) {
      throw error instanceof StatusError ? error : new Unauthenticated(complaint(error, audience))
    }
  }
}

type Options = Parameters<typeof jwtVerify>[2]

/** A token that names no key may fit several of a set: each of them is tried. */
async function verified (token: string, keys: JWTVerifyGetKey, options: Options): ReturnType<typeof jwtVerify> {
  try {
    return await jwtVerify(token, keys, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options)
      } catch (inner) {
        if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

const EXPIRED = 'the token has expired: get a new one'

/** What is wrong with a token, in words that hold nothing of it. Claims are looked at only once the signature is right. */
function complaint (error: unknown, audience: string): string {
  if (error instanceof errors.JWTExpired) return EXPIRED
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case 'nbf': return 'the token is not valid yet: get it later, or set the clock of the issuer'
      case 'exp': return 'the token does not say when it expires'
      case 'aud': return `the token is for somebody else: its audience must be "${audience}"`
      case 'iss': return NO_ISSUER
      default: return 'the token is not an access token of its issuer'
    }
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return `the token is not signed with one of ${ALGORITHMS.join(', ')}`
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
    return 'the token is not signed with a key of its issuer'
  }
  return 'the token cannot be read'
}

/** Said of tokens of anybody else. */
export const NO_ISSUER = 'the token is of no issuer that this agent knows'
