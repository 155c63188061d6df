import t from 'tap'
import { CaptureParser } from '../../agent/capture/parser.ts'
import { describe } from '../../agent/diameter/describe.ts'
import type { Sighting } from '../../agent/diameter/sighting.ts'
import { DEFAULT_TRANSACTION_OPTIONS, Transactions } from '../../agent/diameter/transactions.ts'
import { Discards } from '../../agent/lib/discards.ts'
import { DEFAULT_POLICY } from '../../agent/location/policy.ts'
import { track } from '../../agent/location/tracker.ts'
import { DEFAULT_TRANSPORT_OPTIONS, Transport } from '../../agent/transport/transport.ts'
import { exchange, type Exchange, type Procedure } from '../generator/diameter.ts'
import { fragments4, LAYERS } from '../generator/layers.ts'
import { back, data, ethernet, iData, ipv4, parts, sctp, tcp, type Ends } from '../generator/packet.ts'
import { pcapFile, Section } from '../generator/capture-file.ts'
import { random, seed } from '../lib/seed.ts'

/** Mutated frames; CI asks for a million. */
const FRAMES = Number(process.env['FUZZ_FRAMES'] || 100_000)
const POLICY = { ...DEFAULT_POLICY, mode: 'replay' as const }
const BUFFER_BYTES = 1_000_000
const PENDING = 5_000

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 40_000, destination: '192.0.2.2', destinationPort: 3868 }
/** Clean traffic among the mutated, on ends and with tags of its own. */
const CLEAN: Ends = { source: '198.51.100.1', sourcePort: 41_000, destination: '198.51.100.2', destinationPort: 3868 }

/** Changes a few bytes, cuts, or repeats a part. */
function mutate (frame: Buffer, next: () => number): Buffer {
  const changed = Buffer.from(frame)
  for (let changes = 1 + next() % 4; changes > 0; changes--) {
    const at = next() % changed.length
    switch (next() % 4) {
      case 0: changed[at]! ^= 1 << next() % 8; break
      case 1: changed[at] = next() & 255; break
      case 2: changed[at] = [0, 1, 0x7f, 0x80, 0xff][next() % 5]!; break
      case 3: changed.copy(changed, at, next() % changed.length); break
    }
  }
  return next() % 8 === 0 ? changed.subarray(0, 1 + next() % changed.length) : changed
}

/** Frames of every kind, from procedures of every kind. */
function corpus (): { linkType: number, frame: Buffer }[] {
  const kinds: Procedure['kind'][] = ['ULR', 'AIR', 'ECR', 'NOR', 'PUR', 'CLR', 'IDR']
  const wraps = Object.values(LAYERS)
  return kinds.flatMap((kind, k) => wraps.flatMap((wrap, w) => {
    const { request, answer } = exchange({ kind, imsi: `24201000000${100 + k}`, plmn: '24201', imei: '35722009245138', msisdn: '4790000001', ulrFlags: 0x22 })
    const tsn = 100 * w + 10 * k
    const packets = [
      ipv4(ENDS, 132, sctp(ENDS, 7, [data(tsn, request)])),
      ipv4(back(ENDS), 132, sctp(back(ENDS), 8, parts(answer, 100).map(({ payload, flags }, i) => data(tsn + i, payload, { flags })))),
      ipv4(ENDS, 132, sctp(ENDS, 9, parts(answer, 90).map(({ payload, flags }, part) => iData(tsn + part, payload, { flags, message: tsn, part })))),
      ipv4(ENDS, 6, tcp(ENDS, 1_000 * w, request)),
      ...fragments4(ipv4(ENDS, 132, sctp(ENDS, 10, [data(tsn, answer)])), 80)
    ]
    return packets.map(packet => wrap(packet))
  }))
}

t.test('mutated frames through the whole upper half: no throw, no growth, and the clean ones among them all arrive', async t => {
  const next = random(seed(t))
  const discards = new Discards()
  const sightings: Sighting[] = []
  let clean = 0
  const transactions = new Transactions({ ...DEFAULT_TRANSACTION_OPTIONS, pendingRequests: PENDING }, sighting => {
    track(undefined, sighting, POLICY)
    if (sighting.imsi.startsWith('99999')) clean++
    else if (sightings.length < 1_000) sightings.push(sighting)
  }, discards)
  const transport = new Transport({ ...DEFAULT_TRANSPORT_OPTIONS, bufferBytes: BUFFER_BYTES }, (bytes, start, end, origin) => {
    describe(bytes, start, end)
    transactions.message(bytes, start, end, origin)
  }, discards)
  const frames = corpus()
  let sent = 0
  const sequences = { request: 1, answer: 1 }
  const play = (linkType: number, frame: Buffer, i: number): void => {
    transport.frame({ number: i, seconds: 1_700_000_000 + Math.floor(i / 1_000), nanoseconds: i % 1_000 * 1e6, linkType, data: frame, originalLength: frame.length })
  }
  for (let i = 0; i < FRAMES; i++) {
    const { linkType, frame } = frames[next() % frames.length]!
    play(linkType, mutate(frame, next), i)
    if (i % 100 !== 0) continue
    const { request, answer }: Exchange = exchange({ kind: 'ULR', imsi: `99999${String(sent).padStart(10, '0')}`, plmn: '24201' })
    if (sent % 2 === 0) {
      play(1, ethernet(ipv4(CLEAN, 132, sctp(CLEAN, 0xc1ea0001, [data(sent, request)]))), i)
      play(1, ethernet(ipv4(back(CLEAN), 132, sctp(back(CLEAN), 0xc1ea0002, [data(sent, answer)]))), i)
    } else {
      play(1, ethernet(ipv4(CLEAN, 6, tcp(CLEAN, sequences.request, request))), i)
      play(1, ethernet(ipv4(back(CLEAN), 6, tcp(back(CLEAN), sequences.answer, answer))), i)
      sequences.request += request.length
      sequences.answer += answer.length
    }
    sent++
    if (transport.stats().bytesBuffered > BUFFER_BYTES) t.fail('more bytes wait than may')
    if (transactions.stats().waiting > PENDING) t.fail('more requests wait than may')
  }
  transport.end()
  transactions.end()
  t.equal(clean, sent, `${sent} clean transactions among ${FRAMES} mutated frames`)
  t.equal(transport.stats().bytesBuffered, 0)
  t.equal(transactions.stats().waiting, 0)
  t.ok(sightings.length > 0, 'some mutations are still messages')
  t.ok(Object.keys(discards.counts()).length > 10, `passed over for ${Object.keys(discards.counts()).length} reasons`)
  t.ok(discards.samples().length <= 32)
})

t.test('mutated capture files: no throw but for a bad beginning, no frame beyond the file', async t => {
  const next = random(seed(t))
  const frames = corpus().slice(0, 20).map(({ frame }) => frame)
  const section = new Section(true).interface(1)
  for (const frame of frames) section.enhanced(0, 1n, frame)
  const files = [pcapFile(frames), section.bytes()]
  for (let i = 0; i < FRAMES / 20; i++) {
    const file = mutate(files[i % 2]!, next)
    file.set(files[i % 2]!.subarray(0, Math.min(4, file.length)))
    let bytes = 0
    const parser = new CaptureParser(frame => { bytes += frame.data.length }, new Discards())
    const size = 1 + next() % 500
    for (let at = 0; at < file.length; at += size) parser.push(file.subarray(at, at + size))
    if (file.length >= 4) parser.end()
    if (bytes > file.length) t.fail('more bytes came out than went in')
  }
  t.pass(`${Math.floor(FRAMES / 20)} files of ${frames.length} frames`)
})
