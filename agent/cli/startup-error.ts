import { TlsFilesError } from '../api/tls-files.ts'
import { ConfigError } from '../config/load.ts'
import { PositionBeyondLog } from '../delivery/dispatcher.ts'
import { StoreDamaged, StoreInaccessible, StoreLocked } from '../store/damage.ts'
import { CliError, EXIT } from './verb.ts'

/** Exit codes of the system errors that a start meets. */
const SYSTEM: Partial<Record<string, CliError['exitCode']>> = {
  EACCES: EXIT.permission,
  EPERM: EXIT.permission,
  ENOSPC: EXIT.cannotCreate,
  EROFS: EXIT.cannotCreate,
  ENOTDIR: EXIT.cannotCreate
}

/** Turns what kept the agent from starting into one line and an exit code. What is nobody's fault but ours stays as it is. */
export function startupError (error: unknown): unknown {
  if (error instanceof StoreDamaged || error instanceof PositionBeyondLog) return new CliError(EXIT.data, error.message)
  if (error instanceof ConfigError) return new CliError(EXIT.config, error.message)
  if (error instanceof StoreInaccessible) return new CliError(EXIT.permission, error.message)
  if (error instanceof TlsFilesError) return new CliError(EXIT.config, error.message)
  if (error instanceof StoreLocked) return new CliError(EXIT.tempFail, error.message)
  if (!(error instanceof Error)) return error
  const code = 'code' in error ? SYSTEM[String(error.code)] : undefined
  if (code !== undefined) return new CliError(code, error.message)
  if (error.message.includes('EADDRINUSE')) {
    return new CliError(EXIT.unavailable, `${error.message}: something else listens there; stop it or set "listen" to another port`)
  }
  return error
}
