import { uint32 } from '../../lib/bytes.ts'
import { HEADER_BYTES } from './pdu.ts'

/** Longest PDU that is taken: room for the longest message_payload there is in practice, and nothing that could hurt. */
export const MAX_PDU_BYTES = 65_536

const FIRST_BYTES = 4_096

/**
 * Cuts a byte stream into PDUs by their command_length (SMPP 3.4 clause 3.2). A length that cannot be is final: nothing tells where the next
 * PDU begins, so the connection is of no more use.
 *
 * Invariant: `buffer[start, end)` is what was pushed and is not yet part of a PDU that was given.
 */
export class Framer {
  #buffer = new Uint8Array(FIRST_BYTES)
  #start = 0
  #end = 0

  push (chunk: Uint8Array): void {
    const held = this.#end - this.#start
    if (this.#end + chunk.length > this.#buffer.length) {
      // Twice what is needed, so that what is held is moved seldom.
      const wanted = 2 * (held + chunk.length)
      const buffer = wanted > this.#buffer.length ? new Uint8Array(wanted) : this.#buffer
      buffer.set(this.#buffer.subarray(this.#start, this.#end))
      this.#buffer = buffer
      this.#start = 0
      this.#end = held
    }
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** The next whole PDU, in bytes of its own; undefined while it is not all there; `broken` from a wrong length on. */
  next (): Uint8Array | 'broken' | undefined {
    const held = this.#end - this.#start
    if (held < 4) return undefined
    const length = uint32(this.#buffer, this.#start)
    if (length < HEADER_BYTES || length > MAX_PDU_BYTES) return 'broken'
    if (held < length) return undefined
    const pdu = this.#buffer.slice(this.#start, this.#start + length)
    this.#start += length
    return pdu
  }

  /** Bytes that wait for more. */
  get held (): number {
    return this.#end - this.#start
  }
}
