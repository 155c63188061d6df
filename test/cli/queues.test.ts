import t from 'tap'
import { EventKind } from '../../gen/landfall/v1/events.ts'
import { idsOf, TestStream } from '../api/bench.ts'
import { Subscriber } from '../api/subscriber.ts'
import { RunningAgent } from '../lib/agent.ts'
import { jsonLines, landfall } from '../lib/cli.ts'

const STORY = 'config/welcome.pcap'
const KIND = EventKind.EVENT_KIND_COUNTRY_CHANGE

t.test('queues are shown with why they do not move, paused and resumed', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const queues = async (...args: string[]): Promise<string> => (await landfall(['queues', ...args, '--config', agent.config])).stdout
  t.match(await queues(), /There is no queue yet/)
  const stream = new TestStream(t, agent.address, 'country-change', { maxInFlight: 1 })
  await stream.ready
  t.match(await queues('pause', 'country-change'), /^paused/)
  await landfall(['replay', STORY, '--config', agent.config])
  t.match(await queues(), /KIND +QUEUE .*STATE\ncountry-change +"" +local +2 +0 +\d+ s +0 +0 +0 +1 +paused\n/)
  t.match(await queues('resume', 'country-change'), /^resumed/)
  const event = await stream.next()
  t.match(jsonLines(await queues('--json')), [{
    kind: 'country-change', queue: '', waiting: 1, in_flight: 1, connections: 1, redeliveries: 0, parked: 0, missed: 0, state: 'window full'
  }])
  t.ok(await stream.ack(event))
  t.ok(await stream.ack(await stream.next()))
  t.match(jsonLines(await queues('--json')), [{ waiting: 0, in_flight: 0, oldest_unacknowledged_ms: null, state: 'nothing waits' }])
})

t.test('parked events are listed, sent again and dropped', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const at = ['country-change', '--queue', 'poison', '--config', agent.config]
  const client = new Subscriber(t, agent.address, { kinds: [{ kind: KIND }], queue: { $case: 'durableQueue', value: 'poison' }, maxDeliveries: 1 })
  await client.opened
  await landfall(['replay', STORY, '--config', agent.config])
  const events = await client.take(2)
  await client.ask({ return: [{ kind: KIND, ids: events.map(({ id }) => id) }] })
  t.match((await landfall(['queues', 'parked', ...at])).stdout, /ID +DELIVERIES +FIRST +PARKED\n1 +1 +20\S+Z +20\S+Z\n2 +1 /)
  t.match((await landfall(['queues', 'replay', 'country-change', '2', ...at.slice(1)])).stdout, /^1 parked events will be sent again/)
  t.match(await client.take(1), [{ id: 2n, isRedelivered: true }])
  t.match((await landfall(['queues', 'drop', ...at])).stdout, /^1 parked events dropped/)
  t.match((await landfall(['queues', 'parked', ...at])).stdout, /nothing is parked/)
  const late = new TestStream(t, agent.address, 'country-change', { streamType: { $case: 'durableQueue', value: { customName: 'poison' } } })
  await client.ask({ acknowledge: [{ kind: KIND, ids: [2n] }] })
  t.equal(late.pending, 0)
})

t.test('wrong use is one line that says what to do', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const at = ['--config', agent.config]
  t.match(await landfall(['queues', 'burn', 'country-change', ...at]), { code: 64, stderr: /say what to do: landfall queues/ })
  t.match(await landfall(['queues', 'pause', 'weather', ...at]), { code: 64, stderr: /name one kind of events/ })
  t.match(await landfall(['queues', 'drop', 'country-change', 'x', ...at]), { code: 64, stderr: /"x" is no id/ })
  t.match(await landfall(['queues', 'pause', 'country-change', ...at]), { stderr: /there is no such queue: "landfall queues" lists them/ })
  await agent.end()
  t.match(await landfall(['queues', ...at]), { code: 69, stderr: /no agent answers/ })
})

t.test('a second agent on the same port ends, with the reason', async t => {
  const agent = await (await RunningAgent.make(t)).start()
  const second = await RunningAgent.make(t, { settings: { listen: agent.address } })
  await t.rejects(second.start(), /something else listens there/)
  t.equal(await second.ended(), 69)
  const stream = new TestStream(t, agent.address, 'country-change')
  await stream.ready
  await landfall(['replay', STORY, '--config', agent.config])
  t.same(idsOf(await stream.take(2)), [1, 2], 'the first one goes on')
})
