import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { captureChunks } from '../../agent/capture/file.ts'
import type { Frame } from '../../agent/capture/frame.ts'
import { CaptureFormatError } from '../../agent/capture/format-error.ts'
import { CaptureParser } from '../../agent/capture/parser.ts'
import { Discards } from '../../agent/lib/discards.ts'
import { pcapFile, Section } from '../generator/capture-file.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

const FRAMES = [Buffer.from('first'), Buffer.from('the second'), Buffer.from('3')]

interface Read { frames: (Omit<Frame, 'data'> & { data: string })[], discards: Record<string, number> }

/** Reads a file in pieces of a size. */
function read (file: Uint8Array, size = file.length): Read {
  const frames: Read['frames'] = []
  const discards = new Discards()
  const parser = new CaptureParser(frame => { frames.push({ ...frame, data: Buffer.from(frame.data).toString() }) }, discards)
  for (let at = 0; at < file.length; at += size) parser.push(file.subarray(at, at + size))
  parser.end()
  return { frames, discards: discards.counts() }
}

t.test('pcap of either byte order, in microseconds and nanoseconds', async t => {
  for (const isBig of [false, true]) {
    for (const isNano of [false, true]) {
      const file = pcapFile(FRAMES, { isBig, isNano, linkType: 113, seconds: 1_700_000_000, fraction: 5 })
      const { frames } = read(file)
      t.same(frames.map(({ data }) => data), FRAMES.map(String))
      t.match(frames[1], { number: 2, seconds: 1_700_000_000, nanoseconds: isNano ? 5 : 5_000, linkType: 113, originalLength: 10 })
    }
  }
})

t.test('pcapng: sections of either byte order, interfaces with their own link, resolution and offset, every packet block', async t => {
  const sections = [false, true].map(isBig => new Section(isBig)
    .interface(1)
    .interface(113, { resolution: 9 })
    .interface(101, { resolution: 0x80 | 10, offset: -100n })
    .block(0x0bad, Buffer.from('unknown.'))
    .enhanced(0, 1_700_000_000_000_005n, FRAMES[0]!)
    .enhanced(1, 1_700_000_000_000_000_007n, FRAMES[1]!)
    .enhanced(2, 1024n * 1_000n + 512n, FRAMES[2]!)
    .obsolete(1, 1_700_000_001_000_000_000n, FRAMES[0]!)
    .simple(FRAMES[1]!).bytes())
  const { frames, discards } = read(Buffer.concat(sections))
  t.same(discards, {})
  t.equal(frames.length, 10)
  for (const half of [frames.slice(0, 5), frames.slice(5)]) {
    t.match(half, [
      { linkType: 1, seconds: 1_700_000_000, nanoseconds: 5_000, data: 'first' },
      { linkType: 113, seconds: 1_700_000_000, nanoseconds: 7, data: 'the second' },
      { linkType: 101, seconds: 900, nanoseconds: 500_000_000, data: '3' },
      { linkType: 113, seconds: 1_700_000_001, nanoseconds: 0, data: 'first' },
      { linkType: 1, seconds: 1_700_000_001, nanoseconds: 0, data: 'the second' }
    ])
  }
})

t.test('whole, byte by byte, and cut at any byte', async t => {
  for (const file of [pcapFile(FRAMES), new Section(true).interface(1).enhanced(0, 0n, FRAMES[0]!).simple(FRAMES[1]!).enhanced(0, 9n, FRAMES[2]!).bytes()]) {
    const whole = read(file)
    t.same(read(file, 1), whole)
    t.same(read(file, 7), whole)
    for (let length = 4; length < file.length; length++) {
      const cut = read(file.subarray(0, length))
      const isPrefix = cut.frames.every((frame, i) => JSON.stringify(frame) === JSON.stringify(whole.frames[i]))
      if (!isPrefix || cut.frames.length >= whole.frames.length) t.fail(`cut at ${length}`)
    }
  }
})

t.test('what is no capture is refused with what was found; an empty file too', async t => {
  for (const [bytes, found] of [[Buffer.from('%PDF-1.4'), /begins with 25 50 44 46/], [Buffer.alloc(0), /it is empty/], [Buffer.from('abc'), /fewer than four/]] as const) {
    t.throws(() => read(bytes), CaptureFormatError)
    t.throws(() => read(bytes), { message: found })
  }
})

t.test('damage ends the file and is counted; what came before counts', async t => {
  const file = pcapFile(FRAMES)
  file.writeUInt32LE(0x7fffffff, 24 + 16 + 5 + 8)
  t.match(read(file), { frames: { length: 1 }, discards: { 'capture.damaged': 1 } })
  const section = new Section(false).interface(1).enhanced(0, 0n, FRAMES[0]!).bytes()
  for (const length of [0, 11, 13, 0xffffffff]) {
    const block = Buffer.alloc(32)
    block.writeUInt32LE(6)
    block.writeUInt32LE(length, 4)
    t.match(read(Buffer.concat([section, block])), { frames: { length: 1 }, discards: { 'capture.damaged': 1 } })
  }
  t.match(read(new Section(false).enhanced(3, 0n, FRAMES[0]!).bytes()), { frames: [], discards: { 'capture.damaged': 1 } }, 'a packet of no interface')
})

t.test('gzip around either, several members, cut short', async t => {
  const path = join(temporaryDirectory(t), 'capture')
  const file = pcapFile(FRAMES)
  const readFile = async (bytes: Uint8Array): Promise<Buffer> => {
    writeFileSync(path, bytes)
    const chunks: Uint8Array[] = []
    let progress: [number, number | undefined] = [0, 0]
    for await (const chunk of captureChunks(path, (done, total) => { progress = [done, total] })) chunks.push(chunk)
    t.same(progress, [bytes.length, bytes.length])
    return Buffer.concat(chunks)
  }
  t.same(await readFile(file), file)
  t.same(await readFile(gzipSync(file)), file)
  t.same(await readFile(Buffer.concat([gzipSync(file.subarray(0, 30)), gzipSync(file.subarray(30))])), file)
  const cut = await readFile(gzipSync(file).subarray(0, -12))
  t.same(cut, file.subarray(0, cut.length))
})
