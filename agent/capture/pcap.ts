import { BIG_ENDIAN, DAMAGED, LITTLE_ENDIAN, MAX_FRAME_BYTES, MORE, type ByteOrder, type CaptureFormat } from './format.ts'
import type { Frame, FrameSink } from './frame.ts'

/** Magic numbers as a big-endian reader sees them (draft-ietf-opsawg-pcap, section 4): microseconds, nanoseconds, and both turned round. */
const MAGIC = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d, microTurned: 0xd4c3b2a1, nanoTurned: 0x4d3cb2a1 } as const

const FILE_HEADER_BYTES = 24
const RECORD_HEADER_BYTES = 16

/** The link type is in the low 16 bits; above are the length of a frame check sequence and reserved bits. */
const LINK_TYPE_MASK = 0xffff

/** Whether a file that begins with these four bytes is a pcap. */
export function isPcap (bytes: Uint8Array, at: number): boolean {
  return (Object.values(MAGIC) as number[]).includes(BIG_ENDIAN.uint32(bytes, at))
}

/** The classic format: a file header, then records. */
export class Pcap implements CaptureFormat {
  #order: ByteOrder | undefined
  #fraction = 1
  readonly #frame: Frame = { number: 0, seconds: 0, nanoseconds: 0, linkType: 0, data: new Uint8Array(0), originalLength: 0 }

  record (bytes: Uint8Array, at: number, end: number, onFrame: FrameSink): number {
    if (this.#order === undefined) return this.#fileHeader(bytes, at, end)
    if (end - at < RECORD_HEADER_BYTES) return MORE
    const order = this.#order
    const captured = order.uint32(bytes, at + 8)
    if (captured > MAX_FRAME_BYTES) return DAMAGED
    const length = RECORD_HEADER_BYTES + captured
    if (end - at < length) return MORE
    const frame = this.#frame
    frame.number++
    frame.seconds = order.uint32(bytes, at)
    frame.nanoseconds = order.uint32(bytes, at + 4) * this.#fraction
    frame.originalLength = order.uint32(bytes, at + 12)
    frame.data = bytes.subarray(at + RECORD_HEADER_BYTES, at + length)
    onFrame(frame)
    return length
  }

  #fileHeader (bytes: Uint8Array, at: number, end: number): number {
    if (end - at < FILE_HEADER_BYTES) return MORE
    const magic = BIG_ENDIAN.uint32(bytes, at)
    const order = magic === MAGIC.micro || magic === MAGIC.nano ? BIG_ENDIAN : LITTLE_ENDIAN
    this.#fraction = magic === MAGIC.micro || magic === MAGIC.microTurned ? 1_000 : 1
    this.#frame.linkType = order.uint32(bytes, at + 20) & LINK_TYPE_MASK
    this.#order = order
    return FILE_HEADER_BYTES
  }
}
