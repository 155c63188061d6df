/** Bytes that wait for their neighbours, counted over all buffers against one bound. */
export class Budget {
  readonly #limit: number
  #used = 0

  constructor (limit: number) {
    this.#limit = limit
  }

  get used (): number { return this.#used }

  /** Takes bytes; false when there is no room, and then none are taken. */
  take (bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false
    this.#used += bytes
    return true
  }

  give (bytes: number): void {
    this.#used -= bytes
  }
}
