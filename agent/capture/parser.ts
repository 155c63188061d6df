import type { Discards } from '../lib/discards.ts'
import { DAMAGED, MORE, type CaptureFormat } from './format.ts'
import { CaptureFormatError } from './format-error.ts'
import type { FrameSink } from './frame.ts'
import { isPcap, Pcap } from './pcap.ts'
import { isPcapng, Pcapng } from './pcapng.ts'

/** Bytes that tell the formats apart. */
const MAGIC_BYTES = 4

/**
 * Takes one capture file in pieces of any size and hands its frames on. The format is told by its first bytes. Memory is bounded by one
 * record. Damage later on ends the file and is counted; what came before it counts.
 */
export class CaptureParser {
  readonly #onFrame: FrameSink
  readonly #discards: Discards
  #format: CaptureFormat | undefined
  /** What is left of the pieces so far: less than one record. */
  #rest: Uint8Array = new Uint8Array(0)
  #damaged = false

  constructor (onFrame: FrameSink, discards: Discards) {
    this.#onFrame = onFrame
    this.#discards = discards
  }

  /** Takes the next bytes. Throws CaptureFormatError where the first of them are no capture. */
  push (chunk: Uint8Array): void {
    if (this.#damaged) return
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk)
    if (this.#format === undefined) {
      if (bytes.length < MAGIC_BYTES) { this.#rest = bytes.slice(); return }
      this.#format = formatOf(bytes)
    }
    let at = 0
    for (;;) {
      const taken = this.#format.record(bytes, at, bytes.length, this.#onFrame)
      if (taken === MORE) break
      if (taken === DAMAGED) return this.#giveUp(bytes, at)
      at += taken
    }
    this.#rest = bytes.slice(at)
  }

  /** Ends the file. Throws CaptureFormatError when there was none. */
  end (): void {
    if (this.#format === undefined) throw new CaptureFormatError(this.#rest.length === 0 ? 'it is empty' : 'it has fewer than four bytes')
    if (this.#rest.length > 0) this.#discards.count('capture.cut-short')
    this.#rest = new Uint8Array(0)
  }

  #giveUp (bytes: Uint8Array, at: number): void {
    this.#damaged = true
    this.#rest = new Uint8Array(0)
    this.#discards.count('capture.damaged', bytes, at)
  }
}

function formatOf (bytes: Uint8Array): CaptureFormat {
  if (isPcap(bytes, 0)) return new Pcap()
  if (isPcapng(bytes, 0)) return new Pcapng()
  const found = [...bytes.subarray(0, MAGIC_BYTES)].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
  throw new CaptureFormatError(`it begins with ${found}`)
}

function concat (a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
