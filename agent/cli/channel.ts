import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type PeerCertificate } from 'node:tls'
import { credentials, type ChannelCredentials } from '@grpc/grpc-js'
import type { Config } from '../config/schema.ts'
import { CliError, EXIT } from './verb.ts'

/** Options of a verb that connects as clients do, for util.parseArgs. */
export const CHANNEL_OPTIONS = {
  address: { type: 'string' },
  tls: { type: 'boolean', default: false },
  ca: { type: 'string' },
  certificate: { type: 'string' },
  key: { type: 'string' }
} as const

/** What CHANNEL_OPTIONS were given. */
interface ChannelValues { address?: string, tls?: boolean, ca?: string, certificate?: string, key?: string }

/** Where to connect, and how to trust what is there. */
export interface Channel { address: string, credentials: ChannelCredentials }

/**
 * The channel that the options ask for; what they leave open is the configuration's: its "listen", and TLS where it has a certificate. Throws
 * CliError for a file that cannot be used.
 */
export function channelOf (config: Config, { address, tls = false, ca, certificate, key }: ChannelValues = {}): Channel {
  if ((certificate === undefined) !== (key === undefined)) throw new CliError(EXIT.usage, 'a client\'s certificate needs --certificate and --key')
  const shown = certificate === undefined ? {} : { cert: read(certificate), key: read(key!) }
  const own = address === undefined && ca === undefined && !tls && config.tls.certificate !== ''
  const secure = own || tls || ca !== undefined || certificate !== undefined
  try {
    const trusted = own ? pinned(config.tls.certificate, shown) : secure ? trusting(ca, shown) : credentials.createInsecure()
    return { address: address ?? config.listen, credentials: trusted }
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError(EXIT.config, `the TLS files cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A client's certificate and key, or nothing. */
interface Shown { cert?: Buffer, key?: Buffer }

/** Trusts what a CA has signed for the address; the system's where none is named. */
function trusting (ca: string | undefined, shown: Shown): ChannelCredentials {
  return credentials.createFromSecureContext(createSecureContext({ ...shown, ...(ca !== undefined && { ca: read(ca) }) }))
}

/** Trusts one certificate alone, whoever has signed it and whatever name it was issued for: the agent's own, which is at hand here. */
function pinned (certificate: string, shown: Shown): ChannelCredentials {
  const ca = read(certificate)
  const { fingerprint256 } = new X509Certificate(ca)
  return credentials.createFromSecureContext(createSecureContext({ ...shown, ca, allowPartialTrustChain: true }), {
    checkServerIdentity: (_host: string, peer: PeerCertificate) =>
      peer.fingerprint256 === fingerprint256 ? undefined : new Error(`the agent shows another certificate than ${certificate}`)
  })
}

function read (path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CliError(EXIT.noInput, `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
