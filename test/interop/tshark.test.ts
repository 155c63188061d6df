import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { base, exchange, message, type Procedure } from '../generator/diameter.ts'
import { fragments4, fragments6, ipv6, LAYERS } from '../generator/layers.ts'
import { back, data, ethernet, iData, ipv4, parts, sctp, tcp, type Ends } from '../generator/packet.ts'
import { pcap } from '../generator/pcap.ts'
import { jsonLines, landfall } from '../lib/cli.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 40_000, destination: '192.0.2.2', destinationPort: 3868 }
const START = Date.UTC(2026, 0, 1)

/** A procedure of every kind, and the cases that no public capture holds: a refusal, an S6d, a resend, a handset that is not known. */
const PROCEDURES: Procedure[] = [
  { kind: 'ULR', imsi: '242010000000001', plmn: '24201', msisdn: '4790000001', imei: '35722009245138', softwareVersion: '39' },
  { kind: 'ULR', imsi: '242010000000001', plmn: '310026', msisdn: '479000001', ulrFlags: 1, ratType: 1000, sgsnNumber: '4790001' },
  { kind: 'ULR', imsi: '242010000000001', plmn: '24001', experimentalResultCode: 5004 },
  { kind: 'ULR', imsi: '242010000000001', plmn: '24001', requestFlags: 0x10, mmeNumber: '479012', smsRegisterRequest: 0 },
  { kind: 'AIR', imsi: '242010000000001', plmn: '24001' },
  { kind: 'ECR', imsi: '242010000000001', imei: '357220092451385' },
  { kind: 'ECR', imei: '35722009245138', experimentalResultCode: 5422 },
  { kind: 'NOR', imsi: '242010000000001', norFlags: 0x41, imei: '86650704004053' },
  { kind: 'PUR', imsi: '242010000000001', purFlags: 1 },
  { kind: 'CLR', imsi: '242010000000001', cancellationType: 2 },
  { kind: 'IDR', imsi: '242010000000001', msisdn: '4790000002' }
]

/** Fields of tshark, and our keys for them. */
const FIELDS: Readonly<Record<string, string>> = {
  'diameter.cmd.code': 'cmd',
  'diameter.applicationId': 'appId',
  'diameter.hopbyhopid': 'hbh',
  'diameter.endtoendid': 'e2e',
  'diameter.Session-Id': 'sessionId',
  'diameter.Origin-Host': 'originHost',
  'diameter.User-Name': 'userName',
  'diameter.Visited-PLMN-Id': 'visitedPlmn',
  'diameter.IMEI': 'imei',
  'diameter.Software-Version': 'softwareVersion',
  'diameter.MSISDN': 'msisdnHex',
  'diameter.RAT-Type': 'ratType',
  'diameter.ULR-Flags': 'ulrFlags',
  'diameter.ULA-Flags': 'ulaFlags',
  'diameter.NOR-Flags': 'norFlags',
  'diameter.Cancellation-Type': 'cancellationType',
  'diameter.Equipment-Status': 'equipmentStatus',
  'diameter.Result-Code': 'resultCode',
  'diameter.Experimental-Result-Code': 'experimentalResultCode'
}

/** What tshark finds: a row a frame, several messages of a frame apart by ";". Numbers are made the same for both. */
function tsharkRows (file: string): string[] {
  const fields = Object.keys(FIELDS).flatMap(field => ['-e', field])
  const preferences = ['ip.defragment:TRUE', 'sctp.reassembly:TRUE', 'tcp.desegment_tcp_streams:TRUE', 'tcp.reassemble_out_of_order:FALSE']
  const output = execFileSync('tshark', [
    '-n', '-2', '-r', file, '-d', 'mpls.label==16,pwethcw', ...preferences.flatMap(preference => ['-o', preference]),
    '-Y', 'diameter', '-T', 'fields', '-E', 'separator=|', '-E', 'aggregator=;', '-E', 'occurrence=f', ...fields
  ], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return output.split('\n').filter(line => line !== '').map(line => line.split('|').map(plain).join('|'))
}

function ourRows (stdout: string): string[] {
  return jsonLines(stdout).map(message => Object.values(FIELDS).map(key => plain(String(message[key] ?? ''))).join('|'))
}

/** Hexadecimal numbers as decimal ones; octets without colons. */
function plain (value: string): string {
  return /^0x[0-9a-f]+$/.test(value) ? String(Number(value)) : value.replaceAll(':', '')
}

/** Commands that say nothing of where a SIM is: DSR, RSR (S6a), TFR, OFR (SGd), SRR, ALR (S6c, TS 29.338), CER and DWR. */
function otherCommands (): Buffer[] {
  const session = [base(263, 's;1'), base(264, 'host.example'), base(296, 'example'), base(1, '242010000000001')]
  const sgd = 16777313
  const s6c = 16777312
  return [[320, 16777251], [322, 16777251], [8388646, sgd], [8388645, sgd], [8388647, s6c], [8388648, s6c], [257, 0], [280, 0]].map(([command, applicationId], i) =>
    message({ command: command!, applicationId: applicationId!, isRequest: true, hopByHop: i + 1, endToEnd: i + 1 }, command! < 300 ? session.slice(1, 3) : session))
}

/** Every capture that the generator makes, by name. */
function captures (): Record<string, { linkType: number, frames: Buffer[] }> {
  const messages = PROCEDURES.map(exchange).flatMap(({ request, answer }) => [{ ends: ENDS, message: request }, { ends: back(ENDS), message: answer }])
  const inSctp = messages.map(({ ends, message }, i) => ({ ends, payload: sctp(ends, ends === ENDS ? 1 : 2, [data(i, message)]) }))
  const made: Record<string, { linkType: number, frames: Buffer[] }> = {}
  for (const [name, wrap] of Object.entries(LAYERS)) {
    const wrapped = inSctp.map(({ ends, payload }) => wrap(ipv4(ends, 132, payload)))
    made[name] = { linkType: wrapped[0]!.linkType, frames: wrapped.map(({ frame }) => frame) }
  }
  const onEthernet = (frames: Buffer[], type?: number): { linkType: number, frames: Buffer[] } => ({ linkType: 1, frames: frames.map(frame => ethernet(frame, type)) })
  const sequences = new Map([[ENDS.source, 1], [ENDS.destination, 1]])
  made['tcp'] = onEthernet(messages.map(({ ends, message }) => {
    const sequence = sequences.get(ends.source)!
    sequences.set(ends.source, sequence + message.length)
    return ipv4(ends, 6, tcp(ends, sequence, message))
  }))
  made['ipv6'] = onEthernet(inSctp.map(({ payload }) => ipv6(132, payload)), 0x86dd)
  made['ipv4 fragments'] = onEthernet(inSctp.flatMap(({ ends, payload }, i) => fragments4(ipv4(ends, 132, payload, i + 1), 96)))
  made['ipv6 fragments'] = onEthernet(fragments6(132, inSctp[0]!.payload, 96), 0x86dd)
  made['other commands'] = onEthernet(otherCommands().map((message, i) => ipv4(ENDS, 132, sctp(ENDS, 1, [data(i, message)]))))
  const leg = { kind: 'ULR' as const, imsi: '242010000000001', plmn: '24001', endToEnd: 5, sessionId: 'one' }
  made['two legs through a relay'] = onEthernet([1, 2].flatMap(hopByHop => {
    const { request, answer } = exchange({ ...leg, hopByHop })
    const ends = { ...ENDS, source: `192.0.2.${10 + hopByHop}` }
    return [ipv4(ends, 132, sctp(ends, hopByHop, [data(1, request)])), ipv4(back(ends), 132, sctp(back(ends), hopByHop + 8, [data(1, answer)]))]
  }))
  const otherPath = { ...ENDS, source: '192.0.2.33', destination: '192.0.2.34' }
  made['resent on another path'] = onEthernet([ENDS, otherPath].map(ends => ipv4(ends, 132, sctp(ends, 1, [data(1, messages[0]!.message)]))).slice(0, 1)
    .concat(ipv4(otherPath, 132, sctp(otherPath, 1, [data(2, messages[2]!.message)]))))
  // A whole message is missing between two: tshark begins anew at the next segment, and so do we.
  const requests = messages.filter(({ ends }) => ends === ENDS).map(({ message }) => message)
  let sequence = 1
  made['tcp gap'] = onEthernet(requests.flatMap((message, i) => {
    const segment = ipv4(ENDS, 6, tcp(ENDS, sequence, message))
    sequence += message.length
    return i === 3 ? [] : [segment]
  }))
  let tsn = 1
  made['sctp fragments'] = onEthernet(messages.filter(({ ends }) => ends === ENDS).flatMap(({ ends, message }, sequence) =>
    parts(message, 100).map(({ payload, flags }) => ipv4(ends, 132, sctp(ends, 1, [data(tsn++, payload, { flags, sequence })])))))
  made['i-data'] = onEthernet(messages.filter(({ ends }) => ends === ENDS).map(({ ends, message: payload }, message) =>
    ipv4(ends, 132, sctp(ends, 1, [iData(message + 1, payload, { message })]))))
  return made
}

t.test('every capture of the generator: our decode agrees with tshark\'s', async t => {
  t.equal(spawnSync('tshark', ['--version']).status, 0, 'tshark is installed')
  const folder = temporaryDirectory(t)
  for (const [name, { linkType, frames }] of Object.entries(captures())) {
    const file = join(folder, 'made.pcap')
    writeFileSync(file, pcap(frames.map((data, i) => ({ time: START + i, data })), linkType))
    const ours = ourRows((await landfall(['decode', file])).stdout)
    const theirs = tsharkRows(file)
    t.ok(theirs.length > 0, `${name}: tshark finds messages`)
    t.same(ours, theirs, name)
  }
})
