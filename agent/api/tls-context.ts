import { constants } from 'node:crypto'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import type { Clock } from '../lib/clock.ts'
import { readTlsFiles, TlsFilesError, type TlsFiles, type TlsMaterial } from './tls-files.ts'

/** How often the files are looked at. */
const LOOK_MS = 10_000

const DAY_MS = 86_400_000

/** Time before a certificate's end from which on it is told daily. */
const ENDING_MS = 14 * DAY_MS

/** Time that a handshake may take. */
const HANDSHAKE_MS = 10_000

/** TLS 1.3 suites (RFC 8446 clause B.4), and of TLS 1.2 those that HTTP/2 does not forbid (RFC 9113 appendix A): ephemeral keys, AEAD. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20'

/** Whether clients are asked for certificates, and whether they must have one. */
export type ClientCertificates = 'none' | 'optional' | 'required'

/** What TLS needs. */
export interface TlsParts {
  files: TlsFiles
  clientCertificates: ClientCertificates
  /** Time that a handshake may take, in real ms; 10 s by default. */
  handshakeMs?: number
  clock: Clock
  tell: TlsTold
}

/** What is worth telling an operator. */
export interface TlsTold {
  /** A pair serves from now on, the first one or a renewed one. */
  serves: (material: TlsMaterial) => void
  /** The files have changed to what cannot be used: the old ones serve on. */
  unusable: (problem: string) => void
  /** Once a day from 14 days before its end: days are negative when it has ended. */
  ends: (days: number, until: number) => void
}

/** The certificate that all doors with TLS show, and what they ask of clients. Renewed when its files change; open connections go on. */
export class TlsContext {
  readonly clientCertificates: ClientCertificates
  readonly #files: TlsFiles
  readonly #handshakeMs: number
  readonly #clock: Clock
  readonly #tell: TlsTold
  readonly #servers = new Set<Server>()
  #material: TlsMaterial
  /** What the last look has seen, a fingerprint or a problem, and what two in a row have. */
  #seen: string
  #counted: string
  #toldEnd = -Infinity
  #cancelLook = (): void => {}

  /** Reads the files, and looks at them again from then on until `stop`. Throws TlsFilesError. */
  constructor ({ files, clientCertificates, handshakeMs = HANDSHAKE_MS, clock, tell }: TlsParts) {
    this.clientCertificates = clientCertificates
    this.#files = files
    this.#handshakeMs = handshakeMs
    this.#clock = clock
    this.#tell = tell
    this.#material = readTlsFiles(files)
    this.#seen = this.#counted = this.#material.fingerprint
    tell.serves(this.#material)
    this.#rest()
  }

  /** Makes a server that shows this certificate, the renewed one too. It does not listen: give it sockets by `emit('connection')`. */
  server (protocols: string[]): Server {
    const server = createServer({
      ...this.#options(),
      ALPNProtocols: protocols,
      handshakeTimeout: this.#handshakeMs,
      requestCert: this.clientCertificates !== 'none',
      // Where it is optional, the door itself refuses those that do not pass.
      rejectUnauthorized: this.clientCertificates === 'required'
    })
    this.#servers.add(server)
    return server
  }

  /** Forgets a server whose door is closed. */
  release (server: Server): void {
    this.#servers.delete(server)
  }

  /** Looks at the files no more. */
  stop (): void {
    this.#cancelLook()
  }

  #options (): TlsOptions {
    return {
      ...this.#material.options,
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      // No tickets: a resumed session is not checked against today's CAs and dates. HTTP/2 has no renegotiation (RFC 9113 clause 9.2.1).
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION
    }
  }

  #rest (): void {
    const { until } = this.#material
    const now = this.#clock.now()
    if (until - now < ENDING_MS && now - this.#toldEnd >= DAY_MS) {
      this.#toldEnd = now
      this.#tell.ends(Math.floor((until - now) / DAY_MS), until)
    }
    this.#cancelLook = this.#clock.after(LOOK_MS, () => { this.#look(); this.#rest() })
  }

  /** What two looks in a row have found the same is no longer being written, and counts. */
  #look (): void {
    const found = this.#read()
    const seen = typeof found === 'string' ? found : found.fingerprint
    const before = this.#seen
    this.#seen = seen
    if (seen !== before || seen === this.#counted) return
    this.#counted = seen
    if (typeof found === 'string') {
      this.#tell.unusable(found)
    } else if (found.fingerprint !== this.#material.fingerprint) {
      this.#material = found
      this.#toldEnd = -Infinity
      for (const server of this.#servers) server.setSecureContext(this.#options())
      this.#tell.serves(found)
    }
  }

  /** The files as they are now, or what keeps them from being used. */
  #read (): TlsMaterial | string {
    const { certificate } = this.#files
    try {
      const material = readTlsFiles(this.#files)
      if (material.fingerprint === this.#material.fingerprint) return material
      const now = this.#clock.now()
      if (material.until <= now) return `the certificate in ${certificate} has ended on ${dateOf(material.until)}: renew it`
      if (material.from > now) return `the certificate in ${certificate} begins on ${dateOf(material.from)}: give one that is valid today, or set the clock`
      return material
    } catch (error) {
      if (error instanceof TlsFilesError) return error.message
      throw error
    }
  }
}

/** A day as certificates are talked of. */
function dateOf (ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
