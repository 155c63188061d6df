import { credentials, status, type ServiceError } from '@grpc/grpc-js'
import { ControlServiceClient } from '../../gen/landfall/control/v1/control.ts'
import type { Config } from '../config/schema.ts'
import { CliError, EXIT } from './verb.ts'

/** Opens a channel to the running agent's control socket. */
export function controlClient (config: Config): ControlServiceClient {
  return new ControlServiceClient(`unix:${config.control_socket}`, credentials.createInsecure())
}

/** Turns an error of a call to the agent into one line and an exit code. */
export function controlError (error: ServiceError, config: Config): CliError {
  if (error.code === status.UNAVAILABLE) {
    return new CliError(EXIT.unavailable, `no agent answers at ${config.control_socket}: start it with "landfall run", or name its configuration with --config`)
  }
  return new CliError(error.code === status.INVALID_ARGUMENT || error.code === status.ALREADY_EXISTS ? EXIT.usage : EXIT.data, error.details)
}

/** One call to the agent as a promise; rejects with its ServiceError. */
export async function ask<T> (call: (done: (error: ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return await new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error === null) resolve(answer)
      else reject(error)
    })
  })
}
