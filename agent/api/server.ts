import { Server, ServerInterceptingCall, status, type ServerInterceptor } from '@grpc/grpc-js'

/** Time that calls get to end by themselves when the server stops. */
const STOP_MS = 5_000

/** Metadata of one call, in bytes as HTTP/2 counts them (RFC 9113 clause 6.5.2: each field has 32 more). Tokens have a few hundred. */
const MAX_METADATA_BYTES = 16_384
const FIELD_OVERHEAD = 32

/** Server options, each with its reason. */
const OPTIONS = {
  // Two of the public clients send no pings of their own; a half-open one is noticed within 30 s.
  'grpc.keepalive_time_ms': 15_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Calls on one connection: far above what a client's streams and acknowledgements need.
  'grpc.max_concurrent_streams': 2_000,
  // Connections without a call are given up after a while; clients connect again by themselves.
  'grpc.max_connection_idle_ms': 30 * 60_000,
  // Nothing reads it, and it costs on every call.
  'grpc.enable_channelz': 0
}

/** Refuses calls with too much metadata before anything looks at them. */
const limitMetadata: ServerInterceptor = (_method, call) => new ServerInterceptingCall(call, {
  start: next => {
    next({
      onReceiveMetadata: (metadata, go) => {
        let bytes = 0
        for (const [name, values] of Object.entries(metadata.toHttp2Headers())) {
          for (const value of [values ?? ''].flat()) bytes += name.length + String(value).length + FIELD_OVERHEAD
        }
        if (bytes <= MAX_METADATA_BYTES) go(metadata)
        else call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details: `the call's metadata have ${bytes} bytes, they may have ${MAX_METADATA_BYTES}` })
      }
    })
  }
})

/** Largest request on the control socket: a slice of a capture or of an import. */
export const CONTROL_MESSAGE_BYTES = 4 << 20

/** Largest request of a client: a thousand tokens of 640 characters. Every open call may hold one that is not complete yet. */
export const CLIENT_MESSAGE_BYTES = 1 << 20

/** Makes a server that does not listen yet. Requests above `messageBytes` are refused before they are read; `guards` see each call one after the other. */
export function makeServer (messageBytes: number, ...guards: ServerInterceptor[]): Server {
  return new Server({ ...OPTIONS, 'grpc.max_receive_message_length': messageBytes, interceptors: [limitMetadata, ...guards] })
}

/** Stops a server whose streams were ended: waits for calls up to 5 s, then cuts what is left. */
export async function stopServer (server: Server): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(() => { server.forceShutdown(); resolve() }, STOP_MS)
    server.tryShutdown(() => { clearTimeout(timer); resolve() })
  })
}
