import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Room above twice the reserve that is wanted before new state is taken again, as a part of the reserve: it shall not flap. */
const MARGIN = 0.25

const BLOCK_BYTES = 1 << 20

/** There is no room for new state; the text says how much there is and what to do. */
export class StoreFull extends Error {}

/**
 * Watches the room on the disk, since LMDB's own limit protects nothing and a commit that fails for lack of room ends the process. Below
 * the reserve nothing new is stored, and the file that holds as much room is given up for acknowledgements and retention.
 */
export class SpaceWatch {
  readonly #directory: string
  readonly #reserveBytes: number
  readonly #file: string
  readonly #onChange: (low: boolean, freeMib: number) => void
  #low: boolean

  /** `onChange` is told when room runs out, and when there is room again. */
  constructor (directory: string, reserveBytes: number, onChange: (low: boolean, freeMib: number) => void) {
    this.#directory = directory
    this.#reserveBytes = reserveBytes
    this.#file = join(directory, 'reserve')
    this.#onChange = onChange
    const held = existsSync(this.#file) && statSync(this.#file).size === reserveBytes
    if (!held) rmSync(this.#file, { force: true })
    // Without its reserve it begins as if room had run out, and asks for enough to make it.
    this.#low = !held
    this.check()
    if (this.#low && !held) onChange(true, this.#freeMib())
  }

  /** Whether new state is refused, as of the last check. */
  get low (): boolean { return this.#low }

  /** Looks at the disk; gives whether new state is refused. */
  check (): boolean {
    const free = this.#free()
    if (!this.#low && free < this.#reserveBytes) {
      rmSync(this.#file, { force: true })
      this.#become(true)
    } else if (this.#low && free >= (2 + MARGIN) * this.#reserveBytes && this.#setAside()) this.#become(false)
    return this.#low
  }

  /** Throws StoreFull when new state is refused. */
  demand (): void {
    if (!this.check()) return
    throw new StoreFull(`the disk of ${this.#directory} has ${this.#freeMib()} MiB free, and ${Math.ceil(this.#reserveBytes / BLOCK_BYTES)} MiB are kept ` +
      'for acknowledgements: nothing new is stored until there is room. Then do it again: what was stored already changes nothing')
  }

  #become (low: boolean): void {
    this.#low = low
    this.#onChange(low, this.#freeMib())
  }

  #free (): number {
    const { bavail, bsize } = statfsSync(this.#directory)
    return bavail * bsize
  }

  #freeMib (): number {
    return Math.floor(this.#free() / BLOCK_BYTES)
  }

  /** Fills the reserve's file, with what no file system can make small; false when there was no room after all. */
  #setAside (): boolean {
    const block = randomFillSync(Buffer.alloc(Math.min(BLOCK_BYTES, this.#reserveBytes)))
    const file = openSync(this.#file, 'w', 0o600)
    try {
      for (let left = this.#reserveBytes; left > 0; left -= writeSync(file, block, 0, Math.min(left, block.length)));
      fsyncSync(file)
      return true
    } catch {
      rmSync(this.#file, { force: true })
      return false
    } finally {
      closeSync(file)
    }
  }
}
