import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { system, type Place } from './place.ts'

/** A fault of the disk: which calls on which file it strikes, and how. */
export interface DiskFault {
  /** Part of the file's path, such as "clients/data.mdb". No spaces. */
  path: string
  /** fdatasync and fsync; a write of LMDB's meta pages, which ends a commit; any other write at a place in the file. */
  call: 'sync' | 'meta' | 'write'
  /**
   * It fails with error `number`; takes `number` ms longer (syncs only); writes half of what it should; or does nothing and says that it
   * did. A sync that is skipped also takes O_DSYNC from files that are opened meanwhile.
   */
  action: 'errno' | 'delay' | 'short' | 'skip'
  number?: number
  /** Calls that are let through first. */
  after?: number
  /** How often it strikes; without it, until it is mended. */
  count?: number
}

/** The library that makes a process's disk fail and its wall clock jump. */
export class Preload {
  readonly #fault: string
  readonly #clock: string
  /** What a process needs in its environment. */
  readonly env: Record<string, string>

  private constructor (library: string, directory: string) {
    this.#fault = join(directory, 'disk-fault')
    this.#clock = join(directory, 'clock-shift')
    this.env = { LD_PRELOAD: library, LANDFALL_DISK_FAULT: this.#fault, LANDFALL_CLOCK_SHIFT: this.#clock }
  }

  /** Builds it; needs gcc. Nothing is wrong with disk or clock yet. */
  static async build (place: Place): Promise<Preload> {
    const library = join(place.directory, 'preload.so')
    await system('gcc', '-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, 'test/torture/preload.c', '-ldl', '-pthread')
    return new Preload(library, place.directory)
  }

  /** Breaks the disk, from the next call on. */
  break ({ path, call, action, number = 0, after = 0, count = -1 }: DiskFault): void {
    rmSync(`${this.#fault}.hits`, { force: true })
    replace(this.#fault, `${path} ${call} ${action} ${number} ${after} ${count}\n`)
  }

  /** The disk is sound again. */
  mend (): void {
    rmSync(this.#fault, { force: true })
  }

  /** How often the last fault has struck. */
  get hits (): number {
    return statSync(`${this.#fault}.hits`, { throwIfNoEntry: false })?.size ?? 0
  }

  /** Sets the wall clock so many seconds ahead of the real one (or behind it); it shows within 50 ms. */
  shiftClock (seconds: number): void {
    replace(this.#clock, `${seconds}\n`)
  }
}

/** Whoever reads meanwhile sees the old text or the new one. */
function replace (path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}
