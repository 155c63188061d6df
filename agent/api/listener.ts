import { chmodSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Server as SocketServer } from 'node:net'
import { ServerCredentials, type Server } from '@grpc/grpc-js'
import type { Clock } from '../lib/clock.ts'

/** Length of the HTTP/2 connection preface (RFC 9113 clause 3.4): whoever has not said that much is no client. */
const PREFACE_BYTES = 24

/** Time that a connection gets for it. */
const PREFACE_MS = 10_000

/** Where a server listens, and how many may come. */
export interface ListenOptions {
  /** HOST:PORT, IPv6 hosts in brackets, or unix:PATH. */
  address: string
  /** Connections at once; further ones are closed as they come. */
  connections: number
  /** Permissions of a unix socket. */
  mode?: number
  clock: Clock
}

/** An open door. */
export interface Listener {
  /** Port number; 0 for a unix socket. */
  port: number
  /** Lets nobody in any more; those inside stay. */
  close: () => void
}

/**
 * Opens a door to a gRPC server. grpc-js itself lets any number of connections in and lets those that say nothing stay for ever, so the
 * sockets are accepted here. Rejects when the address is taken.
 */
export async function listen (server: Server, { address, connections, mode, clock }: ListenOptions): Promise<Listener> {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const sockets = createServer(socket => {
    socket.setNoDelay(true)
    socket.once('close', clock.after(PREFACE_MS, () => { if (socket.bytesRead < PREFACE_BYTES) socket.destroy() }))
    injector.injectConnection(socket)
  })
  sockets.maxConnections = connections
  const port = await open(sockets, address, mode)
  return { port, close: () => { sockets.close() } }
}

async function open (sockets: SocketServer, address: string, mode: number | undefined): Promise<number> {
  const path = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined
  // What lies there is a dead process's: a living one holds the lock of the data.
  if (path !== undefined) rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    sockets.once('error', reject)
    sockets.listen(path === undefined ? hostAndPort(address) : { path }, resolve)
  })
  if (path === undefined) return (sockets.address() as AddressInfo).port
  if (mode !== undefined) chmodSync(path, mode)
  return 0
}

/** Takes HOST:PORT apart; IPv6 hosts lose their brackets. */
export function hostAndPort (address: string): { host: string, port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
