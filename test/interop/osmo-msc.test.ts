import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../agent/lib/clock.ts'
import { TON } from '../../agent/sms/address.ts'
import type { Submission } from '../../agent/sms/link.ts'
import { TestCa } from '../lib/certificates.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { until } from '../lib/until.ts'
import { OsmoMsc, type StoredMessage } from '../peers/osmo-msc.ts'
import { freePort, startProgram } from '../peers/program.ts'
import { SmppBench } from '../sms/smpp-bench.ts'
import { concatenated, submission } from '../sms/submissions.ts'

t.setTimeout(60_000)

const DAY_S = 86_400
const octets = (hex: string): Buffer => Buffer.from(hex, 'hex')
const plain = (hex: string): Submission['fragment'] => ({ header: new Uint8Array(0), body: octets(hex) })

/** Ports, and the first of two parts. (With ports alone no fill bits are needed, and this version puts seven.) */
const PORTS = octets('0b05040545054500032a0201')

const SIM = octets('027000')

/** What is sent, and what must be kept of it. Packed user data are by TS 23.040 clause 9.2.3.24, and of no code of ours. */
const CASES: [string, Partial<Submission> & { text?: string }, Partial<StoredMessage>][] = [
  ['text', { text: 'hi' }, { protocol_id: 0, data_coding_scheme: 0, ud_hdr_ind: 0, user_data: 'E834' }],
  ['from a short code to a number', {}, { src_addr: '1234', src_ton: 3, src_npi: 0, dest_addr: '4790000001', dest_ton: 1, dest_npi: 1 }],
  ['euro sign and brackets', { text: '\x1b\x65\x1b\x28\x1b\x29' }, { data_coding_scheme: 0, user_data: '9BF206B54901', ud_hdr_ind: 0 }],
  ['from a name', { from: { ton: TON.alphanumeric, value: 'EdgeCompany' } }, { src_addr: 'EdgeCompany', src_ton: 5, src_npi: 0 }],
  ['from a number', { from: { ton: TON.international, value: '479999999' } }, { src_addr: '479999999', src_ton: 1, src_npi: 1 }],
  ['part of a text', { fragment: { header: octets('050003420201'), body: Buffer.from('Hello world') } }, { data_coding_scheme: 0, ud_hdr_ind: 1, user_data: '050003420201906536FB0DBABFE56C32' }],
  ['text to a port', { fragment: { header: PORTS, body: Buffer.from('Hello world') } }, { ud_hdr_ind: 1, user_data: '0B05040545054500032A020120CB6CF61B747FCBD964' }],
  ['UCS-2', { alphabet: 'ucs2', dcs: 0x08, fragment: plain('0041d83dde00') }, { data_coding_scheme: 8, ud_hdr_ind: 0, user_data: '0041D83DDE00' }],
  ['part of UCS-2', { alphabet: 'ucs2', dcs: 0x08, fragment: { header: concatenated(2, 2), body: octets('00e6') } }, { data_coding_scheme: 8, ud_hdr_ind: 1, user_data: '0500032A020200E6' }],
  ['data', { alphabet: '8bit', dcs: 0x04, fragment: plain('00ff80') }, { data_coding_scheme: 4, user_data: '00FF80' }],
  ['data for the SIM', { alphabet: '8bit', dcs: 0xf6, pid: 127, fragment: { header: SIM, body: octets('2815') } }, { protocol_id: 127, data_coding_scheme: 0xf6, user_data: '0270002815' }],
  ['data of the general group with a class', { alphabet: '8bit', dcs: 0x15, fragment: plain('0102') }, { data_coding_scheme: 0xf5, user_data: '0102' }],
  // It keeps no class of text, and no dest_addr_subunit.
  ['flash text', { dcs: 0x10, text: 'flash' }, { data_coding_scheme: 0, user_data: '6676788E06' }],
  ['flash UCS-2', { alphabet: 'ucs2', dcs: 0x18, fragment: plain('00e6') }, { data_coding_scheme: 8, user_data: '00E6' }],
  ['replacing the last', { pid: 0x41 }, { protocol_id: 0x41 }],
  ['for an hour', { validForMs: 3_600_000 }, { seconds: 3_600 }],
  ['for three days and a bit', { validForMs: 3 * DAY_S * 1_000 + 4_020_000 }, { seconds: 3 * DAY_S + 4_020 }]
]

t.test('osmo-msc takes what we send, and would send the phone what was meant', async t => {
  const msc = await OsmoMsc.start(t)
  const bench = new SmppBench(t, msc.port, {}, systemClock)
  writeFileSync(bench.passwordFile, 'wrong')
  bench.link.start(bench)
  await until(() => bench.notices.length > 0)
  t.match(bench.notices, [/^warn .*ESME_RINVPASWD/])
  t.equal(bench.link.up, false)

  const right = new SmppBench(t, msc.port, {}, systemClock)
  right.link.start(right)
  await until(() => right.link.up)
  for (const [name, wish] of CASES) t.match(await right.link.submit(submission(wish)), { kind: 'accepted' }, name)
  const stored = msc.stored()
  t.equal(stored.length, CASES.length)
  for (const [i, [name, , expected]] of CASES.entries()) {
    const { seconds, ...others } = expected
    t.match(stored[i], { status_rep_req: 1, ...others }, name)
    // It counts from its own now, in whole minutes.
    t.ok(Math.abs(stored[i]!.seconds - (seconds ?? 7 * DAY_S)) <= 2, `${name}: ${stored[i]!.seconds} s`)
  }
  t.same(await right.link.submit(submission({ text: '' })), { kind: 'permanent', cause: 'smpp.0x000000c2' }, 'no text at all')
  await right.link.stop(2_000)
  t.match(right.link, { up: false, trouble: 'it was stopped' })
})

t.test('osmo-msc behind stunnel: the same through TLS, and only with the right certificate', async t => {
  const [msc, ca, stranger, port] = [await OsmoMsc.start(t), await TestCa.make(t), await TestCa.make(t), await freePort()]
  const [served, own] = [await ca.issue(), await ca.issue({ subject: '/CN=edge' })]
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'stunnel.conf'), `
foreground = yes
pid =
syslog = no
[smpp]
accept = 127.0.0.1:${port}
connect = 127.0.0.1:${msc.port}
cert = ${served.certificate}
key = ${served.key}
CAfile = ${ca.file}
verifyChain = yes
`)
  await startProgram(t, { command: 'stunnel4', args: ['stunnel.conf'], cwd: directory, ready: 'Configuration successful' })
  const link = (ca: string, certificate?: string, key?: string): SmppBench => {
    const bench = new SmppBench(t, port, { door: { host: '127.0.0.1', port, tls: { ca, certificate, key, servername: 'localhost' } } }, systemClock)
    bench.link.start(bench)
    return bench
  }
  const good = link(ca.file, own.certificate, own.key)
  await until(() => good.link.up)
  t.match(await good.link.submit(submission({ text: 'hi' })), { kind: 'accepted' })
  t.match(msc.stored(), [{ user_data: 'E834' }])
  for (const bad of [link(stranger.file, own.certificate, own.key), link(ca.file)]) {
    await until(() => bad.notices.length > 0)
    t.match(bad.notices[0], /^warn /)
    t.equal(bad.link.up, false)
  }
})
