/** An answer of the token endpoint that is no token: an error of RFC 6749 clause 5.2 with its HTTP status. */
export class TokenError extends Error {
  readonly httpStatus: number
  /** One of clause 5.2, or "temporarily_unavailable" (clause 4.1.2.1) where there are too many requests. */
  readonly error: string
  /** For people; holds nothing of the request. */
  readonly description: string
  /** When to ask again, in seconds. */
  readonly retrySeconds: number | undefined

  constructor (httpStatus: number, error: string, description: string, retrySeconds?: number) {
    super(description)
    this.httpStatus = httpStatus
    this.error = error
    this.description = description
    this.retrySeconds = retrySeconds
  }
}

/** What a client asks for (RFC 6749 clause 4.4.2), and what it shows. */
export interface TokenRequest {
  /** Ids that the client may mean: decoded, and as it was sent by libraries that do not encode. */
  ids: readonly string[]
  secrets: readonly string[]
  /** Scopes asked for, each once. */
  scopes: readonly string[]
}

/** Bounds of an id and a secret as they are sent. */
const MAX_CREDENTIALS = 2_048

/** RFC 6749 clause 3.3, separated by single spaces; some clients send none, or spaces too many. */
const SCOPES = /^[ !#-[\]-~]{0,4096}$/

const FORM = /^application\/x-www-form-urlencoded *(;|$)/i
const BASIC = /^Basic +([A-Za-z0-9+/_-]+=*) *$/i

/** Reads a request. Throws TokenError. */
export function readTokenRequest (contentType: string | undefined, authorization: string | undefined, body: Buffer): TokenRequest {
  if (!FORM.test(contentType ?? '')) throw invalid('the content type must be application/x-www-form-urlencoded')
  const form = readForm(body)
  const grant = form.get('grant_type')
  if (grant === undefined) throw invalid('grant_type is missing')
  const credentials = readBasic(authorization)
  if (form.has('client_secret') || (form.has('client_id') && !credentials.ids.includes(form.get('client_id')!))) {
    throw invalid('the client shows its id and secret as HTTP Basic, and not in the body as well')
  }
  if (grant !== 'client_credentials') throw new TokenError(400, 'unsupported_grant_type', 'grant_type must be client_credentials')
  const scope = form.get('scope') ?? ''
  if (!SCOPES.test(scope)) throw new TokenError(400, 'invalid_scope', 'scope must be a list of scopes with spaces between them')
  return { ...credentials, scopes: [...new Set(scope.split(' ').filter(one => one !== ''))] }
}

/** Each parameter may stand once (RFC 6749 clause 3.2). Throws TokenError. */
function readForm (body: Buffer): Map<string, string> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw invalid('the body is not UTF-8')
  }
  const form = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (form.has(name)) throw invalid('a parameter stands twice')
    form.set(name, value)
  }
  return form
}

/** RFC 6749 clause 2.3.1: id and secret are form-encoded inside of HTTP Basic; most libraries leave that out. Throws TokenError. */
function readBasic (authorization: string | undefined): Pick<TokenRequest, 'ids' | 'secrets'> {
  const encoded = BASIC.exec(authorization ?? '')?.[1]
  if (encoded === undefined || encoded.length > MAX_CREDENTIALS) throw wrongClient()
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 1) throw wrongClient()
  return { ids: readings(text.slice(0, colon)), secrets: readings(text.slice(colon + 1)) }
}

function readings (text: string): string[] {
  let decoded = text
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '))
  } catch {}
  return [...new Set([decoded, text])]
}

function invalid (description: string): TokenError {
  return new TokenError(400, 'invalid_request', description)
}

/** One answer for whatever is wrong with id or secret. */
export function wrongClient (): TokenError {
  return new TokenError(401, 'invalid_client', 'show the id and the secret of a registered client as HTTP Basic')
}
