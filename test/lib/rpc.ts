import { Client, credentials, Metadata, status, type ChannelCredentials, type ChannelOptions, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js'
import type { Owner } from './temporary.ts'

/** A method as generated code defines it. */
export interface Method {
  path: string
  requestStream: boolean
  responseStream: boolean
  requestSerialize: (request: never) => Buffer
  responseDeserialize: (bytes: Buffer) => unknown
}

/** How a call ended, or that a stream of it has begun (OK). */
export interface Ending { code: status, details: string, metadata: Metadata }

/** Makes calls to any method, each with credentials of its own. */
export class Rpc {
  readonly #client: Client

  /** `channel`: how to trust what is there and what to show it, plaintext by default. */
  constructor (owner: Owner, address: string, options: ChannelOptions = {}, channel: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new Client(address, channel, options)
    owner.teardown(() => { this.close() })
  }

  close (): void { this.#client.close() }

  /** `authorization`: the value as it is sent; undefined for none. `answered` gets a single answer. A stream is cancelled once it has begun. */
  async call (
    { path, requestStream, responseStream, requestSerialize, responseDeserialize }: Method, request: unknown, authorization?: string, answered?: (answer: unknown) => void
  ): Promise<Ending> {
    const metadata = new Metadata()
    if (authorization !== undefined) metadata.set('authorization', authorization)
    const serialize = requestSerialize as (request: unknown) => Buffer
    return await new Promise(resolve => {
      const failed = ({ code, details, metadata }: ServiceError): void => { resolve({ code, details, metadata }) }
      if (!responseStream) {
        this.#client.makeUnaryRequest(path, serialize, responseDeserialize, request, metadata, (error, answer) => {
          if (error === null) answered?.(answer)
          if (error === null) resolve({ code: status.OK, details: '', metadata: new Metadata() })
          else failed(error)
        })
        return
      }
      const stream = requestStream
        ? this.#client.makeBidiStreamRequest(path, serialize, responseDeserialize, metadata)
        : this.#client.makeServerStreamRequest(path, serialize, responseDeserialize, request, metadata)
      const begun = (metadata = new Metadata()): void => {
        resolve({ code: status.OK, details: '', metadata })
        stream.cancel()
      }
      stream.once('metadata', begun)
      stream.on('data', () => { begun() })
      stream.on('error', failed)
      if (requestStream) (stream as ClientDuplexStream<unknown, unknown>).write(request)
    })
  }
}
