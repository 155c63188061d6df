import { uint24 } from '../../lib/bytes.ts'
import { HEADER_BYTES } from './message.ts'

/** Messages of SGd and S6c have some hundred bytes; 64 KiB leave room for whatever agents add, and bound what a peer can make us hold. */
export const MAX_MESSAGE_BYTES = 64 * 1024

/**
 * Cuts a stream of bytes into Diameter messages by their Length (RFC 6733 clause 3). The invariant: `#held` bytes are here, fewer than
 * `#wanted`, which is a header until the Length is known and the whole message after that, never more than MAX_MESSAGE_BYTES.
 */
export class Framer {
  readonly #buffer = new Uint8Array(MAX_MESSAGE_BYTES)
  #held = 0
  #wanted = HEADER_BYTES

  /**
   * Takes the next bytes and gives each message that they complete, as a copy. False once the stream cannot be followed: a version that is not
   * 1, or a Length that is none. Where the next message begins is then unknown, so the connection has to end.
   */
  push (chunk: Uint8Array, onMessage: (bytes: Uint8Array) => void): boolean {
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(this.#wanted - this.#held, chunk.length - at)
      this.#buffer.set(chunk.subarray(at, at + taken), this.#held)
      this.#held += taken
      at += taken
      if (this.#held < this.#wanted) return true
      if (this.#held === HEADER_BYTES) {
        const length = uint24(this.#buffer, 1)
        if (this.#buffer[0] !== 1 || length < HEADER_BYTES || length > MAX_MESSAGE_BYTES || length % 4 !== 0) return false
        this.#wanted = length
      }
      if (this.#held === this.#wanted) {
        const message = this.#buffer.slice(0, this.#held)
        this.#held = 0
        this.#wanted = HEADER_BYTES
        onMessage(message)
      }
    }
    return true
  }
}
