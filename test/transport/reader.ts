import { Discards } from '../../agent/lib/discards.ts'
import type { MessageOrigin } from '../../agent/transport/message-sink.ts'
import { DEFAULT_TRANSPORT_OPTIONS, Transport } from '../../agent/transport/transport.ts'
import { exchange } from '../generator/diameter.ts'

/** A transport stage whose messages are kept, as hexadecimal text. */
export class Reader {
  readonly discards = new Discards()
  readonly messages: string[] = []
  readonly origins: MessageOrigin[] = []
  readonly transport: Transport
  #frames = 0

  constructor (options: Partial<typeof DEFAULT_TRANSPORT_OPTIONS> = {}) {
    this.transport = new Transport({ ...DEFAULT_TRANSPORT_OPTIONS, ...options }, (bytes, start, end, origin) => {
      this.messages.push(Buffer.from(bytes.subarray(start, end)).toString('hex'))
      this.origins.push({ ...origin })
    }, this.discards)
  }

  /** Takes a frame, by default of Ethernet, captured `ms` after the start. */
  frame (data: Uint8Array, { linkType = 1, ms = this.#frames, originalLength = data.length } = {}): this {
    this.#frames++
    this.transport.frame({ number: this.#frames, seconds: 1_700_000_000 + Math.floor(ms / 1000), nanoseconds: ms % 1000 * 1e6, linkType, data, originalLength })
    return this
  }

  end (): this {
    this.transport.end()
    return this
  }
}

/** So many different messages. */
export function messages (count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => exchange({
    kind: 'ULR', imsi: `24201${String(i).padStart(10, '0')}`, plmn: '24201', hopByHop: i + 1, endToEnd: i + 1, sessionId: `s;${i}`
  }).request)
}

export const hexOf = (list: readonly Buffer[]): string[] => list.map(message => message.toString('hex'))
