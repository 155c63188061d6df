import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'

/** Largest file that is read: the bundle of all public CAs has a quarter of it. */
const MAX_FILE_BYTES = 1 << 20

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Names of the files, PEM each. */
export interface TlsFiles {
  /** The server's certificate first, then those that signed it. */
  certificate: string
  key: string
  /** Certificates that sign clients' certificates; undefined: clients are not asked. */
  clientCa: string | undefined
}

/** A pair that serves: read, and found to fit. */
export interface TlsMaterial {
  options: Required<Pick<SecureContextOptions, 'cert' | 'key'>> & Pick<SecureContextOptions, 'ca'>
  /** Its names, as OpenSSL prints them: "DNS:agent.example.net, IP Address:192.0.2.1". */
  names: string
  /** When it is valid, ms since 1970. */
  from: number
  until: number
  /** Stands for the contents of all files. */
  fingerprint: string
  /** Everybody on this machine may read the private key. */
  keyIsOpen: boolean
}

/** A certificate, key or CA file cannot be used; the message says which, why, and what to do. */
export class TlsFilesError extends Error {
  constructor (message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'TlsFilesError'
  }
}

/** Reads the files and checks that a server can use them. What is given back is what was checked. Throws TlsFilesError. */
export function readTlsFiles ({ certificate, key, clientCa }: TlsFiles): TlsMaterial {
  const [cert, keyText, ca] = [read(certificate), read(key), clientCa === undefined ? undefined : read(clientCa)]
  const [leaf] = certificatesOf(cert, certificate)
  if (!leaf.checkPrivateKey(privateKeyOf(keyText, key))) {
    throw new TlsFilesError(`the private key in ${key} does not belong to the first certificate in ${certificate}: give both of one issue, and the ` +
      'agent\'s own certificate before those that signed it')
  }
  if (clientCa !== undefined) certificatesOf(ca!, clientCa)
  const options = { cert, key: keyText, ...(ca !== undefined && { ca }) }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new TlsFilesError(`${certificate} cannot be served: ${messageOf(error)}`, error)
  }
  return {
    options,
    names: leaf.subjectAltName ?? '',
    from: Date.parse(leaf.validFrom),
    until: Date.parse(leaf.validTo),
    fingerprint: createHash('sha256').update(JSON.stringify([cert, keyText, ca])).digest('hex'),
    keyIsOpen: (statSync(key).mode & 0o004) !== 0
  }
}

function read (path: string): string {
  try {
    const stats = statSync(path)
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) throw new TlsFilesError(`${path} is no PEM file: it is too large, or not a file at all`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof TlsFilesError) throw error
    throw new TlsFilesError(`${path} cannot be read (${messageOf(error)}): make it readable for the agent's user, or correct "tls" in the configuration`, error)
  }
}

/** All certificates of a file, at least one. One that was cut short is an error, and not the end of the list. */
function certificatesOf (text: string, path: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = text.match(CERTIFICATE) ?? []
  if (blocks.length !== text.split('-----BEGIN CERTIFICATE-----').length - 1) throw new TlsFilesError(`${path} ends within a certificate: write it anew`)
  try {
    const [first, ...others] = blocks.map(block => new X509Certificate(block))
    if (first !== undefined) return [first, ...others]
  } catch (error) {
    throw new TlsFilesError(`${path} holds a damaged certificate (${messageOf(error)}): write it anew`, error)
  }
  throw new TlsFilesError(`${path} holds no certificate: it must be PEM, "-----BEGIN CERTIFICATE-----"`)
}

function privateKeyOf (text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (error) {
    const why = text.includes('ENCRYPTED') ? 'it is encrypted: give it without a passphrase, readable for the agent\'s user only' : messageOf(error)
    throw new TlsFilesError(`${path} holds no private key that can be used: ${why}`, error)
  }
}

function messageOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
