import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { EventKind, EventServiceService } from '../../gen/landfall/v1/events.ts'
import { SmsServiceService, type SendMessageResponse } from '../../gen/wgtwo/sms/v1/sms.ts'
import { idsOf, TestStream } from '../api/bench.ts'
import { Smsc } from '../api/smsc.ts'
import { Subscriber } from '../api/subscriber.ts'
import { RunningAgent } from '../lib/agent.ts'
import { landfall } from '../lib/cli.ts'
import { Rpc } from '../lib/rpc.ts'

const STORY = 'config/welcome.pcap'
const FIRST = 'subscription.first_attachment:read'
const COUNTRY = 'subscription.country_change:read'
const TEXT = 'sms.text:send_to_subscriber'
const IMSI = '242010000000042'
const CONTENT = 'Words for one person only'
const IMPORTED = { imsi: '242010000000113', msisdn: '4790000113', imei: '35722009245139' }

/** Everything about the people of this test that no log and no error may hold. */
const PERSONAL = [IMSI, '4790000042', '35722009245138', '86650704004053', ...Object.values(IMPORTED)]
const PLACES = ['Norway', 'Sweden', '"NO"', '"SE"', '24201', '24001', 'mcc242', 'mcc240']

/** Ways in which a needle may be written: as it is, as bytes, and a long number as telephony has it, each two digits swapped. */
function forms (needle: string): string[] {
  const bytes = Buffer.from(needle)
  const swapped = /^\d{10,}$/.test(needle) ? [needle.slice(0, needle.length & ~1).replace(/(.)(.)/g, '$2$1')] : []
  return [needle, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), ...swapped]
}

/** Those of the needles that a text holds. */
function found (text: string, needles: readonly string[]): string[] {
  return needles.filter(needle => forms(needle).some(form => text.includes(form)))
}

t.test('neither the log nor an error holds anything of a person, a token or a secret, whatever is done', async t => {
  const access = { issuer: { listen: '127.0.0.1:0', url: 'https://own.example/' } }
  const smsc = await Smsc.listen(t)
  smsc.answer = () => smsc.taken.length % 2 === 0 ? { command_status: 0x0b } : { message_id: `m${smsc.taken.length}` }
  const sms = { smpp: smsc.settings(t), senders: [{ senders: ['Landfall'] }] }
  const agent = await (await RunningAgent.make(t, { settings: { access, sms, log: { level: 'debug' } } })).start()
  const at = ['--config', agent.config]
  const file = join(agent.config, '..', 'people.csv')
  /** Whatever a client was told when it was refused. */
  let told = ''
  const secrets: string[] = []
  const refused = (expected: status, { code, details }: { code: status, details: string }): void => {
    t.equal(code, expected, details)
    told += `${details}\n`
  }
  const token = async (id: string, secret: string, scope: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${/.*"issuerPort":(\d+)/s.exec(agent.log)![1]}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope })
    })
    const answer = await response.json() as { access_token?: string }
    if (answer.access_token === undefined) told += `${JSON.stringify(answer)}\n`
    else secrets.push(answer.access_token, ...answer.access_token.split('.').slice(1))
    return answer.access_token ?? ''
  }
  const add = async (id: string, ...scopes: string[]): Promise<string> => {
    const { stdout } = await landfall(['client', 'add', id, ...scopes.flatMap(scope => ['--scope', scope]), ...at])
    secrets.push(stdout.trim().split(' ')[1]!)
    return secrets.at(-1)!
  }

  const [shop, other] = [await add('shop', FIRST, COUNTRY, TEXT), await add('other', COUNTRY)]
  const mine = await token('shop', shop, `${FIRST} ${COUNTRY} ${TEXT}`)
  const theirs = await token('other', other, COUNTRY)
  for (const wrong of ['not-the-secret', other]) t.equal(await token('shop', wrong, COUNTRY), '')
  t.equal(await token(IMSI, shop, COUNTRY), '')
  t.equal(await token('other', other, FIRST), '')

  writeFileSync(file, `${Object.values(IMPORTED).slice(0, 2).join()},SE,${IMPORTED.imei}\n`)
  t.match(await landfall(['subscriber', 'import', file, ...at]), { code: 0 })
  const stream = new TestStream(t, agent.address, 'country-change', {}, mine)
  const reader = new Subscriber(t, agent.address, { kinds: [{ kind: EventKind.EVENT_KIND_FIRST_ATTACHMENT }], queue: { $case: 'regular', value: {} } }, mine)
  await Promise.all([stream.ready, reader.opened])
  t.match(await landfall(['replay', STORY, ...at]), { code: 0 })
  const events = await stream.take(2)
  const acks = events.map(event => event.metadata!.ackInfo!.value)
  secrets.push(...acks)
  await reader.take(1)

  // Bad tokens, bad acks, refused settings.
  const rpc = new Rpc(t, agent.address)
  const acknowledge = async (tokens: string[], authorization?: string): Promise<void> => {
    const ending = await rpc.call(EventServiceService.acknowledge, { tokens }, authorization)
    told += `${ending.details}\n`
    t.not(ending.code, status.OK)
  }
  for (const shown of [undefined, 'Bearer', `Bearer ${mine}x`, `Bearer ${IMSI}`, `Basic ${shop}`, `Bearer ${mine.split('.').slice(0, 2).join('.')}.`]) await acknowledge(acks, shown)
  await acknowledge(acks, `Bearer ${theirs}`)
  await acknowledge([`${acks[0]}x`], `Bearer ${mine}`)
  await acknowledge([IMSI], `Bearer ${mine}`)
  await acknowledge(Array.from({ length: 1_001 }, () => acks[0]!), `Bearer ${mine}`)
  for (const [code, configuration] of [
    [status.INVALID_ARGUMENT, { maxInFlight: 1_000 }],
    [status.INVALID_ARGUMENT, { streamType: { $case: 'durableQueue', value: { customName: `${IMSI}\n` } } }],
    [status.INVALID_ARGUMENT, { acknowledgeOption: { $case: 'customAckTimeout', value: { seconds: 1n, nanos: 0 } } }],
    [status.OUT_OF_RANGE, { streamType: { $case: 'regular', value: {} }, startPosition: { $case: 'startAtId', value: 99n } }]
  ] as const) refused(code, await new TestStream(t, agent.address, 'country-change', configuration, mine).ended)
  refused(status.PERMISSION_DENIED, await new TestStream(t, agent.address, 'first-attachment', {}, theirs).ended)
  refused(status.INVALID_ARGUMENT, await new Subscriber(t, agent.address, { kinds: [] }, mine).ended)
  reader.say({ settings: {} })
  refused(status.INVALID_ARGUMENT, await reader.ended)
  t.ok(await stream.ack(events[0]!))

  // Texts that are taken, refused by the network, and refused by the agent; a receipt; one towards a service.
  const send = async (fromAddress: string, toSubscriber: string, authorization = `Bearer ${mine}`): Promise<void> => {
    const { sendTextToSubscriber } = SmsServiceService
    const { details } = await rpc.call(sendTextToSubscriber, { content: CONTENT, toSubscriber, fromAddress, deliveryDeadline: undefined }, authorization, answer => {
      told += `${(answer as SendMessageResponse).description}\n`
    })
    told += `${details}\n`
  }
  for (const from of ['Landfall', 'Landfall', '+4790000042']) await send(from, '+4790000042')
  for (const to of ['4790000042', '+4790000199']) await send('Landfall', to)
  await send('Landfall', '+4790000042', `Bearer ${theirs}`)
  await smsc.submission(1)
  await smsc.receipt('m1', 'DELIVRD', 2)
  await smsc.deliver({ source_addr: '4790000042', source_addr_ton: 1, source_addr_npi: 1, destination_addr: '2442', short_message: Buffer.from(CONTENT) })

  // The commands of the operator; what they print is for the operator, the agent's log is looked at.
  for (const args of [['subscriber', 'show', IMSI], ['subscriber', 'show', '+4790000042'], ['subscriber', 'show', '+4790009999'], ['queues'], ['queues', 'parked', 'country-change'],
    ['sms', 'list'], ['sms', 'send', '--to', '+4790000042', '--from', 'Landfall', '--text', CONTENT], ['sms', 'show', IMSI],
    ['check'], ['subscriber', 'forget', '+4790000113'], ['subscriber', 'forget', '+4790009999'], ['compact'], ['client', 'list'], ['client', 'remove', 'other']]) {
    await landfall([...args, ...at])
  }
  for (const text of [`${IMSI},not-a-number,NO,\n`, 'x\n']) {
    writeFileSync(file, text)
    t.match(await landfall(['subscriber', 'import', file, ...at]), { code: 65 })
  }
  const listening = landfall(['listen', 'country-change', ...at])
  told += (await listening).stderr
  const truncated = readFileSync(STORY).subarray(0, -40)
  writeFileSync(file, truncated)
  await landfall(['replay', file, ...at])
  refused(status.UNAUTHENTICATED, await new TestStream(t, agent.address, 'country-change', {}, theirs).ended)

  t.equal(await agent.end('SIGKILL'), 'SIGKILL')
  await agent.start()
  const again = new TestStream(t, agent.address, 'country-change', {}, mine)
  const [returned] = await again.take(1)
  t.same(idsOf([returned!]), [2])
  secrets.push(returned!.metadata!.ackInfo!.value)
  t.match(await landfall(['subscriber', 'forget', IMSI, ...at]), { code: 0 })
  t.equal(await agent.end(), 0)
  refused(status.UNAVAILABLE, await again.ended)

  const audit = readFileSync(join(agent.directory, 'audit.jsonl'), 'utf8')
  for (const [where, text] of [['the log', agent.log], ['the audit log', audit], ['what clients were told', told]] as const) {
    t.same(found(text, [...PERSONAL, ...PLACES, CONTENT]), [], `${where} holds nothing of a person`)
    t.same(found(text, secrets), [], `${where} holds no token and no secret`)
  }
  t.match(audit, /"what":"erased"/)
  t.ok(told.split('\n').length > 20, 'there was something to look at')
  for (const planted of forms(IMSI)) {
    t.same(found(`${agent.log}{"msg":"${planted} was seen"}`, PERSONAL), [IMSI], 'the search finds what is there')
  }
  t.same(found(`${agent.log}${secrets[0]}`, secrets), [secrets[0]])
})
