import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const BLOCK = Buffer.alloc(1 << 20, 'x')

/** A stranger's file that takes the room on a disk. */
export class Filler {
  readonly #directory: string
  readonly #path: string

  constructor (directory: string) {
    this.#directory = directory
    this.#path = join(directory, 'filler')
  }

  /** Grows until no more than so many bytes are free. */
  fill (leave: number): void {
    const file = openSync(this.#path, 'a')
    try {
      for (let room; (room = this.#free() - leave) > 0;) writeSync(file, BLOCK, 0, Math.min(room, BLOCK.length))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }

  remove (): void {
    rmSync(this.#path, { force: true })
  }

  #free (): number {
    const { bavail, bsize } = statfsSync(this.#directory)
    return bavail * bsize
  }
}
