import { Metadata, status, type sendUnaryData } from '@grpc/grpc-js'
import { LimitReached } from '../delivery/dispatcher.ts'
import { PositionNotHeld } from '../delivery/start-position.ts'
import { retryMetadata } from './retry-info.ts'

/** An error that a client gets as it is: a gRPC code, words that say what to do, and where it helps a program, metadata. */
export class StatusError extends Error {
  readonly code: status
  readonly details: string
  readonly metadata: Metadata

  constructor (code: status, details: string, metadata = new Metadata()) {
    super(details)
    this.code = code
    this.details = details
    this.metadata = metadata
  }
}

/** The request is wrong whatever the state of the server; the text names the field and its bound. */
export class InvalidArgument extends StatusError {
  constructor (details: string) { super(status.INVALID_ARGUMENT, details) }
}

/** Nobody has proven who makes the call. The text says what is wrong with the token and never what is in it. */
export class Unauthenticated extends StatusError {
  constructor (details: string) { super(status.UNAUTHENTICATED, details) }
}

/** The caller is known and may not do this: the request names what belongs to somebody else, or a scope is missing. */
export class PermissionDenied extends StatusError {
  constructor (details: string) { super(status.PERMISSION_DENIED, details) }
}

/** The contract has it and this server does not. */
export class NotServed extends StatusError {
  constructor (details: string) { super(status.UNIMPLEMENTED, details) }
}

/** The name of something is taken by something else. */
export class AlreadyExists extends StatusError {
  constructor (details: string) { super(status.ALREADY_EXISTS, details) }
}

/** There is nothing of that name. */
export class NotFound extends StatusError {
  constructor (details: string) { super(status.NOT_FOUND, details) }
}

/** A limit that protects the box was reached. `retryMs`: when to ask again, told to programs in the trailing metadata. */
export class ResourceExhausted extends StatusError {
  constructor (details: string, retryMs: number) {
    super(status.RESOURCE_EXHAUSTED, details, retryMetadata(status.RESOURCE_EXHAUSTED, details, retryMs))
  }
}

/** The server is going away or is not ready; the client connects again. */
export class Unavailable extends StatusError {
  constructor (details: string) { super(status.UNAVAILABLE, details) }
}

/** Events that were asked for are not held; `landfall-oldest-id` in the trailing metadata is the oldest that is. */
class OutOfRange extends StatusError {
  constructor (details: string, oldest: number) {
    const metadata = new Metadata()
    metadata.set('landfall-oldest-id', String(oldest))
    super(status.OUT_OF_RANGE, details, metadata)
  }
}

/** When a client may ask again that has met a limit of queues, streams or connections, ms. */
export const LIMIT_RETRY_MS = 5_000

/** What a client is told about an error of the delivery. */
export function deliveryStatus (error: unknown): unknown {
  if (error instanceof LimitReached) return new ResourceExhausted(error.message, LIMIT_RETRY_MS)
  if (error instanceof PositionNotHeld) return new OutOfRange(error.message, error.oldest)
  return error
}

/** Answers a command with what its work gives, or with why it failed. */
export function answer<T> (work: Promise<T>, callback: sendUnaryData<T>): void {
  work.then(value => { callback(null, value) }, (error: Error) => {
    callback(error instanceof StatusError ? error : { code: status.FAILED_PRECONDITION, details: error.message })
  })
}
