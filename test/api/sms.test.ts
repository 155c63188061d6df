import { credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { SmsState } from '../../gen/landfall/v1/sms.ts'
import {
  MessageClass,
  SendMessageResponse_SendStatus as SendStatus,
  SmsServiceClient,
  type SendDataToSubscriberRequest,
  type SendMessageResponse,
  type SendTextToSubscriberRequest
} from '../../gen/wgtwo/sms/v1/sms.ts'
import { smsControlHandlers } from '../../agent/api/sms-control.ts'
import type { EventResponse } from '../../agent/api/event-message.ts'
import { ulr } from '../lib/sightings.ts'
import { Bench, TestStream } from './bench.ts'
import { Smsc } from './smsc.ts'

const NUMBER = '+4790000001'
const IMSI = '242010000000001'

/** Calls as a client makes them. */
class Client {
  readonly #client: SmsServiceClient
  readonly #metadata: Metadata

  constructor (t: Test, address: string, token?: string) {
    this.#client = new SmsServiceClient(address, credentials.createInsecure())
    this.#metadata = new Metadata()
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`)
    t.teardown(() => { this.#client.close() })
  }

  async text (request: Partial<SendTextToSubscriberRequest> = {}, key?: string): Promise<SendMessageResponse> {
    const full = { content: 'Welcome', toSubscriber: NUMBER, fromAddress: 'Landfall', deliveryDeadline: undefined, ...request }
    return await new Promise((resolve, reject) => { this.#client.sendTextToSubscriber(full, this.#with(key), done(resolve, reject)) })
  }

  async data (request: Partial<SendDataToSubscriberRequest> = {}): Promise<SendMessageResponse> {
    const full: SendDataToSubscriberRequest = {
      content: Buffer.from([1, 2, 3]),
      toSubscriber: NUMBER,
      fromAddress: '2442',
      deliveryDeadline: undefined,
      dcsCodingGroup: undefined,
      applicationPort: undefined,
      protocolIdentifier: 0,
      setSmsPpCpi: false,
      ...request
    }
    return await new Promise((resolve, reject) => { this.#client.sendDataToSubscriber(full, this.#with(undefined), done(resolve, reject)) })
  }

  async fromSubscriber (content: string, fromSubscriber: string, toAddress: string): Promise<SendMessageResponse> {
    const request = { content, fromSubscriber, toAddress, deliveryDeadline: undefined }
    return await new Promise((resolve, reject) => { this.#client.sendTextFromSubscriber(request, this.#with(undefined), done(resolve, reject)) })
  }

  #with (key: string | undefined): Metadata {
    const metadata = this.#metadata.clone()
    if (key !== undefined) metadata.set('idempotency-key', key)
    return metadata
  }
}

function done<T> (resolve: (value: T) => void, reject: (error: ServiceError) => void): (error: ServiceError | null, answer: T) => void {
  return (error, answer) => { if (error === null) resolve(answer); else reject(error) }
}

/** An agent with a subscriber and a service centre. */
async function relay (t: Test, other: { sms?: object, [key: string]: unknown } = {}): Promise<{ bench: Bench, smsc: Smsc, client: Client }> {
  const smsc = await Smsc.listen(t)
  const { sms = {}, ...rest } = other
  const bench = await Bench.start(t, undefined, { sms: { smpp: smsc.settings(t), ...sms }, ...rest })
  await bench.see(ulr())
  return { bench, smsc, client: new Client(t, bench.address) }
}

t.test('without a link the calls are not served', async t => {
  const bench = await Bench.start(t)
  await t.rejects(new Client(t, bench.address).text(), { code: status.UNIMPLEMENTED, details: /neither "sms.smpp" nor "sms.sgd"/ })
})

t.test('a text is accepted, reaches the service centre, and what becomes of it is streamed to its client', async t => {
  const { bench, smsc, client } = await relay(t)
  const events = new TestStream(t, bench.address, 'sms-delivery')
  await events.ready
  const answer = await client.text({ deliveryDeadline: { seconds: 3_600n, nanos: 0 } })
  t.match(answer, { status: SendStatus.SEND_STATUS_OK, numFragments: 1, messageId: /^[0-9a-f]{32}$/ })
  t.match(await smsc.submission(0), {
    source_addr: 'Landfall', source_addr_ton: 5, destination_addr: '4790000001', dest_addr_ton: 1, data_coding: 0, registered_delivery: 1
  })
  const sent = await events.next()
  t.match(sent, { smsDeliveryEvent: { messageId: answer.messageId, state: SmsState.SMS_STATE_SENT, final: false, numFragments: 1, numSent: 1, numDelivered: 0 } })
  t.match(sent.metadata, { eventId: 1n, identifier: { subscriptionIdentifier: { value: /^[0-9a-f]{128}$/ } } })
  t.equal(await smsc.receipt('m1', 'DELIVRD', 2), 0)
  t.match(await events.next(), { smsDeliveryEvent: { state: SmsState.SMS_STATE_DELIVERED, final: true, numDelivered: 1 } })
  t.ok(await events.ack(sent))
  bench.clock.advance(30_000)
  t.match((await events.next()).metadata, { isRedelivered: true, eventId: 2n }, 'what is not acknowledged comes again')
})

t.test('a long text has as many fragments as were told, joined by one reference', async t => {
  const { smsc, client } = await relay(t)
  t.match(await client.text({ content: 'x'.repeat(307) }), { numFragments: 3 })
  const parts = [await smsc.submission(0), await smsc.submission(1), await smsc.submission(2)]
  t.ok(parts.every(({ esm_class: esm }) => ((esm as number) & 0x40) !== 0))
  t.match(await client.text({ content: 'æøå 😀' }), { numFragments: 1 })
  t.match(await smsc.submission(3), { data_coding: 8 })
})

t.test('a subscriber sends to a service or a number', async t => {
  const { smsc, client } = await relay(t)
  t.match(await client.fromSubscriber('STOP', NUMBER, '2442'), { status: SendStatus.SEND_STATUS_OK })
  t.match(await smsc.submission(0), { source_addr: '4790000001', destination_addr: '2442' })
  t.match(await client.fromSubscriber('hi', '+4799999999', '2442'), { status: SendStatus.SEND_STATUS_REJECT, description: /from_subscriber is no subscriber of this tenant/ })
  t.match(await client.fromSubscriber('hi', NUMBER, 'Shop'), { status: SendStatus.SEND_STATUS_REJECT, description: /to_address is a text/ })
})

t.test('data go as they are asked for', async t => {
  const { smsc, client } = await relay(t)
  const ports = { originatorPort: 1349, destinationPort: 1350 }
  t.match(await client.data({ applicationPort: ports, dcsCodingGroup: { $case: 'codingGroupMessageClass', value: { messageClass: MessageClass.MESSAGE_CLASS_ME_SPECIFIC } } }),
    { status: SendStatus.SEND_STATUS_OK })
  const { data_coding: coding, short_message: { udh, message } } = await smsc.submission(0) as unknown as { data_coding: number, short_message: { udh: Buffer[], message: Buffer } }
  t.equal(coding, 0xf5)
  t.equal(Buffer.concat(udh).toString('hex'), '050405460545', 'destination first')
  t.same([...Buffer.from(message)], [1, 2, 3])
  t.match(await client.data({ content: Buffer.alloc(2_000) }), { numFragments: 15 })
})

/** Requests that are refused for good, and the words that say why. */
const REJECTED: [string, (client: Client) => Promise<SendMessageResponse>, RegExp][] = [
  ['an empty text', async client => await client.text({ content: '' }), /content has 0 characters, it may have 1 to 2000/],
  ['a text that is too long', async client => await client.text({ content: '😀'.repeat(1_001) }), /content has 2002 characters.*count as two/],
  ['control characters', async client => await client.text({ content: 'a\u0000b' }), /control characters/],
  ['a number without "+"', async client => await client.text({ toSubscriber: '4790000001' }), /to_subscriber must be an international number: "\+" and 7 to 15 digits/],
  ['somebody else\'s subscriber', async client => await client.text({ toSubscriber: '+4799999999' }), /to_subscriber is no subscriber of this tenant/],
  ['no sender', async client => await client.text({ fromAddress: '' }), /from_address is empty/],
  ['a sender that is too long', async client => await client.text({ fromAddress: 'TwelveLetter' }), /from_address is too long: a name has at most 11/],
  ['a deadline of nothing', async client => await client.text({ deliveryDeadline: { seconds: 0n, nanos: 0 } }), /more than zero and at most 7 days/],
  ['a deadline of too much', async client => await client.text({ deliveryDeadline: { seconds: 604_801n, nanos: 0 } }), /more than zero and at most 7 days/],
  ['no data', async client => await client.data({ content: Buffer.alloc(0) }), /content has 0 bytes/],
  ['a TP-PID of more than 8 bits', async client => await client.data({ protocolIdentifier: 256 }), /protocol_identifier may be 0 to 255/],
  ['a port of more than 16 bits', async client => await client.data({ applicationPort: { originatorPort: 0, destinationPort: 65_536 } }), /may be 0 to 65535/],
  ['a group without its class', async client => await client.data({ dcsCodingGroup: { $case: 'codingGroupMessageClass', value: { messageClass: 0 } } }), /needs a message_class/],
  ['a class that is none', async client => await client.data({ dcsCodingGroup: { $case: 'messageClass', value: 7 as MessageClass } }), /one of the four classes/],
  ['flash without a port', async client => await client.data({ dcsCodingGroup: { $case: 'messageClass', value: 1 } }), /need application_port.destination_port/],
  ['flash in several fragments', async client => await client.data({
    content: Buffer.alloc(141), dcsCodingGroup: { $case: 'messageClass', value: 1 }, applicationPort: { originatorPort: 1, destinationPort: 1 }
  }), /flash message must fit in one fragment/],
  ['a replacement in several fragments', async client => await client.data({ content: Buffer.alloc(141), protocolIdentifier: 0x41 }), /replaces a message/],
  ['a command packet in several fragments', async client => await client.data({ content: Buffer.alloc(138), setSmsPpCpi: true }), /command packet must fit in one/]
]

t.test('what cannot be sent is refused in band, with words that help', async t => {
  const { bench, client } = await relay(t)
  for (const [name, call, words] of REJECTED) {
    t.match(await call(client), { status: SendStatus.SEND_STATUS_REJECT, messageId: '', numFragments: 0, description: words }, name)
  }
  t.equal(bench.sms.messages.waiting, 0)
  t.match(await client.data({ content: Buffer.alloc(137), setSmsPpCpi: true }), { status: SendStatus.SEND_STATUS_OK, numFragments: 1 })
})

t.test('a queue that is full is an error that passes', async t => {
  const { client } = await relay(t, { sms: { messages_per_subscriber_hour: 1 } })
  await client.text()
  t.match(await client.text(), { status: SendStatus.SEND_STATUS_ERROR, description: /1 messages in this hour already; try again later/ })
})

t.test('an idempotency key makes two calls one message', async t => {
  const { client } = await relay(t)
  const first = await client.text({}, 'order-17')
  t.same(await client.text({}, 'order-17'), first)
  await t.rejects(client.text({ content: 'other' }, 'order-17'), { code: status.ALREADY_EXISTS, details: /another message was sent under this/ })
  await t.rejects(client.text({}, 'with space'), { code: status.INVALID_ARGUMENT, details: /1 to 128 printable/ })
})

t.test('where callers are known, only rules let them send, and special messages need more', async t => {
  const senders = [{ client: 'shop', senders: ['Landfall', '2442', '+4780*'] }, { client: 'sim', senders: ['*'], special: true }]
  const { bench } = await relay(t, { access: { issuer: { listen: '127.0.0.1:0' } }, sms: { senders } })
  const of = async (id: string): Promise<Client> => {
    const scopes = ['sms.text:send_to_subscriber', 'sms.data:send_to_subscriber']
    const secret = await bench.addClient({ id, scopes })
    return new Client(t, bench.address, await bench.token(id, secret, scopes.join(' ')))
  }
  const [shop, sim, other] = [await of('shop'), await of('sim'), await of('other')]
  for (const fromAddress of ['landfall', '2442', '+4780001234']) t.match(await shop.text({ fromAddress }), { status: SendStatus.SEND_STATUS_OK })
  for (const fromAddress of ['Bank', '+4790001234', '24420']) {
    t.match(await shop.text({ fromAddress }), { status: SendStatus.SEND_STATUS_REJECT, description: /may not send from this from_address/ })
  }
  t.match(await other.text(), { status: SendStatus.SEND_STATUS_REJECT })
  for (const request of [{ protocolIdentifier: 0x40 }, { protocolIdentifier: 0x7f }, { setSmsPpCpi: true }, { dcsCodingGroup: { $case: 'messageClass' as const, value: 3 as const } }]) {
    t.match(await shop.data(request), { status: SendStatus.SEND_STATUS_REJECT, description: /may not send what the phone does not show/ })
    t.match(await sim.data(request), { status: SendStatus.SEND_STATUS_OK })
  }
  await t.rejects(sim.fromSubscriber('hi', NUMBER, '2442'), { code: status.PERMISSION_DENIED }, 'that needs its own scope')
})

t.test('a client is told of its own messages only', async t => {
  const { bench, smsc } = await relay(t, { access: { issuer: { listen: '127.0.0.1:0' } }, sms: { senders: [{ senders: ['*'] }] } })
  const scopes = ['sms.text:send_to_subscriber', 'sms.delivery:read']
  const tokens: string[] = []
  for (const id of ['one', 'two']) tokens.push(await bench.token(id, await bench.addClient({ id, scopes }), scopes.join(' ')))
  const streams = tokens.map(token => new TestStream(t, bench.address, 'sms-delivery', {}, token))
  for (const stream of streams) await stream.ready
  const ids: string[] = []
  for (const token of [tokens[0]!, tokens[1]!, tokens[0]!]) ids.push((await new Client(t, bench.address, token).text()).messageId)
  await smsc.submission(2)
  const idOf = (event: EventResponse): string => (event as { smsDeliveryEvent: { messageId: string } }).smsDeliveryEvent.messageId
  t.same((await streams[0]!.take(2)).map(idOf), [ids[0], ids[2]])
  t.same((await streams[1]!.take(1)).map(idOf), [ids[1]])
  t.same(streams.map(({ pending }) => pending), [0, 0])
})

t.test('tenants neither send to each other\'s subscribers nor hear of each other\'s messages', async t => {
  const { bench, smsc } = await relay(t, {
    access: { issuer: { listen: '127.0.0.1:0' } },
    tenants: [{ name: 'north', imsi_prefixes: ['24201'] }, { name: 'south', imsi_prefixes: ['24007'], number_prefixes: ['4680'] }],
    sms: { senders: [{ tenant: 'north', senders: ['North', '2442'] }, { tenant: 'south', senders: ['South', '2552'] }] }
  })
  const scopes = ['sms.text:send_to_subscriber', 'sms.delivery:read', 'sms.received:read']
  const of = async (tenant: string): Promise<{ client: Client, delivery: TestStream, received: TestStream }> => {
    const token = await bench.token(tenant, await bench.addClient({ id: tenant, tenant, scopes }), scopes.join(' '))
    const [delivery, received] = (['sms-delivery', 'received-sms'] as const).map(kind => new TestStream(t, bench.address, kind, {}, token)) as [TestStream, TestStream]
    await Promise.all([delivery.ready, received.ready])
    return { client: new Client(t, bench.address, token), delivery, received }
  }
  const [north, south] = [await of('north'), await of('south')]
  t.match(await south.client.text({ fromAddress: 'South' }), { status: SendStatus.SEND_STATUS_REJECT, description: /no subscriber of this tenant/ })
  t.match(await north.client.text({ fromAddress: 'South' }), { status: SendStatus.SEND_STATUS_REJECT, description: /may not send from this/ })
  t.match(await north.client.text({ fromAddress: 'North' }), { status: SendStatus.SEND_STATUS_OK })
  t.match(await south.client.text({ fromAddress: 'South', toSubscriber: '+46800000001' }), { status: SendStatus.SEND_STATUS_OK }, 'by its number_prefixes')
  await smsc.submission(1)
  await Promise.all([north.delivery.next(), south.delivery.next()])
  for (const [source, service] of [['4790000001', '2552'], ['46800000001', '2442'], ['4670000000', '2552'], ['4670000000', '9999']]) {
    t.equal(await smsc.deliver({ source_addr: source, source_addr_ton: 1, source_addr_npi: 1, destination_addr: service, short_message: Buffer.from('JA') }), 0)
  }
  const fromOf = (event: EventResponse): string => (event as { receivedSmsEvent: { fromAddress: string } }).receivedSmsEvent.fromAddress
  t.same([fromOf(await north.received.next()), ...(await south.received.take(2)).map(fromOf)], [NUMBER, '+46800000001', '+4670000000'], 'by the sender, then by the service')
  t.same([north, south].map(({ delivery, received }) => [delivery.pending, received.pending]), [[0, 0], [0, 0]])
})

t.test('a message towards a service is streamed', async t => {
  const { bench, smsc } = await relay(t)
  const stream = new TestStream(t, bench.address, 'received-sms')
  await stream.ready
  const fields = { source_addr: '4790000001', source_addr_ton: 1, source_addr_npi: 1, destination_addr: '2442', short_message: Buffer.from('JA') }
  while (!bench.sms.links[0]!.up) await new Promise(resolve => { setImmediate(resolve) })
  t.equal(await smsc.deliver(fields), 0)
  const event = await stream.next()
  t.match(event, { receivedSmsEvent: { fromAddress: NUMBER, toAddress: '2442', content: { $case: 'text', value: 'JA' } } })
  t.ok(event.metadata?.identifier, 'the sender is a known subscriber')
  t.ok(await stream.ack(event))
})

t.test('the operator sends, looks, lists and cancels', async t => {
  const { bench, smsc } = await relay(t)
  smsc.answer = () => ({ command_status: 0x45 })
  const handlers = smsControlHandlers(bench.sms)
  const call = async <Answer>(name: keyof typeof handlers, request: object): Promise<Answer> => await new Promise((resolve, reject) => {
    const handler = handlers[name] as (call: object, callback: (error: ServiceError | null, answer: Answer) => void) => void
    handler({ request }, done(resolve, reject as (error: ServiceError) => void))
  })
  const text = (from: string, to = NUMBER): object => ({ to, from, content: { $case: 'text', value: 'hello' }, deadlineSeconds: 60, tenant: '' })
  const { messageId } = await call<{ messageId: string }>('sendSms', text('Operator'))
  await smsc.submission(0)
  const show = async (): Promise<{ state: string }> => JSON.parse((await call<{ message: string }>('showSms', { messageId })).message) as { state: string }
  while ((await show()).state !== 'waiting') await new Promise(resolve => { setImmediate(resolve) })
  t.match(await show(), { id: messageId, from: 'Operator', to: '4790000001', cause: /^smpp\./, failures: 1, attempts: 1, fragments: 1, link: 'smpp' })
  t.notMatch(JSON.stringify(await show()), /hello/)
  t.match(await call('listSms', { msisdn: '4790000001', state: 'waiting', limit: 10 }), { messages: [String], links: [/"link":"smpp","up":true/] })
  t.match(await call('listSms', { msisdn: '', state: 'delivered', limit: 10 }), { messages: [] })
  t.same(await call('cancelSms', { messageId }), { cancelled: true })
  t.same(await call('cancelSms', { messageId }), { cancelled: false })
  await t.rejects(call('sendSms', text('Operator', '123')), { message: /--to must be an international number/ })
  await t.rejects(call('listSms', { msisdn: '', state: 'odd', limit: 10 }), { message: /a state is one of accepted/ })
})

t.test('an erased subscriber leaves no message', async t => {
  const { bench, smsc, client } = await relay(t)
  const { messageId } = await client.text()
  await smsc.submission(0)
  t.ok(await bench.forget(IMSI) >= 2)
  t.equal(bench.sms.messages.find(messageId), undefined)
  t.match(await client.text(), { status: SendStatus.SEND_STATUS_REJECT }, 'nobody knows the number any more')
})
