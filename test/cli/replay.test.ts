import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { capture, tcpFrames, type TimedProcedure } from '../generator/history.ts'
import { pcap } from '../generator/pcap.ts'
import { WELCOME, welcomeCapture } from '../generator/welcome.ts'
import { jsonLines, landfall } from '../lib/cli.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

const DAY_MS = 86_400_000
const START = Date.UTC(2026, 0, 1)
const SIM = { imsi: '242010000000001', msisdn: '4790000001' }
const ULR: TimedProcedure = { kind: 'ULR', time: START, ...SIM, plmn: '24201' }

/** The events of a capture file, as `replay --output json` prints them. */
async function eventsOf (files: readonly string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await landfall(['replay', ...files, '--output', 'json'])
  t.equal(code, 0)
  t.equal(stderr, '')
  return jsonLines(stdout)
}

t.test('the bundled capture is what its generator makes', async t => {
  t.ok(readFileSync('config/welcome.pcap').equals(welcomeCapture()))
})

t.test('golden: the welcome story, over SCTP, over TCP, in gzip', async t => {
  const golden = readFileSync('test/cli/welcome.golden.jsonl', 'utf8')
  const folder = temporaryDirectory(t)
  writeFileSync(join(folder, 'tcp.pcap'), pcap(tcpFrames(WELCOME)))
  writeFileSync(join(folder, 'story.pcap.gz'), gzipSync(readFileSync('config/welcome.pcap')))
  for (const file of ['config/welcome.pcap', join(folder, 'tcp.pcap'), join(folder, 'story.pcap.gz')]) {
    t.equal((await landfall(['replay', file, '--output', 'json'])).stdout, golden)
  }
})

t.test('golden: an event of each kind, in the JSON form that clients know', async t => {
  const file = join(temporaryDirectory(t), 'four.pcap')
  writeFileSync(file, capture([
    { ...ULR, plmn: '24001', imei: '35722009245138', softwareVersion: '39' },
    { ...ULR, time: START + 60_000, imei: '86650704004053', softwareVersion: '01' }
  ]))
  const events = await eventsOf([file])
  const number = { e164: '+4790000001' }
  const imsi = { value: SIM.imsi }
  const norway = { code: 'NO', name: 'Norway' }
  const sweden = { code: 'SE', name: 'Sweden' }
  const old = { imeiSv: { imei: '35722009245138', softwareVersion: '39' } }
  const at = { imsi: SIM.imsi, timestamp: '2026-01-01T00:00:00.020Z' }
  const later = { imsi: SIM.imsi, timestamp: '2026-01-01T00:01:00.020Z' }
  t.same(events, [
    { type: 'first-attachment', ...at, firstAttachmentEvent: { number, imsi } },
    { type: 'periodic-country', ...at, periodicCountryEvent: { number, imsi, country: sweden } },
    { type: 'handset-change', ...at, handsetChangeEvent: { current: old, imsi, number } },
    { type: 'country-change', ...later, countryChangeEvent: { previous: sweden, current: norway, number } },
    { type: 'periodic-country', ...later, periodicCountryEvent: { number, imsi, country: norway } },
    {
      type: 'handset-change',
      ...later,
      handsetChangeEvent: { previous: old, current: { imeiSv: { imei: '86650704004053', softwareVersion: '01' } }, imsi, number }
    }
  ])
})

t.test('several files are one run', async t => {
  const folder = temporaryDirectory(t)
  const [first, second] = [join(folder, '1.pcap'), join(folder, '2.pcap')]
  writeFileSync(first, capture([ULR]))
  writeFileSync(second, capture([{ ...ULR, time: START + 1_000, plmn: '24001' }]))
  const told = ['first-attachment', 'periodic-country', 'country-change', 'periodic-country']
  t.same((await eventsOf([first, second])).map(({ type }) => type), told, 'the later file goes on')
  t.same((await eventsOf([second, first])).map(({ type }) => type), told.slice(0, 2), 'what is older than what is known changes nothing')
  const [firstTcp, secondTcp] = [join(folder, '3.pcap'), join(folder, '4.pcap')]
  writeFileSync(firstTcp, pcap(tcpFrames([ULR, { kind: 'AIR', time: START + 5_000, ...SIM, plmn: '24201' }]).slice(2)))
  writeFileSync(secondTcp, pcap(tcpFrames([{ ...ULR, time: START + 1_000, plmn: '24001' }]).slice(2)))
  t.same((await eventsOf([firstTcp, secondTcp])).map(({ type }) => type), told, 'another capture on the same ports')
})

t.test('what falls due by the capture\'s time is told in its place, however the file is read', async t => {
  const file = join(temporaryDirectory(t), 'weeks.pcap')
  const other = { imsi: '242010000000002', plmn: '24001' }
  writeFileSync(file, capture([
    ULR,
    ...Array.from({ length: 40 }, (_, day) => ({ kind: 'ULR' as const, time: START + (day + 1) * DAY_MS, ...other })),
    { kind: 'PUR', time: START + 41 * DAY_MS, imsi: SIM.imsi },
    { kind: 'ULR', time: START + 70 * DAY_MS, ...other }
  ]))
  const mine = (await eventsOf([file])).filter(({ imsi }) => imsi === SIM.imsi)
  t.same(mine.map(({ type, timestamp }) => [type, timestamp]), [
    ['first-attachment', '2026-01-01T00:00:00.020Z'],
    ['periodic-country', '2026-01-01T00:00:00.020Z'],
    ['periodic-country', '2026-01-15T00:00:00.020Z'],
    ['periodic-country', '2026-01-29T00:00:00.020Z']
  ], 'every 14 days while it was there, and not after it was purged')
})

t.test('wrong use is one line that says what to do', async t => {
  for (const [args, code, line] of [
    [['replay'], 64, /name a capture file/],
    [['replay', 'x', '--speed', 'fast'], 64, /--speed is "realtime", "max" or a number above 0/],
    [['replay', 'x', '--output', 'xml'], 64, /--output knows "json" only/],
    [['replay', 'nowhere.pcap', '--output', 'json'], 66, /there is no such file/],
    [['replay', 'package.json', '--output', 'json'], 65, /not a pcap/],
    [['replay', 'config/welcome.pcap', '--config', 'nowhere.yaml'], 78, /cannot read the configuration/]
  ] as const) {
    const run = await landfall(args)
    t.equal(run.code, code, args.join(' '))
    t.match(run.stderr, line)
    t.equal(run.stderr.trim().split('\n').length, 1)
  }
})
