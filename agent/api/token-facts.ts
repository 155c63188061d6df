/** What a token that was found good says. */
export interface TokenFacts {
  /** The client's name, as the issuer calls it. */
  client: string
  scopes: readonly string[]
  /** When it expires, wall clock in ms since 1970, with the clock skew that is allowed for. */
  expiresAt: number
  /** Which registration it was given to, where it is a token of this agent's own issuer. */
  registration: string | undefined
}

/** Finds out whether tokens of one issuer are good. */
export interface TokenSource {
  /** Throws Unauthenticated where it is not, Unavailable where that cannot be found out now. */
  verify: (token: string) => Promise<TokenFacts>
}

/** Claims that may name the client where the configuration names none: RFC 9068 clause 2.2, OpenID Connect Core 2, RFC 7519 clause 4.1.2. */
const CLIENT_CLAIMS = ['client_id', 'azp', 'sub']

/** Who the client is; undefined where the claims do not say. `claim`: the one that says it, if that was configured. */
export function readClient (claims: Record<string, unknown>, claim: string | undefined): string | undefined {
  for (const name of claim === undefined ? CLIENT_CLAIMS : [claim]) {
    const value = claims[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

/** Scopes from `scope` (RFC 8693 clause 4.2: separated by spaces; some issuers send a list) or `scp`. What is neither grants nothing. */
export function readScopes ({ scope, scp }: Record<string, unknown>): string[] {
  const value = scope ?? scp
  if (typeof value === 'string') return value.split(' ').filter(one => one !== '')
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : []
}
