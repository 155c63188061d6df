import t from 'tap'
import { formatAddress } from '../../agent/transport/address.ts'
import { fragments4, fragments6, ipv6, LAYERS } from '../generator/layers.ts'
import { data, ethernet, ipv4, sctp, tcp, type Ends } from '../generator/packet.ts'
import { hexOf, messages, Reader } from './reader.ts'

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 40_000, destination: '192.0.2.2', destinationPort: 3868 }
const [FIRST, SECOND] = messages(2) as [Buffer, Buffer]
const packetOf = (message: Buffer, tsn: number): Buffer => ipv4(ENDS, 132, sctp(ENDS, 7, [data(tsn, message)]))

t.test('every link and tunnel gives the messages inside, and only those', async t => {
  for (const [name, wrap] of Object.entries(LAYERS)) {
    const reader = new Reader()
    for (const packet of [packetOf(FIRST, 1), ipv4(ENDS, 6, tcp(ENDS, 1, SECOND))]) {
      const { linkType, frame } = wrap(packet)
      reader.frame(frame, { linkType })
    }
    t.same(reader.end().messages, hexOf([FIRST, SECOND]), name)
    t.same(reader.discards.counts(), {}, `${name}: nothing was passed over`)
    t.equal(formatAddress(reader.origins[0]!.source), ENDS.source)
  }
})

t.test('a frame cut at any byte is no error and makes nothing up', async t => {
  for (const [name, wrap] of Object.entries(LAYERS)) {
    const { linkType, frame } = wrap(packetOf(FIRST, 1))
    for (let length = 0; length < frame.length; length++) {
      const reader = new Reader().frame(frame.subarray(0, length), { linkType, originalLength: frame.length }).end()
      if (reader.messages.some(message => message !== FIRST.toString('hex'))) t.fail(`${name} cut at ${length} made a message up`)
    }
  }
  t.pass('no cut of any frame made a message up')
})

t.test('IPv6, its extension headers, and frames of offloading hosts with no length', async t => {
  const payload = sctp(ENDS, 7, [data(1, FIRST)])
  const skipped = Buffer.concat([Buffer.from('3c00000000000000', 'hex'), Buffer.from('8400000000000000', 'hex')])
  t.same(new Reader().frame(ethernet(ipv6(132, payload), 0x86dd)).messages, hexOf([FIRST]))
  t.same(new Reader().frame(ethernet(ipv6(132, payload, skipped, 0), 0x86dd)).messages, hexOf([FIRST]))
  for (const packet of [packetOf(FIRST, 1), ipv6(132, payload)]) {
    packet.writeUInt16BE(0, packet[0] === 0x60 ? 4 : 2)
    t.same(new Reader().frame(ethernet(packet, packet[0] === 0x60 ? 0x86dd : 0x0800)).messages, hexOf([FIRST]))
  }
})

t.test('IP fragments in any order, doubled, overlapping; a lost one costs its datagram only', async t => {
  const big = messages(1)[0]!
  const packet = packetOf(big, 1)
  const four = fragments4(packet, 64)
  const six = fragments6(132, packet.subarray(20), 64)
  for (const [name, pieces, type] of [['IPv4', four, 0x0800], ['IPv6', six, 0x86dd]] as const) {
    t.ok(pieces.length > 3)
    const play = (list: readonly Buffer[]): Reader => {
      const reader = new Reader()
      for (const piece of list) reader.frame(ethernet(piece, type))
      return reader
    }
    t.same(play(pieces).messages, hexOf([big]), `${name} in order`)
    t.same(play([...pieces].reverse()).messages, hexOf([big]), `${name} in reverse`)
    t.same(play([...pieces.slice(1), pieces[1]!, pieces[2]!, pieces[0]!]).messages, hexOf([big]), `${name} doubled`)
    const lost = play(pieces.filter((_, i) => i !== 1)).end()
    t.same(lost.messages, [], `${name} lost`)
    t.same(lost.discards.counts(), { 'ip.fragment-lost': 1 })
    t.equal(lost.transport.stats().bytesBuffered, 0)
  }
  const overlapping = fragments4(packet, 128)
  const reader = new Reader()
  for (const piece of [...four.slice(0, 3), ...overlapping.slice(1)]) reader.frame(ethernet(piece))
  t.same(reader.messages, hexOf([big]), 'overlapping')
})

t.test('fragments that never end are bounded and given up in time', async t => {
  const reader = new Reader({ bufferBytes: 10_000 })
  for (let i = 0; i < 20_000; i++) {
    const [first] = fragments4(ipv4(ENDS, 132, Buffer.alloc(100), i & 0xffff), 64)
    reader.frame(ethernet(first!), { ms: i })
    if (reader.transport.stats().bytesBuffered > 10_000) t.fail('the bound was passed')
  }
  t.ok((reader.discards.counts()['ip.fragment-lost'] ?? 0) > 100, 'old ones were given up')
  t.equal(reader.end().transport.stats().bytesBuffered, 0)
})

t.test('nested without end stops', async t => {
  let packet = packetOf(FIRST, 1)
  for (let i = 0; i < 40; i++) packet = ipv4(ENDS, 4, packet)
  t.same(new Reader().frame(ethernet(packet)).discards.counts(), { 'ip.nested-too-deep': 1 })
})

t.test('other traffic is passed over', async t => {
  const reader = new Reader().frame(ethernet(Buffer.alloc(28), 0x0806)).frame(ethernet(ipv4(ENDS, 1, Buffer.alloc(8)))).frame(Buffer.alloc(60), { linkType: 9999 })
  t.same(reader.messages, [])
  t.same(reader.discards.counts(), { 'link.unknown-type': 1 })
})

t.test('addresses as text', async t => {
  const six = (text: string): string => formatAddress(Buffer.from(text.replace(/ /g, ''), 'hex'))
  t.equal(formatAddress(Buffer.of(192, 0, 2, 1)), '192.0.2.1')
  t.equal(six('20010db8 00000000 00000000 00000001'), '2001:db8::1')
  t.equal(six('20010db8 00000000 00010000 00000001'), '2001:db8::1:0:0:1')
  t.equal(six('00000000 00000000 00000000 00000000'), '::')
  t.equal(six('00000000 00000000 00000000 00000001'), '::1')
  t.equal(six('20010db8 00010000 00010001 00010001'), '2001:db8:1:0:1:1:1:1')
})
