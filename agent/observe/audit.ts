import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** Size at which a file is put aside. The one before it goes then, so that the log takes twice as much at most. */
const MAX_BYTES = 32 << 20

/** Lines of JSON that say who did what, in a file for this user alone and another one before it. Written at once, without waiting for the disk. */
export class AuditLog {
  readonly #path: string
  readonly #now: () => number
  #file: number
  #size: number

  /** `now`: the wall clock, ms since 1970. Throws the system's error where the file cannot be written. */
  constructor (path: string, now: () => number) {
    this.#path = path
    this.#now = now
    this.#file = openSync(path, 'a', 0o600)
    this.#size = fstatSync(this.#file).size
  }

  /** Adds a line. A disk that is full loses it and nothing else. */
  readonly write = (what: string, fields: object): void => {
    const line = Buffer.from(`${JSON.stringify({ time: new Date(this.#now()).toISOString(), what, ...fields })}\n`)
    try {
      if (this.#size + line.length > MAX_BYTES) this.#turn()
      this.#size += writeSync(this.#file, line)
    } catch {}
  }

  close (): void {
    closeSync(this.#file)
  }

  #turn (): void {
    renameSync(this.#path, `${this.#path}.1`)
    const before = this.#file
    this.#file = openSync(this.#path, 'a', 0o600)
    this.#size = 0
    closeSync(before)
  }
}
