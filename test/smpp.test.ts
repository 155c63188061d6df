import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { smpp, type SmppConfig } from '../agent/config/smpp.ts'
import { Discards } from '../agent/lib/discards.ts'
import { smppLink } from '../agent/smpp.ts'
import { GatheredLog } from './lib/gathered-log.ts'
import { ManualClock } from './lib/manual-clock.ts'
import { temporaryDirectory } from './lib/temporary.ts'
import { until } from './lib/until.ts'
import { RawSmsc } from './sms/raw-smsc.ts'
import { submission } from './sms/submissions.ts'

const SMALLEST = { host: 'smsc.example.net', system_id: 'landfall', password_file: '/etc/landfall/smpp.password' }

/** What is wrong with these settings: the first problem's place and words. */
function problem (wish: object): string {
  const { error } = smpp.safeParse({ ...SMALLEST, ...wish })
  return error === undefined ? '' : `${error.issues[0]!.path.join('.')}: ${error.issues[0]!.message}`
}

t.test('the smallest section, and its defaults', async t => {
  t.same(smpp.parse(SMALLEST), {
    ...SMALLEST,
    port: 2775,
    system_type: '',
    bind: 'transceiver',
    window: 10,
    fragments_per_second: 0,
    response_seconds: 60,
    enquire_seconds: 30,
    id_format: 'same',
    short_code_ton_npi: '3/0',
    default_alphabet: 'gsm7',
    when_unknown: 'resend',
    permanent_statuses: [],
    temporary_statuses: []
  })
})

t.test('statuses may be written as the standard has them', async t => {
  t.match(smpp.parse({ ...SMALLEST, ...parse('permanent_statuses: [0x400, 0x0000ffff]') as object }), { permanent_statuses: [0x400, 0xffff] })
})

t.test('what cannot be is named', async t => {
  t.match(problem({ password: 'secret' }), /Unrecognized key/)
  t.match(problem({ system_id: 'sixteen letters.' }), /^system_id: must be 1 to 15 printable/)
  t.match(problem({ system_id: 'a\0b' }), /^system_id/)
  t.match(problem({ short_code_ton_npi: '3' }), /^short_code_ton_npi: must be a TON and an NPI/)
  t.match(problem({ tls: { certificate: 'a' } }), /^tls: needs both "certificate" and "key"/)
  t.match(problem({ tls: { verify: false } }), /^tls: Unrecognized key/)
  t.match(problem({ permanent_statuses: [1, 2], temporary_statuses: [2] }), /needs each status in/)
  t.match(problem({ temporary_statuses: [0] }), /^temporary_statuses.0/)
  t.match(problem({ window: 0 }), /^window/)
  t.equal(problem({ fragments_per_second: 0.5, tls: {} }), '')
})

t.test('TLS files are named when they cannot be read', async t => {
  const passwordFile = join(temporaryDirectory(t), 'password')
  writeFileSync(passwordFile, 'secret')
  const config = smpp.parse({ ...SMALLEST, password_file: passwordFile, tls: { ca: '/nowhere/ca.pem' } })
  const log = new GatheredLog()
  const link = smppLink({ config, clock: new ManualClock(), discards: new Discards(), log })
  link.start({ ready: () => {}, receipt: async () => {}, received: async () => {}, alert: () => {} })
  t.match(log.text, /ENOENT.*\/nowhere\/ca\.pem/)
  await link.stop(0)
})

t.test('the settings reach the wire, and nothing secret the log', async t => {
  const smsc = await RawSmsc.listen(t)
  const passwordFile = join(temporaryDirectory(t), 'password')
  writeFileSync(passwordFile, 'hunter2\n')
  const config: SmppConfig = smpp.parse({
    host: '127.0.0.1',
    port: smsc.port,
    system_id: 'landfall',
    password_file: passwordFile,
    system_type: 'SMS',
    bind: 'pair',
    window: 1,
    response_seconds: 7,
    enquire_seconds: 500,
    id_format: 'hex-then-decimal',
    short_code_ton_npi: '6/10',
    default_alphabet: 'latin1',
    permanent_statuses: [0x400]
  })
  const [clock, log] = [new ManualClock(), new GatheredLog()]
  const link = smppLink({ config, clock, discards: new Discards(), log })
  link.start({ ready: () => {}, receipt: async () => {}, received: async () => {}, alert: () => {} })
  const peers = [await smsc.accept(), await smsc.accept()]
  await until(() => peers.every(peer => peer.heard.length === 1))
  t.same(peers.map(peer => peer.heard[0]!.command).sort(), [1, 2])
  for (const peer of peers) {
    t.equal(peer.heard[0]!.body.toString('latin1'), 'landfall\0hunter2\0SMS\0\x34\0\0\0')
    peer.answer(peer.heard[0]!)
  }
  await until(() => link.up && log.lines.length === 2)
  t.equal(link.room, 1)
  const transmitter = peers.find(peer => peer.heard[0]!.command === 2)!
  const outcome = link.submit(submission({ text: '\x00' }))
  const heard = await transmitter.next(4)
  t.equal(heard.body.toString('latin1').slice(0, 8), '\0\x06\x0a1234\0')
  t.equal(heard.body.at(-1), 0x40, 'an @, in Latin-1')
  transmitter.answer(heard, { body: 'FF\0' })
  t.same(await outcome, { kind: 'accepted', id: '255' })
  const refused = link.submit(submission({}))
  transmitter.answer(await transmitter.next(4), { status: 0x400 })
  t.same(await refused, { kind: 'permanent', cause: 'smpp.0x00000400' })
  const lost = link.submit(submission({}))
  clock.advance(7_000)
  t.same(await lost, { kind: 'unknown', cause: 'smpp.no-answer' })
  const stopped = link.stop(1_000)
  for (const peer of peers) peer.answer(await peer.next(6))
  await stopped
  t.notMatch(log.text, /hunter2|4790000001/)
})
