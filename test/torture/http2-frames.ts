/** Frame types of HTTP/2 (RFC 9113 clause 6) and the flags used here. */
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9 } as const
export const FLAG = { endStream: 1, endHeaders: 4 } as const

/** What a client says first (RFC 9113 clause 3.4). */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 clause 6.5.2). */
const INITIAL_WINDOW_SIZE = 4

/** Makes one frame (RFC 9113 clause 4.1). */
export function frame (type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A client's greeting; `windowBytes` is how much it lets the server send on each stream and in all. */
export function greeting (windowBytes = 65_535): Buffer {
  const setting = Buffer.alloc(6)
  setting.writeUInt16BE(INITIAL_WINDOW_SIZE)
  setting.writeUInt32BE(windowBytes, 2)
  const parts = [Buffer.from(PREFACE), frame(FRAME.settings, 0, 0, setting)]
  const more = windowBytes - 65_535
  if (more > 0) {
    const update = Buffer.alloc(4)
    update.writeUInt32BE(more)
    parts.push(frame(FRAME.windowUpdate, 0, 0, update))
  }
  return Buffer.concat(parts)
}

/** Header fields as literals without indexing, not Huffman-coded (RFC 7541 clause 6.2.2). Names and values are shorter than 127 bytes. */
export function literalFields (fields: Record<string, string>): Buffer {
  return Buffer.concat(Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)])))
}

/** A whole call: its headers, those of HTTP/2 itself first, and its one message. */
export function callFrames (stream: number, authority: string, headers: Record<string, string>, request: Uint8Array): Buffer {
  return Buffer.concat([
    frame(FRAME.headers, FLAG.endHeaders, stream, literalFields({ ':scheme': 'http', ':authority': authority, ...headers })),
    frame(FRAME.data, FLAG.endStream, stream, request)
  ])
}
