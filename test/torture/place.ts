import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { temporaryDirectory, type Owner } from '../lib/temporary.ts'

const run = promisify(execFile)

/** Where one torture happens: a directory of its own, and everything that must be ended or unmounted afterwards. */
export class Place implements Owner {
  readonly #ends: (() => unknown)[] = []
  readonly directory: string

  constructor () {
    this.directory = temporaryDirectory(this)
  }

  /** `end` is called when the place is left; what was begun last ends first. */
  teardown (end: () => unknown): void {
    this.#ends.push(end)
  }

  /** Ends everything, whatever fails on the way; rejects with the first failure. */
  async leave (): Promise<void> {
    const failures: unknown[] = []
    for (let end; (end = this.#ends.pop()) !== undefined;) {
      try {
        await end()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

/** Runs a program of the system; resolves with what it printed. Rejects with its complaint. */
export async function system (command: string, ...args: readonly string[]): Promise<string> {
  return (await run(command, args)).stdout
}
