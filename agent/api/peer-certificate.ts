import { X509Certificate } from 'node:crypto'
import type { ServerUnaryCall } from '@grpc/grpc-js'

/** Certificates whose names are kept: reading one takes 0.1 ms, too much for each of thousands of acknowledgements a second. */
const KEPT = 1_000

/** Kinds of subject alternative names (RFC 5280 clause 4.2.1.6) that can name a client, as OpenSSL writes them. */
const NAME_KINDS = new Set(['DNS', 'URI', 'email'])

/** One alternative name and what follows it. Node quotes values that hold a comma or anything else that could be read as two. */
const ALTERNATIVE_NAME = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y

/** The certificate of the other end, verified against the configured CA. */
export interface PeerCertificate {
  /** The subject in one line as RFC 4514 has it, "CN=billing,O=Acme,C=NO", and the alternative names: "DNS:…", "URI:…", "email:…". */
  names: readonly string[]
  /** When it ends, ms since 1970. A connection may outlast that. */
  expiresAt: number
}

/** A call of any kind, or what interceptors see of it. */
type AnyCall = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>

const kept = new Map<string, PeerCertificate>()

/**
 * The verified certificate of the client that made a call; undefined without TLS, without a certificate, for one that was not verified, and
 * for one that has ended by `now` (ms since 1970). Ask when the call begins: once it has ended, nothing is known any more.
 */
export function peerCertificate (call: AnyCall, now: number): PeerCertificate | undefined {
  const peer = shownCertificate(call)
  return peer === undefined || peer.expiresAt <= now ? undefined : peer
}

function shownCertificate (call: AnyCall): PeerCertificate | undefined {
  // grpc-js gives the certificate only where TLS has verified it (TLSSocket.authorized).
  const shown = call.getAuthContext().sslPeerCertificate
  if (shown === undefined) return undefined
  const known = kept.get(shown.fingerprint256)
  if (known !== undefined) return known
  const certificate = new X509Certificate(shown.raw)
  const peer = { names: namesOf(certificate), expiresAt: Date.parse(certificate.validTo) }
  if (kept.size >= KEPT) kept.clear()
  kept.set(shown.fingerprint256, peer)
  return peer
}

function namesOf ({ subject, subjectAltName }: X509Certificate): string[] {
  // An empty subject is allowed (RFC 5280 clause 4.1.2.6) and names nobody. Node has a line for each part, the most general first.
  const names = subject === undefined || subject === '' ? [] : [subject.split('\n').reverse().join(',')]
  for (const [, kind, value] of (subjectAltName ?? '').matchAll(new RegExp(ALTERNATIVE_NAME, 'gy'))) {
    if (NAME_KINDS.has(kind!)) names.push(`${kind}:${value!.startsWith('"') ? String(JSON.parse(value!)) : value}`)
  }
  return names
}
