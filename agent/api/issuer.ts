import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { openDoor, type Door, type DoorOptions } from './door.ts'
import type { TokenEndpoint } from './token-endpoint.ts'
import { readTokenRequest, TokenError } from './token-request.ts'

/** Bounds of a request: a token is asked for with a few hundred bytes. */
const MAX_BODY_BYTES = 8_192
const LIMITS = {
  maxHeaderSize: 8_192,
  /** Time for the head and for the whole of a request, from a client that may be slow on purpose. */
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000
}
const MAX_CONNECTIONS = 200

/** Its name in ALPN (RFC 7301 clause 6), and the length of the shortest request. */
const PROTOCOL = 'http/1.1'
const FIRST_BYTES = 16

/** For how long others may keep the keys. */
const KEYS_CACHE = { 'cache-control': 'public, max-age=300' }

/** What the server answers with. */
export interface IssuerParts {
  endpoint: TokenEndpoint
  /** The public keys. */
  published: () => object
  /** A request failed for a reason that is ours. */
  failed: (error: unknown) => void
}

/** The HTTP side of this agent's own issuer: `/oauth2/token` and `/.well-known/jwks.json`. */
export class IssuerServer {
  readonly #parts: IssuerParts
  readonly #server: Server

  constructor (parts: IssuerParts) {
    this.#parts = parts
    this.#server = createServer(LIMITS, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        parts.failed(error)
        reply(response, 500, { error: 'server_error', error_description: 'this is a fault of the server' })
      })
    })
  }

  /** Opens its door; rejects with the system's error when the address is taken. */
  async listen (options: DoorOptions): Promise<Door> {
    const connections = Math.min(options.connections, MAX_CONNECTIONS)
    return await openDoor({ ...options, connections }, {
      protocol: PROTOCOL,
      withoutAlpn: true,
      firstBytes: FIRST_BYTES,
      take: socket => { this.#server.emit('connection', socket) }
    })
  }

  async stop (): Promise<void> {
    await new Promise<void>(resolve => {
      this.#server.close(() => { resolve() })
      this.#server.closeAllConnections()
    })
  }

  async #answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = (request.url ?? '').split('?')
    if (path === '/oauth2/token') {
      if (request.method === 'POST') await this.#token(request, response)
      else refuse(response, 405, 'POST')
    } else if (path === '/.well-known/jwks.json') {
      if (request.method === 'GET' || request.method === 'HEAD') reply(response, 200, this.#parts.published(), KEYS_CACHE)
      else refuse(response, 405, 'GET, HEAD')
    } else refuse(response, 404)
  }

  async #token (request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request)
      const { 'content-type': contentType, authorization } = request.headers
      reply(response, 200, await this.#parts.endpoint.grant(readTokenRequest(contentType, authorization, body)))
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      const { httpStatus, error: code, description, retrySeconds } = error
      reply(response, httpStatus, { error: code, error_description: description }, {
        ...(httpStatus === 401 ? { 'www-authenticate': 'Basic realm="landfall", charset="UTF-8"' } : {}),
        ...(retrySeconds === undefined ? {} : { 'retry-after': String(retrySeconds) }),
        // What was not read may be without end.
        ...(httpStatus === 413 ? { connection: 'close' } : {})
      })
    }
  }
}

/** Throws TokenError when it is too large; rejects when the client goes away. */
async function readBody (request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  const tooLarge = new TokenError(413, 'invalid_request', `the body may have ${MAX_BODY_BYTES} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge
  return await new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
      else {
        request.pause()
        reject(tooLarge)
      }
    })
    request.on('end', () => { resolve(Buffer.concat(chunks)) })
    request.on('error', reject)
    request.on('close', () => { reject(new TokenError(400, 'invalid_request', 'the request was cut short')) })
  })
}

function reply (response: ServerResponse, status: number, answer: object, headers: Record<string, string> = {}): void {
  if (response.headersSent || response.destroyed) return
  // RFC 6749 clause 5.1: tokens are stored nowhere on the way.
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers })
  response.end(JSON.stringify(answer))
}

function refuse (response: ServerResponse, status: 404 | 405, allow?: string): void {
  const description = status === 404 ? 'there is nothing here' : `this answers ${allow} only`
  reply(response, status, { error: 'invalid_request', error_description: description }, allow === undefined ? {} : { allow })
}
