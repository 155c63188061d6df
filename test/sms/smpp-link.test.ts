import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { COMMAND, responseTo } from '../../agent/sms/smpp/codes.ts'
import { until } from '../lib/until.ts'
import { npmSmpp, type NpmPdu, type NpmSession } from './npm-smpp.ts'
import { deliverBody, raw } from './raw-smsc.ts'
import { bound, submitted, SmppBench } from './smpp-bench.ts'
import { submission } from './submissions.ts'

t.setTimeout(60_000)

const { submitSm, deliverSm, enquireLink, genericNack } = COMMAND

t.test('answers in any order find their requests; ids may be empty or always the same; strangers are counted', async t => {
  const { peer, bench } = await bound(t)
  const { heard, outcomes } = await submitted(bench, peer, 4)
  t.same(heard.map(({ body }) => body.subarray(-6).toString()), ['text 0', 'text 1', 'text 2', 'text 3'], 'in order')
  t.equal(bench.link.room, 6)
  peer.write(raw(responseTo(submitSm), { sequence: 9_999, body: 'x\0' }))
  peer.write(raw(responseTo(enquireLink), { sequence: heard[0]!.sequence }))
  peer.answer(heard[3]!, { body: '00A1\0' })
  peer.answer(heard[1]!, { body: '\0' })
  peer.answer(heard[0]!)
  peer.answer(heard[2]!, { body: '00A1\0' })
  t.same(await Promise.all(outcomes), ['', '', 'a1', 'a1'].map(id => ({ kind: 'accepted', id })))
  t.equal(bench.link.room, 10)
  t.same(bench.discards.counts(), { 'smpp.answer-to-nothing': 2 })
})

t.test('statuses become outcomes; a generic_nack answers the request whose number it has', async t => {
  const { peer, bench } = await bound(t, { statuses: { permanent: [0x401], temporary: [] } })
  const { heard, outcomes } = await submitted(bench, peer, 6)
  for (const [i, status] of [0x0b, 0x08, 0x400, 0x401].entries()) peer.answer(heard[i]!, { status })
  peer.write(raw(genericNack, { status: 0xff, sequence: heard[4]!.sequence }), raw(genericNack, { sequence: heard[5]!.sequence }), raw(genericNack, { status: 3, sequence: 0 }))
  t.same(await Promise.all(outcomes), [
    { kind: 'permanent', cause: 'smpp.0x0000000b' }, { kind: 'temporary', cause: 'smpp.0x00000008' }, { kind: 'temporary', cause: 'smpp.0x00000400' },
    { kind: 'permanent', cause: 'smpp.0x00000401' }, { kind: 'temporary', cause: 'smpp.0x000000ff' }, { kind: 'temporary', cause: 'smpp.0x000000ff' }
  ])
})

t.test('the window: no more under way than it has, and told when there is room again', async t => {
  const { peer, bench } = await bound(t, { window: 2 })
  const { heard, outcomes } = await submitted(bench, peer, 2)
  t.equal(bench.link.room, 0)
  t.same(await bench.link.submit(submission()), { kind: 'unsent', cause: 'smpp.no-room' })
  const before = bench.readies
  peer.answer(heard[0]!, { body: '1\0' })
  await outcomes[0]
  t.equal(bench.readies, before + 1)
  t.equal(bench.link.room, 1)
  t.equal(peer.heard.filter(({ command }) => command === submitSm).length, 2)
})

t.test('an address with a NUL, or one that is no address, is refused and nothing is written', async t => {
  const { peer, bench } = await bound(t)
  t.same(await bench.link.submit(submission({ to: { ton: 1, value: '12\x0034' } })), { kind: 'permanent', cause: 'smpp.address' })
  const { heard } = await submitted(bench, peer, 1)
  t.equal(heard[0]!.sequence, 2, 'the bind was the first, and nothing came between')
})

t.test('no answer in time: nobody knows; the late answer finds nobody and the connection goes on', async t => {
  const { peer, bench } = await bound(t, { enquireMs: 600_000 })
  const { heard, outcomes } = await submitted(bench, peer, 1)
  bench.clock.advance(59_999)
  t.equal(bench.link.room, 9)
  bench.clock.advance(1)
  t.same(await outcomes[0], { kind: 'unknown', cause: 'smpp.no-answer' })
  t.equal(bench.link.room, 10)
  peer.answer(heard[0]!, { body: '1\0' })
  const next = await submitted(bench, peer, 1)
  peer.answer(next.heard[0]!, { body: '2\0' })
  t.same(await next.outcomes[0], { kind: 'accepted', id: '2' })
  t.same(bench.discards.counts(), { 'smpp.answer-to-nothing': 1 })
})

t.test('one refusal for haste stops the whole link: one second, doubled, then one message at a time until one is taken', async t => {
  const { peer, bench } = await bound(t)
  const first = await submitted(bench, peer, 3)
  peer.answer(first.heard[0]!, { status: 0x58 })
  t.same(await first.outcomes[0], { kind: 'temporary', cause: 'smpp.0x00000058', afterMs: 1_000, throttled: true })
  t.match(bench.link, { up: true, room: 0, trouble: 'the service centre asked to slow down' })
  bench.clock.advance(400)
  peer.answer(first.heard[1]!, { status: 0x14 })
  t.same(await first.outcomes[1], { kind: 'temporary', cause: 'smpp.0x00000014', afterMs: 600, throttled: true }, 'what was under way does not lengthen it')
  peer.answer(first.heard[2]!, { body: '1\0' })
  t.same(await first.outcomes[2], { kind: 'accepted', id: '1' })
  t.equal(bench.link.room, 0, 'nor end it')
  const readies = bench.readies
  bench.clock.advance(600)
  t.equal(bench.readies, readies + 1)
  for (const pauseMs of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    t.equal(bench.link.room, 1, 'a probe')
    const probe = await submitted(bench, peer, 1)
    t.equal(bench.link.room, 0)
    peer.answer(probe.heard[0]!, { status: 0x58 })
    t.match(await probe.outcomes[0], { afterMs: pauseMs })
    for (let spentMs = 20_000; spentMs < pauseMs; spentMs += 20_000) {
      bench.clock.advance(20_000)
      peer.write(raw(enquireLink))
      await peer.next(responseTo(enquireLink))
    }
    bench.clock.advance(pauseMs % 20_000 || 20_000)
  }
  const last = await submitted(bench, peer, 1)
  peer.answer(last.heard[0]!, { body: '2\0' })
  await last.outcomes[0]
  t.match(bench.link, { room: 10, trouble: undefined })
  const anew = await submitted(bench, peer, 1)
  peer.answer(anew.heard[0]!, { status: 0x58 })
  t.match(await anew.outcomes[0], { afterMs: 1_000 }, 'from the start again')
})

t.test('the rate is the link\'s, in fragments', async t => {
  const { peer, bench } = await bound(t, { fragmentsPerSecond: 20, window: 1_000 })
  t.equal(bench.link.room, 2, 'what a tenth of a second brings')
  let sent = 0
  const send = (): void => { for (; bench.link.room > 0; sent++) void bench.link.submit(submission()) }
  for (let ms = 0; ms < 5_000; ms += 10) {
    send()
    bench.clock.advance(10)
  }
  send()
  t.ok(sent >= 100 && sent <= 102, `${sent} in 5 s`)
  t.same(await bench.link.submit(submission()), { kind: 'unsent', cause: 'smpp.no-room' })
  const readies = bench.readies
  bench.clock.advance(100)
  t.ok(bench.readies > readies, 'told when there is room')
  await until(() => peer.heard.length > sent)
})

t.test('a service centre that takes the session for ended: not an attempt, and bound anew', async t => {
  const { smsc, peer, bench } = await bound(t)
  const { heard, outcomes } = await submitted(bench, peer, 2)
  peer.answer(heard[0]!, { status: 0x04 })
  t.same(await Promise.all(outcomes), [{ kind: 'unsent', cause: 'smpp.0x00000004' }, { kind: 'unknown', cause: 'smpp.connection-lost' }])
  await peer.end()
  bench.clock.advance(1_000)
  await bench.rebind(smsc)
})

t.test('receipts and messages are answered once they are stored; a receipt may come before its response', async t => {
  const { peer, bench } = await bound(t, { idFormat: 'hex-then-decimal' })
  const { heard, outcomes } = await submitted(bench, peer, 1)
  let stored = (): void => {}
  bench.store = async () => { await new Promise<void>(resolve => { stored = resolve }) }
  peer.write(raw(deliverSm, { sequence: 5, body: deliverBody('id:0255 sub:001 stat:DELIVRD err:000', { esmClass: 4 }) }))
  peer.write(raw(enquireLink, { sequence: 6 }))
  await peer.next(responseTo(enquireLink))
  t.notOk(peer.heard.some(({ command }) => command === responseTo(deliverSm)), 'not yet')
  stored()
  t.match(await peer.next(responseTo(deliverSm)), { status: 0, sequence: 5, body: Buffer.of(0) })
  peer.answer(heard[0]!, { body: 'FF\0' })
  const outcome = await outcomes[0]
  t.same(bench.receipts, [{ id: '255', state: 'delivered', networkError: undefined }])
  t.same(outcome, { kind: 'accepted', id: bench.receipts[0]!.id })

  bench.store = async () => {}
  peer.write(raw(deliverSm, { sequence: 7, body: deliverBody('\0hello') }))
  t.match(await peer.next(responseTo(deliverSm)), { status: 0, sequence: 7 })
  t.match(bench.messages, [{ from: { ton: 1, value: '4790000001' }, to: { ton: 3, value: '1234' }, pid: 0, dcs: 0, body: Buffer.from('\0hello') }])
})

t.test('what cannot be stored is asked for again, what cannot be read is not; nobody goes without an answer', async t => {
  const { peer, bench } = await bound(t)
  const answered = async (body: Buffer): Promise<number> => {
    peer.write(raw(deliverSm, { sequence: 9, body }))
    return (await peer.next(responseTo(deliverSm))).status
  }
  bench.store = async () => { throw new Error('full') }
  t.equal(await answered(deliverBody('hello')), 0x64)
  t.equal(await answered(deliverBody('id:1 stat:DELIVRD', { esmClass: 4 })), 0x64)
  bench.store = () => { throw new Error('at once') }
  t.equal(await answered(deliverBody('hello')), 0x64, 'a throw deafens nobody')
  bench.store = async () => {}
  t.equal(await answered(deliverBody('no id here', { esmClass: 4 })), 0)
  t.equal(await answered(deliverBody('thank you', { esmClass: 0x10 })), 0)
  const lying = deliverBody('hello')
  lying[lying.length - 6] = 200
  t.equal(await answered(lying), 0x65)
  t.equal(await answered(Buffer.concat([deliverBody('hello'), Buffer.from('0427ffff02', 'hex')])), 0x65)
  t.equal(await answered(Buffer.alloc(0)), 0x65)
  t.equal(await answered(deliverBody('\x05\0\x03', { esmClass: 0x40 })), 0x65)
  t.equal(await answered(deliverBody('hello')), 0)
  t.equal(bench.messages.length, 1)
  t.same(bench.discards.counts(), {
    'smpp.acknowledgement': 1, 'smpp.header-length': 1, 'smpp.message-length': 1, 'smpp.receipt': 1, 'smpp.string': 1, 'smpp.tlv-length': 1
  })
})

t.test('npm smpp as the service centre', async t => {
  let session: NpmSession | undefined
  const seen: NpmPdu[] = []
  const server = npmSmpp.createServer(opened => {
    session = opened
    const answers: Record<string, object> = { bind_transceiver: { system_id: 'npm' }, submit_sm: { message_id: '00ff' }, unbind: {}, enquire_link: {} }
    for (const [event, fields] of Object.entries(answers)) {
      opened.on(event, pdu => { seen.push(pdu); opened.send(pdu.response(fields)) })
    }
    opened.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { session?.destroy(); server.close() })
  const bench = new SmppBench(t, (server.address() as AddressInfo).port)
  bench.link.start(bench)
  await until(() => bench.link.up)
  t.same(await bench.link.submit(submission({ dcs: 0x18, alphabet: 'ucs2', text: '\0æ' })), { kind: 'accepted', id: 'ff' })
  t.match(seen, [
    { command: 'bind_transceiver', system_id: 'edge', password: 'secret', interface_version: 0x34 },
    { command: 'submit_sm', source_addr: '1234', destination_addr: '4790000001', data_coding: 8, dest_addr_subunit: 1, short_message: { message: 'æ' }, registered_delivery: 1 }
  ])
  const { PDU } = npmSmpp
  const answered = new Promise<NpmPdu>(resolve => {
    session!.send(new PDU('deliver_sm', { esm_class: 4, short_message: Buffer.from('id:00FF stat:UNDELIV err:27'), receipted_message_id: '00FF', message_state: 5 }), resolve)
  })
  t.match(await answered, { command: 'deliver_sm_resp', command_status: 0 })
  t.same(bench.receipts, [{ id: 'ff', state: 'undeliverable', networkError: '27' }])
  bench.clock.advance(30_000)
  await until(() => seen.at(-1)?.command === 'enquire_link')
  await bench.link.stop(1_000)
  t.equal(seen.at(-1)?.command, 'unbind')
})
