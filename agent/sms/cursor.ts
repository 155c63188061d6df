/** Reads octets one after the other. Beyond the end there are zeros, and `short` tells of it: one check when all is read. */
export class Cursor {
  readonly bytes: Uint8Array
  at = 0
  /** Whether something was read that was not there. */
  short = false

  constructor (bytes: Uint8Array) {
    this.bytes = bytes
  }

  get ended (): boolean {
    return this.at >= this.bytes.length
  }

  octet (): number {
    return this.take(1)[0] ?? 0
  }

  /** The next octets, in place; fewer where they end. */
  take (count: number): Uint8Array {
    const taken = this.bytes.subarray(this.at, this.at + count)
    if (taken.length < count) this.short = true
    this.at += taken.length
    return taken
  }
}
