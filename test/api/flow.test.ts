import { readFileSync } from 'node:fs'
import { credentials, status, type ChannelCredentials } from '@grpc/grpc-js'
import t from 'tap'
import { RunningAgent } from '../lib/agent.ts'
import { TestCa } from '../lib/certificates.ts'
import { jsonLines, landfall } from '../lib/cli.ts'
import { askToken } from '../lib/token.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { attachments, Bench, idsOf, TestStream } from './bench.ts'

const STORY = 'config/welcome.pcap'
const COUNTRY = 'subscription.country_change:read'
const FIRST = 'subscription.first_attachment:read'
const MINUTE_MS = 60_000
const access = { issuer: { listen: '127.0.0.1:0', url: 'https://own.example/', token_minutes: 1 } }

/** Trusts a CA's certificates and no other. */
function trusting (ca: TestCa): ChannelCredentials {
  return credentials.createSsl(readFileSync(ca.file))
}

/** The address by the name that certificates are issued for: an IP address is no name that TLS can ask for. */
function named (address: string): string {
  return address.replace('127.0.0.1', 'localhost')
}

t.test('from the registration of a client to its acknowledgement: command line, token, TLS, capture, event, ack, restart', async t => {
  const ca = await TestCa.make(t)
  const agent = await (await RunningAgent.make(t, { settings: { tls: await ca.issue(), access } })).start()
  const at = ['--config', agent.config]
  const address = named(agent.address)
  const ask = async (secret: string): ReturnType<typeof askToken> =>
    await askToken(`https://127.0.0.1:${/.*"issuerPort":(\d+)/s.exec(agent.log)![1]}`, 'shop', secret, COUNTRY, readFileSync(ca.file))
  const added = await landfall(['client', 'add', 'shop', '--scope', COUNTRY, ...at])
  const secret = /^secret: ([\w-]{43})\n$/.exec(added.stdout)![1]!
  t.match(await ask(`${secret}x`), { code: 401, json: { error: 'invalid_client' } })
  const { code, json } = await ask(secret)
  t.match([code, json], [200, { token_type: 'bearer', expires_in: 60, scope: COUNTRY }])
  const token = String(json['access_token'])

  const open = (shown?: string, channel = trusting(ca)): TestStream => new TestStream(t, address, 'country-change', {}, shown, channel)
  t.match(await open(token, trusting(await TestCa.make(t))).ended, { code: status.UNAVAILABLE }, 'nobody talks to an agent that another CA has signed')
  t.match(await open().ended, { code: status.UNAUTHENTICATED })
  t.match(await open(`${token}x`).ended, { code: status.UNAUTHENTICATED })
  t.match(await new TestStream(t, address, 'first-attachment', {}, token, trusting(ca)).ended, { code: status.PERMISSION_DENIED })

  const stream = open(token)
  await stream.ready
  t.match(await landfall(['replay', STORY, ...at]), { code: 0, stdout: /2 country-change/ })
  const events = await stream.take(2)
  t.match(events, [
    { countryChangeEvent: { previous: { code: 'NO' }, current: { code: 'SE' }, number: { e164: '+4790000042' } }, metadata: { eventId: 1n, isRedelivered: false } },
    { countryChangeEvent: { previous: { code: 'SE' }, current: { code: 'NO' } }, metadata: { eventId: 2n } }
  ])
  t.ok(await stream.ack(events[0]!))
  t.match((await landfall(['queues', ...at])).stdout, /country-change +"" +shop /)

  t.equal(await agent.end('SIGKILL'), 'SIGKILL')
  t.match(await stream.ended, { code: status.UNAVAILABLE })
  await agent.start()
  const again = open(String((await ask(secret)).json['access_token']))
  const [returned] = await again.take(1)
  t.same([idsOf([returned!]), returned!.metadata!.isRedelivered], [[2], true], 'what was acknowledged does not come again, what was not does')
  t.equal(returned!.metadata!.identifier!.subscriptionIdentifier!.value, events[1]!.metadata!.identifier!.subscriptionIdentifier!.value)
  t.ok(await again.ack(returned!))
  t.match(jsonLines((await landfall(['client', 'list', '--json', ...at])).stdout), [{ client: 'shop', secret: true }])
})

t.test('a token that expires ends the stream with UNAVAILABLE; with a new one the client goes on where it was', async t => {
  const ca = await TestCa.make(t)
  const clock = new ManualClock(Date.now())
  const bench = await Bench.start(t, undefined, { tls: await ca.issue(), access }, { clock })
  const secret = await bench.addClient({ id: 'shop', scopes: [FIRST] })
  const token = await bench.token('shop', secret, FIRST, readFileSync(ca.file))
  const open = (shown: string): TestStream => new TestStream(t, named(bench.address), 'first-attachment', {}, shown, trusting(ca))
  const stream = open(token)
  await stream.ready
  await bench.see(...attachments(2))
  const events = await stream.take(2)
  t.ok(await stream.ack(events[0]!))
  clock.advance(MINUTE_MS)
  t.match(await stream.ended, { code: status.UNAVAILABLE, details: /token of this stream has expired: connect again with a new one/ })
  await bench.see(...attachments(1, 3))
  t.match(await open(token).ended, { code: status.UNAUTHENTICATED, details: /has expired/ })
  await t.rejects(stream.ack(events[1]!), { code: status.UNAUTHENTICATED, details: /has expired/ })

  const again = open(await bench.token('shop', secret, FIRST, readFileSync(ca.file)))
  const rest = await again.take(2)
  t.same(rest.map(event => [...idsOf([event]), event.metadata!.isRedelivered]), [[2, true], [3, false]])
  for (const event of [events[1]!, rest[1]!]) t.ok(await again.ack(event), 'the ack token of the earlier stream is good with the new token')
  t.match(bench.dispatcher.queues(), [{ queue: { client: 'shop' }, waiting: 0, inFlight: 0 }])
})
