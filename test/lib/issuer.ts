import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import type { Owner } from './temporary.ts'

/** What the tokens of the test's issuer say, unless a test says otherwise. */
export const ISSUER = 'https://id.example/'
export const AUDIENCE = 'landfall'

const HOUR_S = 3_600

/** A key pair with its name and algorithm. */
export interface SigningKey { kid: string, alg: string, privateKey: KeyObject, publicKey: KeyObject }

/** Makes a key pair for one of the algorithms that are accepted. */
export function makeKey (kid: string, alg: 'RS256' | 'ES256' | 'EdDSA' = 'ES256'): SigningKey {
  const pair = alg === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return { kid, alg, ...pair }
}

/** The public half as a JSON Web Key. */
export function publicJwk ({ kid, alg, publicKey }: SigningKey): object {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
}

/** Claims of a token; `iat`, `nbf` and `exp` are seconds since 1970. */
export type Claims = Record<string, unknown>

/** Claims of a token that is good for an hour from `now` (ms since 1970). */
export function claims (now: number, client: string, scope: string, other: Claims = {}): Claims {
  const seconds = Math.floor(now / 1000)
  return { iss: ISSUER, aud: AUDIENCE, sub: client, client_id: client, scope, iat: seconds, exp: seconds + HOUR_S, ...other }
}

/** Signs claims with a key. */
export async function sign (key: SigningKey, said: Claims): Promise<string> {
  return await new SignJWT(said).setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(key.privateKey)
}

/** A token that nobody signed. */
export function unsigned (said: Claims): string {
  return `${part({ alg: 'none' })}.${part(said)}.`
}

/** The old trick: a token signed by everybody's knowledge of the public key. */
export function signedWithPublicKey (key: SigningKey, said: Claims): string {
  const body = `${part({ alg: 'HS256', kid: key.kid })}.${part(said)}`
  return `${body}.${createHmac('sha256', key.publicKey.export({ type: 'spki', format: 'pem' })).update(body).digest('base64url')}`
}

function part (value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** Answers one request: a status and a JSON body. */
export type Answer = (request: IncomingMessage, body: string) => [status: number, body: unknown]

/** A real HTTP server of the operator's, on loopback. */
export class JsonServer {
  readonly #server: Server
  readonly #port: number
  /** How often it was asked. */
  asked = 0

  private constructor (server: Server, port: number) {
    this.#server = server
    this.#port = port
  }

  /** Starts one that ends with its owner. */
  static async start (owner: Owner, answer: Answer): Promise<JsonServer> {
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => { body += text })
      request.on('end', () => {
        double.asked++
        const [status, json] = answer(request, body)
        response.writeHead(status, { 'content-type': 'application/json' }).end(typeof json === 'string' ? json : JSON.stringify(json))
      })
    })
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
    const double = new JsonServer(server, (server.address() as AddressInfo).port)
    owner.teardown(async () => { await double.down() })
    return double
  }

  get url (): string { return `http://127.0.0.1:${this.#port}/` }

  /** Nobody answers any more. */
  async down (): Promise<void> {
    await new Promise<void>(resolve => { this.#server.close(() => { resolve() }); this.#server.closeAllConnections() })
  }

  /** It answers again, at the same place. */
  async up (): Promise<void> {
    await new Promise<void>(resolve => { this.#server.listen(this.#port, '127.0.0.1', resolve) })
  }
}
