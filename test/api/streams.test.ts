import { cpSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Client, credentials, status } from '@grpc/grpc-js'
import t from 'tap'
import type { EventResponse } from '../../agent/api/event-message.ts'
import { START, ulr } from '../lib/sightings.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { attachments, Bench, idsOf, TestStream } from './bench.ts'

t.test('each kind of event comes in the words of the contract', async t => {
  const bench = await Bench.start(t)
  const first = new TestStream(t, bench.address, 'first-attachment')
  const country = new TestStream(t, bench.address, 'country-change')
  const periodic = new TestStream(t, bench.address, 'periodic-country')
  const handset = new TestStream(t, bench.address, 'handset-change')
  for (const stream of [first, country, periodic, handset]) await stream.ready
  await bench.see(
    ulr({ imei: '35722009245138', softwareVersion: '39' }),
    ulr({ time: START + 1500, plmn: '24001', imei: '86650704004053' }))
  const imsi = { value: '242010000000001' }
  const number = { e164: '+4790000001' }
  t.match(await first.next(), { firstAttachmentEvent: { imsi, number } })
  t.match(await country.next(), {
    metadata: { timestamp: { seconds: BigInt(START / 1000 + 1), nanos: 500_000_000 }, isRedelivered: false, eventId: 1n },
    countryChangeEvent: { previous: { code: 'NO', name: 'Norway' }, current: { code: 'SE', name: 'Sweden' }, number, imsi: undefined }
  })
  t.match(await periodic.take(2), [
    { periodicCountryEvent: { imsi, number, country: { code: 'NO' } } },
    { periodicCountryEvent: { imsi, number, country: { code: 'SE' } } }
  ])
  const [known, changed] = await handset.take(2)
  t.match(known, { handsetChangeEvent: { previous: undefined, current: { imeiSv: { imei: '35722009245138', softwareVersion: '39' } } } })
  t.match(changed, { handsetChangeEvent: { previous: { imeiSv: { imei: '35722009245138' } }, current: { imeiSv: { imei: '86650704004053' } } } })
  const { value, wg2rn } = changed!.metadata!.identifier!.subscriptionIdentifier!
  t.match(value, /^[0-9a-f]{128}$/)
  t.match(wg2rn, /^local:local:[0-9a-f]{32}$/)
  t.same(known!.metadata!.identifier, changed!.metadata!.identifier, 'the same SIM has the same pseudonym')
  t.notMatch(JSON.stringify(changed!.metadata!.identifier), '242010000000001')
})

t.test('an event that is not acknowledged comes again after 30 seconds, marked, and not before', async t => {
  const bench = await Bench.start(t)
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  await bench.see(...attachments(2))
  const [first, second] = await stream.take(2)
  t.ok(await stream.ack(first!))
  bench.clock.advance(29_999)
  await bench.see(...attachments(1, 3))
  t.same(idsOf([await stream.next()]), [3], 'nothing came again before its time')
  bench.clock.advance(1)
  const again = await stream.next()
  t.match(again.metadata, { eventId: 2n, isRedelivered: true })
  t.equal(second!.metadata!.isRedelivered, false)
  t.ok(await stream.ack(second!), 'the token of the first delivery is good')
  bench.clock.advance(60_000)
  t.same(idsOf([await stream.next()]), [3], 'what was acknowledged does not come again')
})

t.test('the window is the stream\'s own, and resends count in it', async t => {
  const bench = await Bench.start(t)
  const stream = new TestStream(t, bench.address, 'first-attachment', { maxInFlight: 2, acknowledgeOption: { $case: 'customAckTimeout', value: { seconds: 10n, nanos: 0 } } })
  await stream.ready
  await bench.see(...attachments(5))
  t.same(idsOf(await stream.take(2)), [1, 2])
  bench.clock.advance(10_000)
  const [first] = await stream.take(2)
  t.same([idsOf([first!]), stream.pending], [[1], 0])
  await stream.ack(first!)
  t.same(idsOf([await stream.next()]), [3])
})

t.test('two clients share a queue, and what one leaves behind the other gets at once', async t => {
  const bench = await Bench.start(t)
  const first = new TestStream(t, bench.address, 'first-attachment')
  const second = new TestStream(t, bench.address, 'first-attachment')
  await first.ready
  await second.ready
  await bench.see(...attachments(10))
  const firstEvents = await first.take(5)
  const secondEvents = await second.take(5)
  t.same([...idsOf(firstEvents), ...idsOf(secondEvents)].sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  for (const event of secondEvents) await second.ack(event)
  first.close()
  const returned = await second.take(5)
  t.same(idsOf(returned), idsOf(firstEvents))
  t.ok(returned.every(event => event.metadata!.isRedelivered))
  t.ok(await second.ack(firstEvents[0]!), 'a token is good on any connection')
})

t.test('queues of different names each get every event', async t => {
  const bench = await Bench.start(t)
  const streams = ['', 'a', 'b'].map(customName =>
    new TestStream(t, bench.address, 'first-attachment', { streamType: { $case: 'durableQueue', value: { customName } } }))
  for (const stream of streams) await stream.ready
  await bench.see(...attachments(3))
  for (const stream of streams) t.same(idsOf(await stream.take(3)), [1, 2, 3])
})

t.test('what was acknowledged stays so, and what was not comes again, over a restart', async t => {
  const directory = temporaryDirectory(t)
  const before = await Bench.start(t, directory)
  const stream = new TestStream(t, before.address, 'first-attachment')
  await stream.ready
  await before.see(...attachments(4))
  const events = await stream.take(4)
  for (const event of [events[0]!, events[2]!]) t.ok(await stream.ack(event))
  await before.stop()
  t.equal((await stream.ended).code, status.UNAVAILABLE)

  const after = await Bench.start(t, directory)
  await after.see(...attachments(1, 5))
  const again = new TestStream(t, after.address, 'first-attachment')
  const returned = await again.take(3)
  t.same(returned.map(({ metadata }) => [Number(metadata!.eventId), metadata!.isRedelivered]), [[2, true], [4, true], [5, false]])
  t.same(returned[0]!.metadata!.identifier, events[1]!.metadata!.identifier, 'pseudonyms outlive a restart')
  t.ok(await again.ack(events[1]!), 'and so do tokens')
})

t.test('with disable_explicit_ack an event counts once it is written', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory)
  const stream = new TestStream(t, bench.address, 'first-attachment', { acknowledgeOption: { $case: 'disableExplicitAck', value: {} }, maxInFlight: 1 })
  await stream.ready
  await bench.see(...attachments(3))
  t.same(idsOf(await stream.take(3)), [1, 2, 3])
  await bench.stop()
  const after = await Bench.start(t, directory)
  await after.see(...attachments(1, 4))
  t.same(idsOf([await new TestStream(t, after.address, 'first-attachment').next()]), [4])
})

t.test('bad settings are refused with the field and its bound', async t => {
  const bench = await Bench.start(t)
  const refusal = async (configuration: object): Promise<{ code: status, details: string }> =>
    await new TestStream(t, bench.address, 'first-attachment', configuration).ended
  t.match(await refusal({ maxInFlight: 201 }), { code: status.INVALID_ARGUMENT, details: /max_in_flight is 201.*1 to 200/ })
  for (const seconds of [0n, 9n, 601n, -1n]) {
    t.match(await refusal({ acknowledgeOption: { $case: 'customAckTimeout', value: { seconds, nanos: 0 } } }),
      { code: status.INVALID_ARGUMENT, details: /custom_ack_timeout is -?\d+ s, it may be 10 s to 600 s/ })
  }
  t.match(await refusal({ streamType: { $case: 'durableQueue', value: { customName: 'x'.repeat(129) } } }),
    { code: status.INVALID_ARGUMENT, details: /custom_name has more than 128 bytes/ })
})

t.test('a client has a bounded number of queues', async t => {
  const bench = await Bench.start(t, undefined, { delivery: { queues_per_client: 1 } })
  await new TestStream(t, bench.address, 'first-attachment').ready
  t.match(await new TestStream(t, bench.address, 'country-change').ended, { code: status.RESOURCE_EXHAUSTED, details: /1 queues already/ })
})

t.test('acknowledgements: twice is fine, another kind\'s or a made-up token is refused', async t => {
  const bench = await Bench.start(t)
  const stream = new TestStream(t, bench.address, 'first-attachment')
  const other = new TestStream(t, bench.address, 'periodic-country')
  await stream.ready
  await other.ready
  await bench.see(ulr())
  const event = await stream.next()
  t.ok(await stream.ack(event))
  t.ok(await stream.ack(event))
  await t.rejects(other.ack(event), { code: status.INVALID_ARGUMENT, details: /belongs to a first-attachment event/ })
  const forged = (value: string): EventResponse => ({ ...event, metadata: { ...event.metadata!, ackInfo: { value } } })
  const token = event.metadata!.ackInfo!.value
  const flipped = (token.startsWith('A') ? 'B' : 'A') + token.slice(1)
  for (const value of ['', 'nonsense', 'x'.repeat(10_000), flipped, token.slice(0, -1)]) {
    await t.rejects(stream.ack(forged(value)), { code: status.INVALID_ARGUMENT, details: /not a token of this server/ })
  }
})

t.test('an older network beside newer clients is refused: it would swallow new events', async t => {
  const directory = temporaryDirectory(t)
  const bench = await Bench.start(t, directory)
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  cpSync(join(directory, 'network'), join(directory, 'older'), { recursive: true })
  await bench.see(...attachments(2))
  for (const event of await stream.take(2)) await stream.ack(event)
  await bench.stop()
  rmSync(join(directory, 'network'), { recursive: true })
  renameSync(join(directory, 'older'), join(directory, 'network'))
  await t.rejects(Bench.start(t, directory), { message: /stands beyond the newest.*Restore both from one backup/ })
})

t.test('start_at_new is taken as old clients send it too, as a number', async t => {
  const bench = await Bench.start(t)
  for (const value of [0, 1]) {
    const client = new Client(bench.address, credentials.createInsecure())
    t.teardown(() => { client.close() })
    // StreamConfiguration { field 6, varint } inside field 1 of the request.
    const request = Buffer.of(0x0a, 0x02, 0x30, value)
    const path = '/wgtwo.subscription.v1.SubscriptionEventService/StreamFirstAttachmentEvents'
    const call = client.makeServerStreamRequest(path, (bytes: Buffer) => bytes, (bytes: Buffer) => bytes, request)
    call.on('error', () => {})
    await new Promise(resolve => { call.once('metadata', resolve) })
    await bench.see(...attachments(1, 100 + value))
    t.ok(await new Promise(resolve => { call.once('data', resolve) }))
    call.cancel()
  }
})

t.test('a token of other data is refused', async t => {
  const first = await Bench.start(t)
  const stream = new TestStream(t, first.address, 'first-attachment')
  await stream.ready
  await first.see(ulr())
  const event = await stream.next()
  const second = await Bench.start(t)
  const elsewhere = new TestStream(t, second.address, 'first-attachment')
  await elsewhere.ready
  await t.rejects(elsewhere.ack(event), { code: status.INVALID_ARGUMENT })
})
