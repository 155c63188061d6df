import { chmodSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Clock } from '../lib/clock.ts'
import { parseEndpoint, type Endpoint } from '../lib/endpoint.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { TlsEntrance } from './tls-entrance.ts'
import type { TlsContext } from './tls-context.ts'

/** Time that a connection gets for its first words, from when it was opened or from the end of its TLS handshake. */
const FIRST_MS = 10_000

/** Where a door is, and who may come in. */
export interface DoorOptions {
  /** HOST:PORT, IPv6 hosts in brackets, or unix:PATH. */
  address: string
  /** Connections at once; further ones are closed as they come. */
  connections: number
  /** Connections at once from one address; undefined: as many as there are. Those of unix sockets have none. */
  connectionsPerAddress?: number
  /** Permissions of a unix socket. */
  mode?: number
  /** The certificate to show; undefined: plaintext. */
  tls?: TlsContext | undefined
  clock: Clock
  /** Told of every connection that was not let in, by reason. */
  onRefused?: (reason: string) => void
}

/** What speaks behind a door. */
export interface Speaker {
  /** Its name in ALPN (RFC 7301 clause 6). */
  protocol: string
  /** Whether clients that offer nothing in ALPN speak it too: HTTP/1.1 is older than ALPN. */
  withoutAlpn?: boolean
  /** Bytes that a client of it sends first at the least: whoever has not said that much in time is no client. */
  firstBytes: number
  /** Takes a connection over: a TLS one where the door has TLS. */
  take: (socket: Socket) => void
}

/** An open door. */
export interface Door {
  /** Port number; 0 for a unix socket. */
  port: number
  /** Lets nobody in any more; those inside stay. */
  close: () => void
}

/**
 * Opens a door: takes connections within the limits, through TLS where that is given, and hands them on. Rejects with the system's error
 * when the address is taken or not this machine's.
 */
export async function openDoor (options: DoorOptions, speaker: Speaker): Promise<Door> {
  const { address, connections, connectionsPerAddress = Infinity, mode, tls, clock, onRefused = () => {} } = options
  const endpoint = parseEndpoint(address)!
  const limit = new ConnectionLimit(connectionsPerAddress)
  const speak = (socket: Socket): void => {
    socket.once('close', clock.after(FIRST_MS, () => {
      // Of a TLS socket these are the bytes inside TLS.
      if (socket.bytesRead >= speaker.firstBytes) return
      socket.destroy()
      onRefused('said nothing')
    }))
    speaker.take(socket)
  }
  const entrance = tls === undefined ? undefined : new TlsEntrance(tls, speaker, speak, onRefused)
  const sockets = createServer(socket => {
    if (!('path' in endpoint)) {
      const leave = limit.take(socket.remoteAddress)
      if (leave === undefined) {
        socket.destroy()
        onRefused('too many from one address')
        return
      }
      socket.once('close', leave)
    }
    socket.setNoDelay(true)
    if (entrance === undefined) speak(socket)
    else entrance.enter(socket)
  })
  sockets.maxConnections = connections
  sockets.on('drop', () => { onRefused('too many') })
  try {
    await begin(sockets, endpoint)
  } catch (error) {
    entrance?.close()
    throw error
  }
  if ('path' in endpoint && mode !== undefined) chmodSync(endpoint.path, mode)
  return {
    port: 'path' in endpoint ? 0 : (sockets.address() as AddressInfo).port,
    close: () => { sockets.close(); entrance?.close() }
  }
}

async function begin (sockets: Server, endpoint: Endpoint): Promise<void> {
  // What lies there is a dead process's: a living one holds the lock of the data.
  if ('path' in endpoint) rmSync(endpoint.path, { force: true })
  await new Promise<void>((resolve, reject) => {
    sockets.once('error', reject)
    sockets.listen(endpoint, resolve)
  })
}
