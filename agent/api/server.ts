import { Server, ServerCredentials } from '@grpc/grpc-js'

/** Time that calls get to end by themselves when the server stops. */
const STOP_MS = 5_000

/** Server options, each with its reason. */
const OPTIONS = {
  // Two of the public clients send no pings of their own; a half-open one is noticed within 30 s.
  'grpc.keepalive_time_ms': 15_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Nothing reads it, and it costs on every call.
  'grpc.enable_channelz': 0
}

/** Makes a server that is not bound yet. */
export function makeServer (): Server {
  return new Server(OPTIONS)
}

/** Binds a server to HOST:PORT or unix:PATH and gives the port. Rejects when it is taken. */
export async function bind (server: Server, address: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port)
      else reject(error)
    })
  })
}

/** Stops a server whose streams were ended: waits for calls up to 5 s, then cuts what is left. */
export async function stopServer (server: Server): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(() => { server.forceShutdown(); resolve() }, STOP_MS)
    server.tryShutdown(() => { clearTimeout(timer); resolve() })
  })
}
