import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RunningAgent } from '../lib/agent.ts'
import { landfall } from '../lib/cli.ts'
import { base, gpp } from '../generator/diameter.ts'
import { capture, type TimedProcedure } from '../generator/history.ts'
import { experimental, octetsIn, RawPeer, textIn } from '../lib/raw-diameter.ts'
import { temporaryDirectory } from '../lib/temporary.ts'

const START = Date.UTC(2026, 0, 1)
const MME = { host: 'mme1.epc.example.net', realm: 'epc.example.net' }
const ULR: TimedProcedure = { kind: 'ULR', time: START, imsi: '242010000000001', msisdn: '4790000001', plmn: '24201', ...MME, smsRegisterRequest: 0 }
const TFR = 8388646
/** NOR-Flags bit 6: ready for short messages (TS 29.272 clause 7.3.49). */
const READY = 1 << 6

t.test('a message waits for a subscriber who is away, and goes out when the network shows them', async t => {
  const mme = await RawPeer.listen(t)
  const sgd = { host: '127.0.0.1', port: mme.port, origin_host: 'landfall.example.net', origin_realm: 'example.net', sc_address: '4790000000' }
  const agent = await (await RunningAgent.make(t, { settings: { sms: { sgd } } })).start()
  const folder = temporaryDirectory(t)
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await landfall([...args, '--config', agent.config])
    t.same([code, stderr], [0, ''], args.join(' '))
    return stdout
  }
  const replay = async (...history: TimedProcedure[]): Promise<void> => {
    const path = join(folder, 'capture.pcap')
    writeFileSync(path, capture(history))
    await run('replay', path)
  }
  await replay(ULR)
  const connection = await mme.connection()
  await connection.greet()

  const { id, fragments } = JSON.parse(await run('sms', 'send', '--to', '+4790000001', '--from', 'Landfall', '--text', 'Welcome to Norway')) as { id: string, fragments: number }
  t.equal(fragments, 1)
  const first = await connection.next()
  t.equal(first.command, TFR)
  t.same([textIn(first, 1), textIn(first, 293), textIn(first, 283)], [ULR.imsi, MME.host, MME.realm], 'to the MME that has registered them')
  connection.answer(first, [base(277, 1), base(264, MME.host), base(296, MME.realm), experimental(5550), gpp(3322, 1)])
  const state = async (): Promise<{ state: string, cause: string, waitsForSubscriber: boolean }> => JSON.parse(await run('sms', 'show', id)) as never
  let seen = await state()
  for (let looks = 0; seen.state !== 'waiting' && looks < 100; looks++) seen = await state()
  t.match(seen, { state: 'waiting', cause: /^sgd\.absent-user/, waitsForSubscriber: true })
  const table = await run('sms', 'list', '--to', '+4790000001', '--state', 'waiting')
  t.match(table, /^sgd: up$/m)
  t.match(table, new RegExp(`^${id} .* local +Landfall +4790000001 +waiting +0/1 +0/1 +sgd\\.absent-user`, 'm'))

  await replay({ kind: 'NOR', time: START + 60_000, imsi: ULR.imsi, ...MME, norFlags: READY })
  const second = await connection.next()
  t.same(octetsIn(second, 3301), octetsIn(first, 3301), 'the same bytes')
  connection.answer(second, [base(268, 2001), base(277, 1), base(264, MME.host), base(296, MME.realm)])
  for (let looks = 0; seen.state !== 'delivered' && looks < 100; looks++) seen = await state()
  t.match(seen, { state: 'delivered', fragments: 1, delivered: 1 })
  t.notMatch(agent.log, /4790000001|242010000000001|Welcome/, 'the log is without persons and content')
  // The MME goes first: an agent that stops waits for its goodbye to be answered.
  connection.socket.destroy()
})

t.test('what is wrong is said, with what to do', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const wrong = async (code: number, words: RegExp, ...args: string[]): Promise<void> => {
    const run = await landfall(['sms', ...args])
    t.equal(run.code, code, args.join(' '))
    t.match(run.stderr, words)
  }
  const config = ['--config', agent.config]
  await wrong(64, /say what to do: landfall sms send/, 'fly')
  await wrong(64, /give either --text or --data/, 'send', '--to', '+4790000001', '--from', 'x', ...config)
  await wrong(64, /--data is hexadecimal/, 'send', '--data', 'xyz', ...config)
  await wrong(64, /name one message by its id/, 'show', ...config)
  await wrong(64, /--limit is a number/, 'list', '--limit', 'many', ...config)
  await wrong(65, /relays no short messages: its configuration has neither "sms.smpp" nor "sms.sgd"/, 'list', ...config)
})
