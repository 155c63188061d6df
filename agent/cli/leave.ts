import { spawn } from 'node:child_process'
import type { ExitCode } from './verb.ts'

/** Time that the process gets to end by itself. */
const SECONDS = 2

/** Waits until this process is gone, which it sees by the end of the pipe, and kills it when that takes too long. */
const GUARD = `timeout ${SECONDS} cat; [ $? -eq 124 ] && kill -KILL "$0"`

/**
 * Ends this process with an exit code, whatever still runs in it. Node waits for its threads when it exits, and one of them may wait for
 * something that never comes: a write to a disk that has failed, or a compilation (nodejs/node issue 54918). The service manager could not
 * start the agent again then.
 */
export function leave (code: ExitCode | number): never {
  spawn('/bin/sh', ['-c', GUARD, String(process.pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true }).on('error', () => {})
  process.exit(code)
}
