import { writeSync } from 'node:fs'
import { EXIT } from './verb.ts'

/** Text that is gathered before it is written. */
const FLUSH_CHARACTERS = 1 << 16

/** Prints one line on standard output at once. */
export function printLine (line: string): void {
  write(line + '\n')
}

/** Prints many lines on standard output, gathered; call `flush` after the last. */
export class LinePrinter {
  #gathered = ''

  line (text: string): void {
    this.#gathered += text + '\n'
    if (this.#gathered.length >= FLUSH_CHARACTERS) this.flush()
  }

  flush (): void {
    write(this.#gathered)
    this.#gathered = ''
  }
}

/** Writes all of a text. Where nobody reads any more (`| head`) the process ends quietly. */
function write (text: string): void {
  let rest = Buffer.from(text)
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
