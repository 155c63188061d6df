import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'
import type { Speaker } from './door.ts'
import type { TlsContext } from './tls-context.ts'

/** The part of a door where TLS is spoken: lets through who speaks the door's protocol and shows the certificate that is asked for. */
export class TlsEntrance {
  readonly #tls: TlsContext
  readonly #server: Server
  #closed = false

  /** `speaker`: whose protocol a client must offer in ALPN; `pass` gets those who come through, `onRefused` why the others did not. */
  constructor (
    tls: TlsContext,
    { protocol, withoutAlpn = false }: Pick<Speaker, 'protocol' | 'withoutAlpn'>,
    pass: (socket: TLSSocket) => void,
    onRefused: (reason: string) => void
  ) {
    this.#tls = tls
    this.#server = tls.server([protocol])
    this.#server.on('secureConnection', socket => {
      const refusal = this.#closed ? 'stopping' : refusalOf(socket, withoutAlpn)
      if (refusal === undefined) {
        pass(socket)
        return
      }
      socket.on('error', () => {})
      socket.destroy()
      if (!this.#closed) onRefused(refusal)
    })
    this.#server.on('tlsClientError', (error, socket) => {
      socket.destroy()
      // Node closes those with a wrong certificate without a word, which looks like a reset here.
      if (socket.authorizationError as unknown) onRefused(String(socket.authorizationError))
      // Whoever hangs up in the middle has refused us: a port scan, or the probe of a load balancer.
      else if (!('code' in error) || error.code !== 'ECONNRESET') onRefused('code' in error ? String(error.code) : error.message)
    })
  }

  /** Begins the handshake with a connection. It is closed if that takes longer than the context allows. */
  enter (socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  /** Lets through nobody any more, whoever is in a handshake included. */
  close (): void {
    this.#closed = true
    this.#tls.release(this.#server)
  }
}

/** Why a finished handshake is not enough. */
function refusalOf (socket: TLSSocket, withoutAlpn: boolean): string | undefined {
  // Who offers other protocols was told so by an alert; who offers none gets here (RFC 7301 clause 3.2).
  if (socket.alpnProtocol === false && !withoutAlpn) return 'no ALPN'
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer }
  return raw === undefined || socket.authorized ? undefined : String(socket.authorizationError)
}
