import type { Log } from '../../agent/observe/log.ts'

/** A log whose lines can be looked at. */
export class GatheredLog implements Log {
  readonly lines: string[] = []
  readonly #add = (fields: object, text: string): void => { this.lines.push(`${JSON.stringify(fields)} ${text}`) }
  debug = this.#add
  info = this.#add
  warn = this.#add
  error = this.#add

  get text (): string { return this.lines.join('\n') }
}
