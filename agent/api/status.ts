import { status } from '@grpc/grpc-js'

/** An error that a client gets as it is: a gRPC code and words that say what to do. */
export class StatusError extends Error {
  readonly code: status
  readonly details: string

  constructor (code: status, details: string) {
    super(details)
    this.code = code
    this.details = details
  }
}

/** The request is wrong whatever the state of the server; the text names the field and its bound. */
export class InvalidArgument extends StatusError {
  constructor (details: string) { super(status.INVALID_ARGUMENT, details) }
}

/** The contract has it and this server does not. */
export class NotServed extends StatusError {
  constructor (details: string) { super(status.UNIMPLEMENTED, details) }
}

/** A limit that protects the box. */
export class ResourceExhausted extends StatusError {
  constructor (details: string) { super(status.RESOURCE_EXHAUSTED, details) }
}

/** The server is going away or is not ready; the client connects again. */
export class Unavailable extends StatusError {
  constructor (details: string) { super(status.UNAVAILABLE, details) }
}
