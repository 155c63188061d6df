import t from 'tap'
import fc from 'fast-check'
import { back, chunk, data, ethernet, iData, ipv4, parts, sctp, uint32, type Ends } from '../generator/packet.ts'
import { seeded } from '../lib/seed.ts'
import { hexOf, messages, Reader } from './reader.ts'

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 3906, destination: '192.0.2.2', destinationPort: 3868 }
const TAG = 0x11223344
const frame = (chunks: readonly Uint8Array[], { tag = TAG, ends = ENDS } = {}): Buffer => ethernet(ipv4(ends, 132, sctp(ends, tag, chunks)))
const SACK = chunk(3, Buffer.alloc(12))
const MORE = 65_536

t.test('chunks bundled with others, and padding between them', async t => {
  const sent = messages(3)
  const reader = new Reader().frame(frame([SACK, data(1, sent[0]!), data(2, sent[1]!), chunk(4, Buffer.alloc(5)), data(3, sent[2]!)]))
  t.same(reader.messages, hexOf(sent))
  t.same(reader.discards.counts(), {})
})

t.test('fragments in any order among whole chunks, over several paths, some twice, TSNs past 2^32', async t => {
  const sent = messages(6)
  fc.assert(fc.property(fc.array(fc.integer({ min: 8, max: 200 }), { minLength: 6, maxLength: 6 }), fc.infiniteStream(fc.nat()), fc.nat(2 ** 32 - 1),
    (sizes, order, start) => {
      let tsn = start
      const chunks = sent.flatMap((message, i) => parts(message, sizes[i]!).map(({ payload, flags }) => data(tsn++, payload, { flags, sequence: i })))
      const shuffled = chunks.flatMap(chunk => order.next().value! % 5 === 0 ? [chunk, chunk] : [chunk]).sort(() => order.next().value! % 3 - 1)
      const reader = new Reader()
      for (const chunk of shuffled) {
        const path = order.next().value! % 2 === 0 ? ENDS : { ...ENDS, source: '198.51.100.7', destination: '198.51.100.8' }
        reader.frame(frame([chunk], { ends: path }), { ms: 0 })
      }
      return JSON.stringify([...reader.messages].sort()) === JSON.stringify(hexOf(sent).sort()) && reader.transport.stats().bytesBuffered === 0
    }), seeded(t, 300))
})

t.test('with fragments lost, the other messages come out', async t => {
  const sent = messages(8)
  fc.assert(fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), losses => {
    let tsn = 1
    const chunks = sent.flatMap((message, i) => parts(message, 90).map(({ payload, flags }) => ({ i, bytes: data(tsn++, payload, { flags }) })))
    const lost = losses.map(loss => chunks[loss % chunks.length]!)
    const reader = new Reader()
    for (const chunk of chunks) if (!lost.includes(chunk)) reader.frame(frame([chunk.bytes]))
    reader.end()
    const whole = sent.filter((_, i) => !lost.some(chunk => chunk.i === i))
    return JSON.stringify(reader.messages) === JSON.stringify(hexOf(whole)) && reader.transport.stats().bytesBuffered === 0
  }), seeded(t, 300))
})

t.test('I-DATA of several messages interleaved', async t => {
  const sent = messages(3)
  const rows = sent.map((message, i) => parts(message, 60).map(({ payload, flags }, part) => ({ payload, flags, message: i, part })))
  let tsn = 1
  const reader = new Reader()
  for (let part = 0; part < Math.max(...rows.map(row => row.length)); part++) {
    for (const row of rows) {
      const piece = row[part]
      if (piece !== undefined) reader.frame(frame([iData(tsn++, piece.payload, piece)]))
    }
  }
  t.same([...reader.messages].sort(), hexOf(sent).sort())
  t.same(new Reader().frame(frame([iData(1, sent[0]!)])).messages, hexOf([sent[0]!]))
})

t.test('payload protocols: 46 anywhere, 0 where it is Diameter, 47 counted, others not ours', async t => {
  const message = messages(1)[0]!
  const elsewhere: Ends = { ...ENDS, sourcePort: 5_000, destinationPort: 5_001 }
  const count = (ppid: number, payload: Uint8Array, ends: Ends): number => new Reader().frame(frame([data(1, payload, { ppid })], { ends })).messages.length
  t.same([count(46, message, ENDS), count(46, message, elsewhere), count(0, message, ENDS), count(0, message, elsewhere)], [1, 1, 1, 1])
  t.same([count(0, Buffer.alloc(100), elsewhere), count(18, message, ENDS), count(47, message, ENDS)], [0, 0, 0])
  t.same(new Reader().frame(frame([data(1, message, { ppid: 47 })])).discards.counts(), { 'sctp.encrypted': 1 })
  t.equal(count(46, Buffer.concat([message, message]), ENDS), 2, 'two messages in one chunk')
})

t.test('both directions are one association: over any path when its beginning was seen', async t => {
  const [request, answer] = messages(2) as [Buffer, Buffer]
  const otherPath = { ...back(ENDS), source: '203.0.113.9', destination: '203.0.113.8' }
  const seen = new Reader()
    .frame(frame([chunk(1, Buffer.concat([uint32(0xaaaa), Buffer.alloc(12)]))], { tag: 0 }))
    .frame(frame([chunk(2, Buffer.concat([uint32(0xbbbb), Buffer.alloc(12)]))], { tag: 0xaaaa, ends: back(ENDS) }))
    .frame(frame([data(1, request)], { tag: 0xbbbb })).frame(frame([data(1, answer)], { tag: 0xaaaa, ends: otherPath }))
  t.same(seen.messages, hexOf([request, answer]))
  t.equal(seen.origins[0]!.connection, seen.origins[1]!.connection)
  const unseen = new Reader().frame(frame([data(1, request)], { tag: 1 })).frame(frame([data(1, answer)], { tag: 2, ends: back(ENDS) }))
  t.equal(unseen.origins[0]!.connection, unseen.origins[1]!.connection)
})

t.test('a restart has other tags, and TSNs seen before are new again', async t => {
  const [first, second] = messages(2) as [Buffer, Buffer]
  const reader = new Reader().frame(frame([data(5, first)])).frame(frame([data(5, first)])).frame(frame([data(5, second)], { tag: 99 }))
  t.same(reader.messages, hexOf([first, second]))
  reader.frame(frame([chunk(6, Buffer.alloc(0))])).frame(frame([data(5, second)]))
  t.equal(reader.messages.length, 3, 'after an ABORT nothing is remembered')
  reader.frame(frame([data(5, first)]))
  t.equal(reader.messages.length, 4, 'the same TSN with other data is no retransmission')
})

t.test('begun in the middle of a message: it is not waited for', async t => {
  const [first, second] = messages(2) as [Buffer, Buffer]
  const [, ...rest] = parts(first, 50)
  const reader = new Reader()
  rest.forEach(({ payload, flags }, i) => reader.frame(frame([data(10 + i, payload, { flags })])))
  t.same(reader.frame(frame([data(30, second)])).end().messages, hexOf([second]))
  t.equal(reader.discards.counts()['sctp.fragment-lost'], rest.length)
})

t.test('what the sender gave up on is let go', async t => {
  const reader = new Reader().frame(frame([data(1, messages(1)[0]!.subarray(0, 40), { flags: 2 })]))
  t.ok(reader.transport.stats().bytesBuffered > 0)
  reader.frame(frame([chunk(192, uint32(1))]))
  t.equal(reader.transport.stats().bytesBuffered, 0)
})

t.test('bad chunks stop their packet and nothing else', async t => {
  const message = messages(1)[0]!
  const empty = Buffer.from('00030000', 'hex')
  t.same(new Reader().frame(frame([data(1, message), empty, data(2, message)])).discards.counts(), { 'sctp.malformed': 1 })
  const long = data(1, message)
  long.writeUInt16BE(60_000, 2)
  t.same(new Reader().frame(frame([long])).discards.counts(), { 'sctp.chunk-cut-short': 1 })
  t.same(new Reader().frame(frame([data(1, Buffer.from('not diameter'))])).discards.counts(), { 'sctp.malformed-message': 1 })
  t.same(new Reader().frame(frame([Buffer.alloc(60_000, Buffer.from('03000004', 'hex'))])).messages, [], 'fifteen thousand chunks')
})

t.test('parts that wait are bounded in number, bytes and age', async t => {
  const reader = new Reader({ bufferBytes: 50_000 })
  for (let i = 0; i < 20_000; i++) {
    reader.frame(frame([data(2 * i, Buffer.alloc(500), { flags: 2 })], { tag: i % 50 }), { ms: Math.floor(i / 100) })
    if (reader.transport.stats().bytesBuffered > 50_000) t.fail('the bound was passed')
  }
  t.ok(reader.discards.counts()['sctp.buffer-full']! > 1_000)
  reader.frame(frame([SACK]), { ms: MORE })
  t.equal(reader.transport.stats().bytesBuffered, 0, 'old ones were given up')
})

t.test('SCTP inside UDP (RFC 6951), and wrong checksums', async t => {
  const message = messages(1)[0]!
  const inner = sctp(ENDS, TAG, [data(1, message)])
  inner.writeUInt32LE(0xdeadbeef, 8)
  const udp = Buffer.alloc(8)
  udp.writeUInt16BE(9899)
  udp.writeUInt16BE(9899, 2)
  udp.writeUInt16BE(8 + inner.length, 4)
  t.same(new Reader().frame(ethernet(ipv4(ENDS, 17, Buffer.concat([udp, inner])))).messages, hexOf([message]))
})
