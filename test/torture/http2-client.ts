import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import { SubscriptionEventServiceService } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { within } from './patience.ts'
import type { Place } from './place.ts'

const { path, requestSerialize } = SubscriptionEventServiceService.streamFirstAttachmentEvents

/** Time that a connection and a stream get to open. */
const OPEN_MS = 20_000

/** Headers of a gRPC call. */
export const CALL_HEADERS = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }

/** A request to open a stream of first attachments, framed as gRPC has it. `queue`: name of a durable one, undefined for a regular stream. */
export function openRequest (queue: string | undefined, maxInFlight: number): Buffer {
  const streamConfiguration = StreamConfiguration.fromPartial({
    streamType: queue === undefined ? { $case: 'regular', value: {} } : { $case: 'durableQueue', value: { customName: queue } },
    acknowledgeOption: { $case: 'customAckTimeout', value: { seconds: 600n } },
    maxInFlight
  })
  return grpcMessage(requestSerialize({ streamConfiguration }))
}

/** A message as gRPC frames it: not compressed, its length before it. */
export function grpcMessage (body: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/**
 * A connection made of HTTP/2 alone: cheap enough to have ten thousand streams, and rude where a client library would not be. What is not
 * asked for is not read.
 */
export class Http2Client {
  readonly session: ClientHttp2Session
  closed = false

  private constructor (session: ClientHttp2Session) {
    this.session = session
    session.on('error', () => {})
    session.on('close', () => { this.closed = true })
  }

  /** Resolves once the server has greeted. `windowBytes`: how much the server may send unread, in all and on each stream; RFC 9113's 64 KiB by default. */
  static async connect (place: Place, address: string, windowBytes?: number): Promise<Http2Client> {
    const session = connect(`http://${address}`, windowBytes === undefined ? {} : { settings: { initialWindowSize: windowBytes } })
    const client = new Http2Client(session)
    place.teardown(() => { session.destroy() })
    await within('a connection opens', OPEN_MS, new Promise<void>((resolve, reject) => {
      session.once('remoteSettings', () => { resolve() })
      session.once('error', reject)
    }))
    if (windowBytes !== undefined) session.setLocalWindowSize(windowBytes)
    return client
  }

  /** Makes a call; resolves with its stream once the server has answered with headers, and with those. */
  async call (request: Buffer, headers: OutgoingHttpHeaders = CALL_HEADERS): Promise<{ stream: ClientHttp2Stream, headers: IncomingHttpHeaders }> {
    const stream = this.session.request(headers)
    stream.on('error', () => {})
    stream.end(request)
    const found = await within('a call is answered', OPEN_MS, new Promise<IncomingHttpHeaders>((resolve, reject) => {
      stream.once('response', resolve)
      stream.once('error', reject)
      stream.once('close', () => { reject(new Error(`the stream was closed with ${stream.rstCode}`)) })
    }))
    return { stream, headers: found }
  }

  destroy (): void {
    this.session.destroy()
  }
}
