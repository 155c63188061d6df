import { createHash, createPublicKey, randomUUID, type KeyObject } from 'node:crypto'
import { createLocalJWKSet, SignJWT, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose'
import { TOKEN_TYPE } from './jwt.ts'

const ALGORITHM = 'ES256'

/** Whom a token is given to, and for what. */
export interface Grant {
  client: string
  registration: string
  scope: string
  /** When, and until when, in seconds since 1970. */
  issuedAt: number
  expiresAt: number
}

/** The keys of this agent's own issuer: signs tokens, and shows what they can be checked with. */
export class IssuerKeys {
  /** `iss` and `aud` of the tokens. */
  readonly issuer: string
  #keys!: readonly KeyObject[]
  #published!: JSONWebKeySet
  #find!: JWTVerifyGetKey

  /** `keys`: private keys (P-256), the newest last. */
  constructor (issuer: string, keys: readonly KeyObject[]) {
    this.issuer = issuer
    this.use(keys)
  }

  /** Takes other keys, the newest last: it signs, all of them are published. */
  use (keys: readonly KeyObject[]): void {
    this.#keys = keys
    this.#published = { keys: keys.map(publish).reverse() }
    this.#find = createLocalJWKSet(this.#published)
  }

  /** The private keys, the newest last. */
  get all (): readonly KeyObject[] { return this.#keys }

  /** The public keys (RFC 7517), the one that signs first. */
  get published (): JSONWebKeySet { return this.#published }

  /** The key for a token, as jose asks for it. */
  readonly find: JWTVerifyGetKey = async (header, token) => await this.#find(header, token)

  /** An access token (RFC 9068). */
  async sign ({ client, registration, scope, issuedAt, expiresAt }: Grant): Promise<string> {
    return await new SignJWT({ client_id: client, scope, registration })
      .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE, kid: this.#published.keys[0]!.kid! })
      .setIssuer(this.issuer)
      .setAudience(this.issuer)
      .setSubject(client)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(randomUUID())
      .sign(this.#keys.at(-1)!)
  }
}

/** A key as others see it, named by its thumbprint (RFC 7638). */
function publish (key: KeyObject): JWK {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' })
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  return { crv, kty, x, y, kid, alg: ALGORITHM, use: 'sig' } as JWK
}
