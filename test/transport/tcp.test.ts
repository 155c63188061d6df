import t from 'tap'
import fc from 'fast-check'
import { back, ethernet, ipv4, tcp, type Ends } from '../generator/packet.ts'
import { seeded } from '../lib/seed.ts'
import { hexOf, messages, Reader } from './reader.ts'

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 40_000, destination: '192.0.2.2', destinationPort: 3868 }
const SYN = 2
const RST = 4
const frame = (sequence: number, payload: Uint8Array, flags?: number, ends = ENDS): Buffer => ethernet(ipv4(ends, 6, tcp(ends, sequence, payload, flags)))

interface Cut { from: number, to: number }

/** Pieces of a stream, cut at the given places. */
function cutAt (length: number, places: readonly number[]): Cut[] {
  const cuts = [...new Set([0, ...places.map(place => place % length), length])].sort((a, b) => a - b)
  return cuts.slice(1).map((to, i) => ({ from: cuts[i]!, to }))
}

t.test('framed by length only: whole, byte by byte, many in a segment, cut in the header', async t => {
  const sent = messages(5)
  const stream = Buffer.concat(sent)
  for (const size of [stream.length, 1, 7, 19, 21, 100, 1_000]) {
    const reader = new Reader().frame(frame(999, Buffer.alloc(0), SYN))
    for (let at = 0; at < stream.length; at += size) reader.frame(frame(1_000 + at, stream.subarray(at, at + size)))
    t.same(reader.messages, hexOf(sent), `segments of ${size}`)
    t.same(reader.end().discards.counts(), {})
  }
})

t.test('any cuts, any order, doubled and overlapping segments, any start: what was sent comes out, once and in order', async t => {
  const sent = messages(6)
  const stream = Buffer.concat(sent)
  const numbers = fc.array(fc.nat(), { maxLength: 12 })
  fc.assert(fc.property(numbers, fc.infiniteStream(fc.nat()), fc.nat(2 ** 32 - 1), (places, order, start) => {
    const cuts = cutAt(stream.length, places)
    const pieces = cuts.flatMap(({ from, to }) => {
      const extra = order.next().value! % 4
      const wide = { from: Math.max(0, from - extra * 10), to: Math.min(stream.length, to + extra * 5) }
      return extra === 3 ? [{ from, to }, wide] : [wide]
    })
    pieces.sort(() => (order.next().value! % 3) - 1)
    const reader = new Reader().frame(frame(start - 1, Buffer.alloc(0), SYN), { ms: 0 })
    for (const { from, to } of pieces) reader.frame(frame(start + from, stream.subarray(from, to)), { ms: 0 })
    return JSON.stringify(reader.messages) === JSON.stringify(hexOf(sent)) && reader.transport.stats().bytesBuffered === 0
  }), seeded(t, 300))
})

t.test('with segments lost, every message that the loss did not touch comes out', async t => {
  const sent = messages(12)
  const stream = Buffer.concat(sent)
  const ends = sent.map((_, i) => sent.slice(0, i + 1).reduce((sum, message) => sum + message.length, 0))
  fc.assert(fc.property(fc.array(fc.nat(), { minLength: 4, maxLength: 20 }), fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (places, losses) => {
    const cuts = cutAt(stream.length, places)
    const lost = losses.map(loss => cuts[loss % cuts.length]!)
    const reader = new Reader().frame(frame(4_294_967_000, Buffer.alloc(0), SYN), { ms: 0 })
    for (const cut of cuts) if (!lost.includes(cut)) reader.frame(frame(4_294_967_001 + cut.from, stream.subarray(cut.from, cut.to)), { ms: 1 })
    reader.end()
    const touched = (i: number): boolean => lost.some(({ from, to }) => from < ends[i]! && to > (ends[i - 1] ?? 0))
    return hexOf(sent).every((message, i) => touched(i) || reader.messages.includes(message)) &&
      reader.messages.every(message => hexOf(sent).includes(message)) && reader.transport.stats().bytesBuffered === 0
  }), seeded(t, 300))
})

t.test('a hole is given up after some seconds, without the end of the input', async t => {
  const [first, second, third] = messages(3) as [Buffer, Buffer, Buffer]
  const reader = new Reader().frame(frame(0, Buffer.alloc(0), SYN), { ms: 0 })
  reader.frame(frame(1 + first.length, second), { ms: 10 })
  t.same(reader.messages, [])
  reader.frame(frame(5_000, third, undefined, { ...ENDS, sourcePort: 40_001 }), { ms: 6_000 })
  t.same(reader.messages, hexOf([second, third]))
  t.equal(reader.discards.counts()['tcp.segment-lost'], 1)
})

t.test('begun in the middle: the first whole message is found', async t => {
  const sent = messages(4)
  const stream = Buffer.concat(sent)
  for (const skipped of [1, 3, 20, 50, sent[0]!.length - 1]) {
    t.same(new Reader().frame(frame(77, stream.subarray(skipped))).end().messages, hexOf(sent.slice(1)), `${skipped} bytes missing`)
  }
})

t.test('begun in the middle, with the first segments out of order', async t => {
  const sent = messages(5)
  let sequence = 4_294_967_000
  const frames = sent.map(message => {
    const made = frame(sequence, message)
    sequence += message.length
    return made
  })
  for (const order of [[1, 0, 2, 3, 4], [2, 1, 0, 3, 4], [4, 3, 2, 1, 0], [1, 0, 1, 0, 2, 3, 4]]) {
    const reader = new Reader()
    for (const i of order) reader.frame(frames[i]!)
    t.same([...reader.end().messages].sort(), hexOf(sent).sort(), order.join(' '))
  }
})

t.test('a broken message does not take its neighbours with it', async t => {
  const sent = messages(4)
  const breaks: Record<string, (message: Buffer) => Buffer> = {
    version: message => { message[0] = 7; return message },
    'length too small': message => { message.writeUIntBE(24, 1, 3); return message },
    'length too large': message => { message.writeUIntBE(message.length + 40, 1, 3); return message },
    'length far too large': message => { message.writeUIntBE(0xfffffc, 1, 3); return message },
    'length odd': message => { message.writeUIntBE(message.length + 1, 1, 3); return message },
    garbage: message => Buffer.concat([message, Buffer.from('GET / HTTP/1.1\r\n\r\n')]),
    cut: message => message.subarray(0, 60)
  }
  for (const [name, broken] of Object.entries(breaks)) {
    const stream = Buffer.concat([sent[0]!, broken(Buffer.from(sent[1]!)), sent[2]!, sent[3]!])
    for (const size of [stream.length, 90]) {
      const reader = new Reader().frame(frame(0, Buffer.alloc(0), SYN))
      for (let at = 0; at < stream.length; at += size) reader.frame(frame(1 + at, stream.subarray(at, at + size)))
      const found = reader.end().messages
      t.ok([sent[0]!, sent[2]!, sent[3]!].every(message => found.includes(message.toString('hex'))), `${name}, segments of ${size}`)
    }
  }
})

t.test('a reset, and a new connection on the same ports, begin anew', async t => {
  const [first, second] = messages(2) as [Buffer, Buffer]
  const reader = new Reader().frame(frame(0, Buffer.alloc(0), SYN)).frame(frame(1, first.subarray(0, 30)))
  reader.frame(frame(31, Buffer.alloc(0), RST)).frame(frame(900_000_000, Buffer.alloc(0), SYN)).frame(frame(900_000_001, second))
  reader.frame(frame(5, Buffer.alloc(0), SYN)).frame(frame(6, first))
  t.same(reader.messages, hexOf([second, first]))
})

t.test('both directions are one connection, and others are others', async t => {
  const [first, second] = messages(2) as [Buffer, Buffer]
  const reader = new Reader().frame(frame(0, first)).frame(frame(0, second, undefined, back(ENDS))).frame(frame(0, second, undefined, { ...ENDS, sourcePort: 1 }))
  const [a, b, c] = reader.origins.map(({ connection }) => connection)
  t.equal(a, b)
  t.not(a, c)
  t.match(reader.origins[1], { sourcePort: 3868, destinationPort: 40_000 })
})

t.test('TLS is counted and not read; ports are a setting', async t => {
  const hello = Buffer.from('160301020001000100', 'hex')
  t.same(new Reader().frame(frame(0, Buffer.alloc(0), SYN)).frame(frame(1, hello)).discards.counts(), { 'tcp.encrypted': 1 })
  const other = { ...ENDS, destinationPort: 3870 }
  t.same(new Reader().frame(frame(0, messages(1)[0]!, undefined, other)).messages, [])
  t.equal(new Reader({ ports: [3870] }).frame(frame(0, messages(1)[0]!, undefined, other)).messages.length, 1)
  t.same(new Reader().frame(frame(0, hello, undefined, { ...ENDS, destinationPort: 5868 })).discards.counts(), { 'tcp.encrypted': 1 })
})

t.test('segments behind holes are bounded in bytes', async t => {
  const reader = new Reader({ bufferBytes: 100_000 })
  for (let i = 0; i < 5_000; i++) {
    reader.frame(frame(1, Buffer.alloc(0), SYN, { ...ENDS, sourcePort: 1_000 + i }), { ms: 0 })
    reader.frame(frame(500, Buffer.alloc(1_000), undefined, { ...ENDS, sourcePort: 1_000 + i }), { ms: 0 })
    if (reader.transport.stats().bytesBuffered > 100_000) t.fail('the bound was passed')
  }
  t.ok(reader.discards.counts()['tcp.buffer-full']! > 1_000)
  t.equal(reader.end().transport.stats().bytesBuffered, 0)
})
