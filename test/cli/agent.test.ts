import { closeSync, existsSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { idsOf, TestStream } from '../api/bench.ts'
import { RunningAgent } from '../lib/agent.ts'
import { landfall } from '../lib/cli.ts'

const STORY = 'config/welcome.pcap'
const IMSI = '242010000000042'

t.test('the whole story: a capture into a running agent, events to a client, a kill, and on', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const at = ['--config', agent.config]
  const stream = new TestStream(t, agent.address, 'country-change')
  await stream.ready
  const replayed = await landfall(['replay', STORY, ...at])
  t.match(replayed.stdout, /20 frames, 20 Diameter messages, 9 sightings; events: .*2 country-change/)
  t.match(replayed.stdout, /diameter\.refused: 1/)
  const events = await stream.take(2)
  t.match(events, [{ countryChangeEvent: { previous: { code: 'NO' }, current: { code: 'SE' } } }, { countryChangeEvent: { current: { code: 'NO' } } }])
  t.ok(await stream.ack(events[0]!))

  t.match(JSON.parse((await landfall(['subscriber', 'show', IMSI, ...at])).stdout), { imsi: IMSI, country: 'NO', number: '4790000042' })
  t.match((await landfall(['subscriber', 'show', '+4790000042', ...at])).stdout, IMSI)
  t.match(await landfall(['subscriber', 'show', '+4700000000', ...at]), { code: 66, stderr: /nothing is known/ })
  t.match((await landfall(['check', ...at])).stdout, /configuration: sound\ndata: sound, \d+ records/)
  t.match(await landfall(['run', ...at]), { code: 75, stderr: /another landfall uses/ }, 'a second process is refused')

  t.equal(await agent.end('SIGKILL'), 'SIGKILL')
  await agent.start()
  t.match((await landfall(['replay', STORY, ...at])).stdout, /events: none/, 'it knows what it knew')
  const again = new TestStream(t, agent.address, 'country-change')
  const [returned] = await again.take(1)
  t.same([idsOf([returned!]), returned!.metadata!.isRedelivered], [[2], true], 'what was acknowledged does not come again, what was not does')
  t.equal(await agent.end('SIGTERM'), 0, 'an orderly stop')
  t.equal((await again.ended).code, 14, 'clients are told UNAVAILABLE')
  for (const secret of [IMSI, '4790000042', '35722009245138', 'Sweden', '"SE"']) t.notMatch(agent.log, secret, 'the log holds nothing personal')
  for (const file of ['network/data.mdb', 'clients/data.mdb', 'pseudonym.key', 'ack-token.key', 'identity.json']) {
    t.equal(statSync(join(agent.directory, file)).mode & 0o077, 0, `${file} is for one user`)
  }
})

t.test('listen prints and acknowledges, as a client does', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const at = ['--config', agent.config]
  await new TestStream(t, agent.address, 'handset-change', { streamType: { $case: 'durableQueue', value: { customName: 'mine' } }, maxInFlight: 1 }).ready
  const running = landfall(['listen', 'handset-change', '--queue', 'mine', '--in-flight', '3', ...at])
  await landfall(['replay', STORY, ...at])
  await landfall(['check', ...at])
  await agent.end()
  const { code, stdout } = await running
  t.equal(code, 69, 'the agent went away')
  t.match(stdout, /"type":"handset-change","handsetChangeEvent":\{/)
  t.match(await landfall(['listen', 'handset-change', ...at]), { code: 69, stderr: /is the agent running/ })
  t.match(await landfall(['listen', 'weather', ...at]), { code: 64, stderr: /name one kind of events/ })
  t.match(await landfall(['replay', STORY, ...at]), { code: 69, stderr: /no agent answers/ })
})

t.test('import, with an agent and without: those SIMs are no first attachments', async t => {
  const agent = await RunningAgent.make(t)
  const at = ['--config', agent.config]
  const file = join(agent.config, '..', 'subscribers.csv')
  writeFileSync(file, `imsi,msisdn,country,imei\n${IMSI},+4790000042,NO,\n242010000000043,,,\n`)
  t.match(await landfall(['subscriber', 'import', file, ...at]), { code: 0, stdout: '2 rows: 2 subscribers new or changed, 0 as they were\n' })
  t.match((await landfall(['check', ...at])).stdout, /data: sound, 2 records/)
  await agent.start()
  const shown = JSON.parse((await landfall(['subscriber', 'show', IMSI, ...at])).stdout) as object
  t.match(shown, { attached: true, country: 'NO' })
  writeFileSync(file, '242010000000044,4790000044,SE,35722009245138')
  t.match((await landfall(['subscriber', 'import', file, ...at])).stdout, /1 rows: 1 subscribers new/)
  t.match((await landfall(['replay', STORY, ...at])).stdout, /events: (?!.*first-attachment)/)
  writeFileSync(file, '242010000000044\n12345\n')
  t.match(await landfall(['subscriber', 'import', file, ...at]), { code: 65, stderr: /subscribers\.csv:2: the IMSI must be 6 to 15 digits/ })
})

t.test('damaged data are refused with a clear message, never begun anew, never a crash', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const at = ['--config', agent.config]
  await landfall(['replay', STORY, ...at])
  await agent.end()
  const data = join(agent.directory, 'network', 'data.mdb')
  const whole = readFileSync(data)
  const refused = async (name: string): Promise<void> => {
    const run = await landfall(['run', ...at])
    t.equal(run.code, 65, name)
    t.match(run.stderr, /Restore the state directory from a backup/, name)
    t.match((await landfall(['check', ...at])).code, 65, name)
    writeFileSync(data, whole)
  }
  truncateSync(data, Math.floor(whole.length / 2))
  await refused('half of the file')
  truncateSync(data, whole.length - 4096)
  await refused('one page less')
  truncateSync(data, 0)
  await refused('an empty file')
  writeFileSync(data, Buffer.alloc(whole.length))
  await refused('zeros')
  writeFileSync(join(agent.directory, 'identity.json'), '{')
  t.match(await landfall(['run', ...at]), { code: 65, stderr: /identity\.json is not readable/ })
  t.ok(existsSync(data))
})

t.test('a changed byte in a record is found by the check', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const at = ['--config', agent.config]
  await landfall(['replay', STORY, ...at])
  await agent.end()
  const data = join(agent.directory, 'network', 'data.mdb')
  const bytes = readFileSync(data)
  // The IMSI as it stands in records: two digits a byte.
  const needle = Buffer.from('24201000000004', 'hex')
  const file = openSync(data, 'r+')
  for (let place = bytes.indexOf(needle); place >= 0; place = bytes.indexOf(needle, place + 1)) writeSync(file, Buffer.of(0x99), 0, 1, place + 3)
  closeSync(file)
  const run = await landfall(['check', ...at])
  t.equal(run.code, 65)
  t.match(run.stderr, /event record \d+: an event cannot be read: its checksum does not match/)
})
