import type { Socket } from 'node:net'
import { ServerCredentials, type Server } from '@grpc/grpc-js'
import { openDoor, type Door, type DoorOptions } from './door.ts'

/** Length of the HTTP/2 connection preface (RFC 9113 clause 3.4), and its name in ALPN (clause 3.1). */
const PREFACE_BYTES = 24
const PROTOCOL = 'h2'

/**
 * Opens a door to a gRPC server. grpc-js itself lets any number of connections in, lets those that say nothing stay for ever, and cannot
 * renew a certificate; so the sockets are accepted here, and TLS ends here. `opened` is told of each connection before anything comes on it.
 * Rejects when the address is taken.
 */
export async function listen (server: Server, options: DoorOptions, opened: (socket: Socket) => void = () => {}): Promise<Door> {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const take = (socket: Socket): void => {
    opened(socket)
    injector.injectConnection(socket)
  }
  return await openDoor(options, { protocol: PROTOCOL, firstBytes: PREFACE_BYTES, take })
}
