/** A pcap file of every variant; all frames have one time. */
export function pcapFile (frames: readonly Uint8Array[], { isBig = false, isNano = false, linkType = 1, seconds = 0, fraction = 0 } = {}): Buffer {
  const numbers = (...values: number[]): Buffer => uint32s(isBig, values)
  const header = Buffer.concat([numbers(isNano ? 0xa1b23c4d : 0xa1b2c3d4), uint16s(isBig, [2, 4]), numbers(0, 0, 262_144, linkType)])
  return Buffer.concat([header, ...frames.flatMap(frame => [numbers(seconds, fraction, frame.length, frame.length), frame])])
}

/** One section of a pcapng file, put together block by block. */
export class Section {
  readonly #isBig: boolean
  readonly #blocks: Buffer[] = []

  constructor (isBig: boolean) {
    this.#isBig = isBig
    this.block(0x0a0d0d0a, Buffer.concat([uint32s(isBig, [0x1a2b3c4d]), uint16s(isBig, [1, 0]), Buffer.alloc(8, 0xff)]))
  }

  block (type: number, body: Uint8Array): this {
    const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)])
    const length = padded.length + 12
    this.#blocks.push(Buffer.concat([uint32s(this.#isBig, [type, length]), padded, uint32s(this.#isBig, [length])]))
    return this
  }

  /** `resolution` is if_tsresol; `offset` if_tsoffset, seconds. */
  interface (linkType: number, { resolution, offset }: { resolution?: number, offset?: bigint } = {}): this {
    const options: Buffer[] = []
    if (resolution !== undefined) options.push(uint16s(this.#isBig, [9, 1]), Buffer.of(resolution, 0, 0, 0))
    if (offset !== undefined) {
      const bytes = Buffer.alloc(8)
      if (this.#isBig) bytes.writeBigInt64BE(offset)
      else bytes.writeBigInt64LE(offset)
      options.push(uint16s(this.#isBig, [14, 8]), bytes)
    }
    return this.block(1, Buffer.concat([uint16s(this.#isBig, [linkType, 0]), uint32s(this.#isBig, [262_144]), ...options, Buffer.alloc(4)]))
  }

  enhanced (index: number, stamp: bigint, frame: Uint8Array): this {
    return this.block(6, Buffer.concat([uint32s(this.#isBig, [index, ...halves(stamp), frame.length, frame.length]), frame]))
  }

  /** The obsolete Packet Block. */
  obsolete (index: number, stamp: bigint, frame: Uint8Array): this {
    return this.block(2, Buffer.concat([uint16s(this.#isBig, [index, 0]), uint32s(this.#isBig, [...halves(stamp), frame.length, frame.length]), frame]))
  }

  simple (frame: Uint8Array): this {
    return this.block(3, Buffer.concat([uint32s(this.#isBig, [frame.length]), frame]))
  }

  bytes (): Buffer {
    return Buffer.concat(this.#blocks)
  }
}

function halves (stamp: bigint): number[] {
  return [Number(stamp >> 32n), Number(stamp & 0xffffffffn)]
}

function uint32s (isBig: boolean, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => isBig ? bytes.writeUInt32BE(value, 4 * i) : bytes.writeUInt32LE(value, 4 * i))
  return bytes
}

function uint16s (isBig: boolean, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  values.forEach((value, i) => isBig ? bytes.writeUInt16BE(value, 2 * i) : bytes.writeUInt16LE(value, 2 * i))
  return bytes
}
