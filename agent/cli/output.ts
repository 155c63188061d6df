import { writeSync } from 'node:fs'
import { EXIT } from './verb.ts'

/**
 * Prints one line on standard output. Where nobody reads any more (`| head`) the process ends quietly.
 */
export function printLine (line: string): void {
  let rest = Buffer.from(line + '\n')
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EPIPE') process.exit(EXIT.ok)
      // A pipe that is full and set to not block: try again until the reader has made room.
      if (code !== 'EAGAIN') throw error
    }
  }
}
