import type { Socket } from 'node:net'
import type { ServerInterceptor } from '@grpc/grpc-js'
import { LIMIT_RETRY_MS, ResourceExhausted } from './status.ts'

/** What is known of the connection that a call came on. */
type ConnectionInfo = ReturnType<Parameters<ServerInterceptor>[1]['getConnectionInfo']>

/**
 * Counts for each client the open connections that it has called on, so that one client cannot take the places of all. A connection may
 * carry several clients' calls, and counts for each of them until it closes.
 */
export class ClientConnections {
  readonly #limit: number
  /** Who has called on each open connection. */
  readonly #callers = new Map<string, Set<string>>()
  /** How many connections each client has called on. */
  readonly #counts = new Map<string, number>()
  #unnamed = 0

  /** `limit`: connections that one client may have. */
  constructor (limit: number) {
    this.#limit = limit
  }

  /** A connection was opened. Call this before anything comes on it. */
  readonly opened = (socket: Socket): void => {
    // Those of a unix socket have no address, and an address is all that grpc-js shows of a call's connection.
    if (socket.remoteAddress === undefined) Object.defineProperty(socket, 'remoteAddress', { value: `#${++this.#unnamed}` })
    const name = nameOf(socket)
    const callers = new Set<string>()
    this.#callers.set(name, callers)
    socket.once('close', () => {
      // A new one may have the name already.
      if (this.#callers.get(name) === callers) this.#callers.delete(name)
      for (const client of callers) this.#release(client)
    })
  }

  /** Counts the connection of a call for the client that makes it. Throws ResourceExhausted when it would be one too many. */
  demand (client: string, connection: ConnectionInfo): void {
    const callers = this.#callers.get(nameOf(connection))
    // Closed meanwhile: nobody waits for an answer.
    if (callers === undefined || callers.has(client)) return
    const count = this.#counts.get(client) ?? 0
    if (count >= this.#limit) {
      throw new ResourceExhausted(`the client "${client}" has as many connections open as it may have (${this.#limit}): use those`, LIMIT_RETRY_MS)
    }
    callers.add(client)
    this.#counts.set(client, count + 1)
  }

  #release (client: string): void {
    const left = this.#counts.get(client)! - 1
    if (left === 0) this.#counts.delete(client)
    else this.#counts.set(client, left)
  }
}

/** What tells open connections apart: both ends of it. */
function nameOf ({ localAddress, localPort, remoteAddress, remotePort }: ConnectionInfo): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`
}
