import { readFileSync } from 'node:fs'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Where a service centre is. */
export interface Door {
  host: string
  port: number
  /** Undefined: plain TCP. */
  tls: TlsDoor | undefined
}

/** Names of PEM files, and the name that the certificate must have. */
interface TlsDoor {
  /** Certificates that sign the service centre's; undefined: those that Node comes with. */
  ca: string | undefined
  /** One's own, where the service centre asks for it. */
  certificate: string | undefined
  key: string | undefined
  /** By default the host. */
  servername: string | undefined
}

/** A connection that is being made, and the event that says that it is there and, with TLS, who is at its other end. */
export interface Opening { socket: Socket, opened: 'connect' | 'secureConnect' }

/** Begins to connect. Files are read each time, so that renewed ones count. Throws when one cannot be used. */
export function connect ({ host, port, tls }: Door): Opening {
  if (tls === undefined) return { socket: connectTcp({ host, port, noDelay: true }), opened: 'connect' }
  const { ca, certificate, key, servername = host } = tls
  const socket = connectTls({
    host,
    port,
    minVersion: 'TLSv1.2',
    // An address is no name for SNI (RFC 6066 clause 3); the certificate is checked against it all the same.
    ...(isIP(servername) === 0 && { servername }),
    ...(ca !== undefined && { ca: readFileSync(ca) }),
    ...(certificate !== undefined && { cert: readFileSync(certificate) }),
    ...(key !== undefined && { key: readFileSync(key) })
  })
  socket.setNoDelay(true)
  return { socket, opened: 'secureConnect' }
}
