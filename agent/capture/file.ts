import { createReadStream, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** Large enough that the work between two reads is worth their cost. */
const CHUNK_BYTES = 1 << 18

/** First bytes of a gzip member (RFC 1952 clause 2.3.1). */
const GZIP = [0x1f, 0x8b] as const

/** Told of the bytes read so far, of the file as it lies there, and of how many there are (unknown for standard input). */
export type OnProgress = (bytesRead: number, totalBytes: number | undefined) => void

/**
 * The bytes of a capture file, a piece at a time, gzip taken off; "-" is standard input. A gzip file that was cut short or is damaged
 * ends where it breaks: the parser finds that the last record is not all there. Throws the system's error where the file cannot be read.
 */
export async function * captureChunks (path: string, onProgress: OnProgress = () => {}): AsyncGenerator<Uint8Array> {
  const total = path === '-' ? undefined : statSync(path).size
  const source = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES })
  const counted = count(source, read => { onProgress(read, total) })
  const head: Uint8Array[] = []
  let length = 0
  while (length < GZIP.length) {
    const next = await counted.next()
    if (next.done === true) break
    head.push(next.value)
    length += next.value.length
  }
  const first = Buffer.concat(head)
  const isGzip = first[0] === GZIP[0] && first[1] === GZIP[1]
  if (isGzip) yield * gunzip(first, counted)
  else {
    if (first.length > 0) yield first
    yield * counted
  }
}

async function * count (source: Readable, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  let read = 0
  for await (const chunk of source as AsyncIterable<Buffer>) {
    read += chunk.length
    onRead(read)
    yield chunk
  }
}

async function * gunzip (first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Uint8Array> {
  const whole = async function * (): AsyncGenerator<Buffer> {
    yield first
    yield * rest
  }
  const unzip = createGunzip({ chunkSize: CHUNK_BYTES })
  const source = Readable.from(whole(), { objectMode: false })
  source.on('error', error => unzip.destroy(error))
  source.pipe(unzip)
  try {
    for await (const chunk of unzip) yield chunk as Buffer
  } catch (error) {
    if (!isZlibError(error)) throw error
  }
}

function isZlibError (error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^Z_/.test(String(error.code))
}
