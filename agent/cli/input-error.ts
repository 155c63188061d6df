import { CaptureFormatError } from '../capture/format-error.ts'
import { CliError, EXIT } from './verb.ts'

/** Turns what kept an input file from being read into one line and an exit code. What is nobody's fault but ours stays as it is. */
export function inputError (error: unknown, path: string): unknown {
  if (error instanceof CaptureFormatError) return new CliError(EXIT.data, `${path}: ${error.message}`)
  if (!(error instanceof Error) || !('code' in error)) return error
  const why = error.code === 'ENOENT' ? 'there is no such file' : error.code === 'EISDIR' ? 'it is a folder: name a file' : error.message
  return new CliError(EXIT.noInput, `cannot read ${path}: ${why}`)
}
