import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { EventKind } from '../../gen/landfall/v1/events.ts'
import { ClientsStore } from '../../agent/store/clients.ts'
import { sealIdentity } from '../../agent/store/identity.ts'
import { openNetworkWriter } from '../../agent/store/network.ts'
import { takeStateDirectory } from '../../agent/store/state-directory.ts'
import { idsOf, TestStream } from '../api/bench.ts'
import { Subscriber } from '../api/subscriber.ts'
import { capture, type TimedProcedure } from '../generator/history.ts'
import { RunningAgent } from '../lib/agent.ts'
import { jsonLines, landfall } from '../lib/cli.ts'

const DAY_MS = 86_400_000
const PERSON = { imsi: '242010000000777', msisdn: '4790007777' }
const OTHER = { imsi: '242010000000888', msisdn: '4790008888' }
const START = Date.now() - DAY_MS

function story (who: typeof PERSON, time = START): TimedProcedure[] {
  return [
    { kind: 'ULR', time, ...who, plmn: '24201', imei: '35722009245138' },
    { kind: 'ULR', time: time + 1_000, ...who, plmn: '24001' }
  ]
}

/** Whether a file under a directory holds a number as any record or key would: two digits a byte, or as text. */
function holds (directory: string, digits: string): boolean {
  const even = digits.length % 2 === 0 ? digits : digits + 'f'
  const needles = [Buffer.from(digits), Buffer.from(even, 'hex'), Buffer.from(digits.slice(0, digits.length & ~1), 'hex')]
  return ['network', 'clients'].some(part => {
    const bytes = readFileSync(join(directory, part, 'data.mdb'))
    return needles.some(needle => bytes.includes(needle))
  })
}

/** Lines of the audit log about something. */
function audit (agent: RunningAgent, what: string): object[] {
  return jsonLines(readFileSync(join(agent.directory, 'audit.jsonl'), 'utf8')).filter(line => line['what'] === what)
}

async function play (agent: RunningAgent, history: TimedProcedure[]): Promise<string> {
  const file = join(agent.config, '..', 'play.pcap')
  writeFileSync(file, capture(history))
  return (await landfall(['replay', file, '--config', agent.config])).stdout
}

t.test('a person is erased: state, events, parked copies, and after compaction every byte; ids stay, and nobody is welcomed twice', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const at = ['--config', agent.config]
  const parker = new Subscriber(t, agent.address, { kinds: [{ kind: EventKind.EVENT_KIND_COUNTRY_CHANGE }], queue: { $case: 'durableQueue', value: 'p' }, maxDeliveries: 1 })
  await parker.opened
  await play(agent, [...story(PERSON), ...story(OTHER)])
  const events = await parker.take(2)
  await parker.ask({ return: [{ kind: EventKind.EVENT_KIND_COUNTRY_CHANGE, ids: events.map(({ id }) => id) }] })
  t.match((await landfall(['queues', 'parked', 'country-change', '--queue', 'p', ...at])).stdout, /\n1 [\s\S]*\n2 /)
  t.ok(holds(agent.directory, PERSON.imsi), 'the search would find it')

  t.match((await landfall(['subscriber', 'forget', '+4790007777', ...at])).stdout, /^erased: the SIM and 5 events about it/)
  t.match(await landfall(['subscriber', 'show', PERSON.imsi, ...at]), { code: 66 })
  const parked = (await landfall(['queues', 'parked', 'country-change', '--queue', 'p', ...at])).stdout
  t.match(parked.trim().split('\n').length, 2, 'the other\'s copy is left')
  const all = new TestStream(t, agent.address, 'first-attachment', { startPosition: { $case: 'startAtOldestPossible', value: {} } })
  t.match([await all.next()], [{ firstAttachmentEvent: { imsi: { value: OTHER.imsi } } }])
  t.match(audit(agent, 'erased'), [{ subscription: /^local:local:[0-9a-f]{32}$/, events: 5 }])
  t.match(audit(agent, 'subscribed')[0], { tenant: 'local', client: 'local', kinds: ['country-change'], queue: 'p' })
  t.notMatch(agent.log + JSON.stringify(audit(agent, 'erased')), PERSON.imsi)
  t.match(await landfall(['compact', ...at]), { code: 75, stderr: /stop it first/ })
  t.match(await landfall(['check', ...at]), { code: 0 })
  await agent.end()

  t.match((await landfall(['compact', ...at])).stdout, /network\/data\.mdb: .* MiB before, .* MiB now\n.*clients\/data\.mdb/)
  t.notOk(holds(agent.directory, PERSON.imsi), 'no byte of the IMSI is left')
  t.notOk(holds(agent.directory, PERSON.msisdn))
  t.ok(holds(agent.directory, OTHER.imsi))
  t.notOk(readdirSync(join(agent.directory, 'network')).includes('compacted'))

  t.same(audit(agent, 'ended').map(line => (line as { queue: string }).queue).sort(), ['', 'p'])
  t.equal(statSync(join(agent.directory, 'audit.jsonl')).mode & 0o077, 0)
  await agent.start()
  const after = await play(agent, story(PERSON, START + 60_000))
  t.notMatch(after, /first-attachment/, 'an erased person is not welcomed as a new one')
  t.match(after, /handset-change/)
  const first = new TestStream(t, agent.address, 'first-attachment', {
    streamType: { $case: 'durableQueue', value: { customName: 'again' } }, startPosition: { $case: 'startAtOldestPossible', value: {} }
  })
  t.same(idsOf([await first.next()]), [2], 'the ids of others are as they were')
})

t.test('an erasure that was cut short is ended at the next start', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  await play(agent, story(PERSON))
  await agent.end()
  // The intent is on disk, and nothing else is done yet.
  const { identity, unlock } = await takeStateDirectory(agent.directory, Date.now())
  const clients = ClientsStore.open(join(agent.directory, 'clients'), identity)
  await openNetworkWriter(join(agent.directory, 'network'), identity).root.close()
  sealIdentity(agent.directory)
  await clients.intendErasure(PERSON.imsi)
  await clients.close()
  unlock()
  await agent.start()
  t.match(await landfall(['subscriber', 'show', PERSON.imsi, '--config', agent.config]), { code: 66 })
  t.match(audit(agent, 'erased'), [{ events: 5 }])
})
