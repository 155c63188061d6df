import { BIG_ENDIAN, DAMAGED, LITTLE_ENDIAN, MAX_FRAME_BYTES, MORE, type ByteOrder, type CaptureFormat } from './format.ts'
import type { Frame, FrameSink } from './frame.ts'

/** Block types (draft-ietf-opsawg-pcapng, section 4 and appendix A). */
const BLOCK = { section: 0x0a0d0d0a, interface: 1, packet: 2, simplePacket: 3, enhancedPacket: 6 } as const

/** Options of an interface description (section 4.2). */
const OPTION = { end: 0, tsresol: 9, tsoffset: 14 } as const

const BYTE_ORDER_MAGIC = 0x1a2b3c4d

/** Block type, length, and the length once more at the end. */
const BLOCK_FRAME_BYTES = 12
/** The largest block that is believed: a frame and its options. */
const MAX_BLOCK_BYTES = MAX_FRAME_BYTES + 65_536
/** Interfaces of one section: far above what any capture has. */
const MAX_INTERFACES = 65_536

interface Interface {
  linkType: number
  snapLength: number
  /** Units of a time stamp in one second. */
  unitsPerSecond: bigint
  /** Seconds to add to every time stamp. */
  offset: number
}

/** Whether a file that begins with these four bytes is a pcapng. */
export function isPcapng (bytes: Uint8Array, at: number): boolean {
  return BIG_ENDIAN.uint32(bytes, at) === BLOCK.section
}

/** The block format: sections of either byte order, each with interfaces of its own. */
export class Pcapng implements CaptureFormat {
  #order: ByteOrder = BIG_ENDIAN
  #interfaces: Interface[] = []
  readonly #frame: Frame = { number: 0, seconds: 0, nanoseconds: 0, linkType: 0, data: new Uint8Array(0), originalLength: 0 }

  record (bytes: Uint8Array, at: number, end: number, onFrame: FrameSink): number {
    if (end - at < BLOCK_FRAME_BYTES) return MORE
    if (isPcapng(bytes, at) && !this.#beginSection(bytes, at)) return DAMAGED
    const type = this.#order.uint32(bytes, at)
    const length = this.#order.uint32(bytes, at + 4)
    if (length < BLOCK_FRAME_BYTES || length % 4 !== 0 || length > MAX_BLOCK_BYTES) return DAMAGED
    if (end - at < length) return MORE
    if (this.#order.uint32(bytes, at + length - 4) !== length) return DAMAGED
    return this.#block(type, bytes, at + 8, at + length - 4, onFrame) ? length : DAMAGED
  }

  /** A section decides the byte order of itself, its own length included, and begins its interfaces anew. */
  #beginSection (bytes: Uint8Array, at: number): boolean {
    const order = [BIG_ENDIAN, LITTLE_ENDIAN].find(order => order.uint32(bytes, at + 8) === BYTE_ORDER_MAGIC)
    if (order === undefined) return false
    this.#order = order
    this.#interfaces = []
    return true
  }

  /** Reads one block's body, `bytes[start, end)`; unknown blocks are passed over. False when the body is too short for what it is. */
  #block (type: number, bytes: Uint8Array, start: number, end: number, onFrame: FrameSink): boolean {
    switch (type) {
      case BLOCK.interface: return this.#interface(bytes, start, end)
      case BLOCK.enhancedPacket:
        if (end - start < 20) return false
        return this.#packet(this.#order.uint32(bytes, start), bytes, start + 4, end, onFrame)
      case BLOCK.packet:
        if (end - start < 20) return false
        return this.#packet(this.#order.uint16(bytes, start), bytes, start + 4, end, onFrame)
      case BLOCK.simplePacket: return this.#simplePacket(bytes, start, end, onFrame)
      default: return true
    }
  }

  #interface (bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < 8 || this.#interfaces.length >= MAX_INTERFACES) return false
    const described: Interface = {
      linkType: this.#order.uint16(bytes, start),
      snapLength: this.#order.uint32(bytes, start + 4),
      unitsPerSecond: 1_000_000n,
      offset: 0
    }
    for (let at = start + 8; at + 4 <= end;) {
      const code = this.#order.uint16(bytes, at)
      const length = this.#order.uint16(bytes, at + 2)
      if (code === OPTION.end || at + 4 + length > end) break
      if (code === OPTION.tsresol && length === 1) described.unitsPerSecond = resolution(bytes[at + 4]!)
      if (code === OPTION.tsoffset && length === 8) described.offset = this.#seconds(bytes, at + 4)
      at += 4 + (length + 3 & ~3)
    }
    this.#interfaces.push(described)
    return true
  }

  /** A signed 64-bit number of seconds. */
  #seconds (bytes: Uint8Array, at: number): number {
    const high = this.#order.uint32(bytes, this.#order === BIG_ENDIAN ? at : at + 4) | 0
    const low = this.#order.uint32(bytes, this.#order === BIG_ENDIAN ? at + 4 : at)
    return high * 2 ** 32 + low
  }

  /** From the time stamp on, enhanced and obsolete packets are alike: two halves of the stamp, two lengths, the bytes. */
  #packet (index: number, bytes: Uint8Array, start: number, end: number, onFrame: FrameSink): boolean {
    const from = this.#interfaces[index]
    const captured = this.#order.uint32(bytes, start + 8)
    if (from === undefined || captured > end - start - 16) return false
    this.#stamp(from, this.#order.uint32(bytes, start), this.#order.uint32(bytes, start + 4))
    this.#emit(from, bytes, start + 16, captured, this.#order.uint32(bytes, start + 12), onFrame)
    return true
  }

  /** A packet of the first interface without a time stamp: it takes the time of the one before it. */
  #simplePacket (bytes: Uint8Array, start: number, end: number, onFrame: FrameSink): boolean {
    const from = this.#interfaces[0]
    if (from === undefined || end - start < 4) return false
    const original = this.#order.uint32(bytes, start)
    const kept = from.snapLength === 0 ? original : Math.min(original, from.snapLength)
    this.#emit(from, bytes, start + 4, Math.min(kept, end - start - 4), original, onFrame)
    return true
  }

  #stamp ({ unitsPerSecond, offset }: Interface, high: number, low: number): void {
    const units = BigInt(high) << 32n | BigInt(low)
    const seconds = units / unitsPerSecond
    this.#frame.seconds = Number(seconds) + offset
    this.#frame.nanoseconds = Number((units - seconds * unitsPerSecond) * 1_000_000_000n / unitsPerSecond)
  }

  #emit ({ linkType }: Interface, bytes: Uint8Array, at: number, captured: number, original: number, onFrame: FrameSink): void {
    const frame = this.#frame
    frame.number++
    frame.linkType = linkType
    frame.data = bytes.subarray(at, at + captured)
    frame.originalLength = original
    onFrame(frame)
  }
}

/** if_tsresol: a power of ten, or of two where the highest bit is set. */
function resolution (option: number): bigint {
  const exponent = BigInt(option & 0x7f)
  return (option & 0x80) !== 0 ? 2n ** exponent : 10n ** exponent
}
