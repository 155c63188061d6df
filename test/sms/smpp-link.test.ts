import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { systemClock } from '../../agent/lib/clock.ts'
import type { Outcome } from '../../agent/sms/link.ts'
import { COMMAND, responseTo } from '../../agent/sms/smpp/codes.ts'
import type { SmppSettings } from '../../agent/sms/smpp/smpp-link.ts'
import { TestCa } from '../lib/certificates.ts'
import { random, seed } from '../lib/seed.ts'
import { turns, until } from '../lib/until.ts'
import { npmSmpp, type NpmPdu, type NpmSession } from './npm-smpp.ts'
import { deliverBody, raw, RawSmsc, type Heard, type Peer } from './raw-smsc.ts'
import { SmppBench } from './smpp-bench.ts'
import { submission } from './submissions.ts'

t.setTimeout(60_000)

const { submitSm, deliverSm, enquireLink, unbind, genericNack, bindTransceiver } = COMMAND

/** A link that is bound to a service centre played by hand. */
async function bound (t: Test, wish: Partial<SmppSettings> = {}): Promise<{ smsc: RawSmsc, peer: Peer, bench: SmppBench }> {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port, wish)
  return { smsc, peer: await bench.bind(smsc), bench }
}

/** Submits so many, and gives what was heard of them and their outcomes to come. */
async function submitted (bench: SmppBench, peer: Peer, count: number): Promise<{ heard: Heard[], outcomes: Promise<Outcome>[] }> {
  const outcomes = Array.from({ length: count }, (_, i) => bench.link.submit(submission({ text: `text ${i}` })))
  const heard: Heard[] = []
  while (heard.length < count) heard.push(await peer.next(submitSm))
  return { heard, outcomes }
}

t.test('it binds as version 3.4 with the password of its file, and is up only then', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port, { systemType: 'landfall' })
  t.match(bench.link, { name: 'smpp', up: false, room: 0, trouble: 'it was not started' })
  bench.link.start(bench)
  const peer = await smsc.accept()
  const bind = await peer.next(bindTransceiver)
  t.equal(bind.body.toString('latin1'), 'edge\0secret\0landfall\0\x34\0\0\0')
  t.match(bench.link, { up: false, room: 0, trouble: 'it is connecting' })
  t.same(await bench.link.submit(submission()), { kind: 'unsent', cause: 'smpp.down' })
  peer.answer(bind, { body: 'smsc\0' })
  await until(() => bench.link.up)
  t.match(bench.link, { room: 10, trouble: undefined })
  t.equal(bench.readies, 1)
  t.match(bench.notices, [/^info .*"mode":"transceiver".* Bound/])
})

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

t.test('cut in the middle of a PDU: all that wait are unknown, and the next connection begins afresh', async t => {
  const { smsc, peer, bench } = await bound(t)
  const { outcomes } = await submitted(bench, peer, 3)
  peer.socket.end(raw(responseTo(submitSm), { sequence: 2, body: 'half', length: 64 }))
  t.same(await Promise.all(outcomes), Array(3).fill({ kind: 'unknown', cause: 'smpp.connection-lost' }))
  t.match(bench.link, { up: false, room: 0, trouble: 'it is not bound (smpp.connection-lost)' })
  bench.clock.advance(1_000)
  const again = await bench.rebind(smsc)
  const next = await submitted(bench, again, 1)
  again.answer(next.heard[0]!, { body: '7\0' })
  t.same(await next.outcomes[0], { kind: 'accepted', id: '7' })
})

t.test('a length that cannot be ends the connection and is no reason to go deaf', async t => {
  const { smsc, peer, bench } = await bound(t)
  let current = peer
  for (const length of [0, 4, 15, 65_537, 0xffffffff]) {
    const { outcomes } = await submitted(bench, current, 1)
    current.write(raw(enquireLink, { length }), raw(enquireLink, { sequence: 5 }))
    t.same(await outcomes[0], { kind: 'unknown', cause: 'smpp.connection-lost' }, String(length))
    await current.end()
    t.equal(bench.link.trouble, 'it is not bound (smpp.command-length)')
    t.notOk(current.heard.some(({ command }) => command === responseTo(enquireLink)), 'what follows is not believed')
    bench.waitForRetry()
    current = await bench.rebind(smsc)
  }
  t.same(bench.discards.counts(), { 'smpp.command-length': 5 })
})

t.test('a service centre that says nothing: ten seconds for its bind, then again', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port)
  bench.link.start(bench)
  const silent = await smsc.accept()
  await silent.next(bindTransceiver)
  bench.clock.advance(9_999)
  t.equal(bench.link.trouble, 'it is connecting')
  bench.clock.advance(1)
  await silent.end()
  t.equal(bench.link.trouble, 'it is not bound (smpp.bind-timeout)')
  bench.clock.advance(1_000)
  await bench.rebind(smsc)
})

t.test('refused binds: wrong credentials wait a minute, a session that still lives half, others a little more each time', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port)
  bench.link.start(bench)
  const refused: [number, number, string, RegExp][] = [
    [0x0e, 60_000, 'ESME_RINVPASWD', /^warn .*refuses system_id or password/], [0x05, 30_000, 'ESME_RALYBND', /still has/],
    [0x08, 4_000, 'ESME_RSYSERR', /refused to bind/], [0x58, 8_000, 'ESME_RTHROTTLED', /refused to bind/]
  ]
  for (const [status, waitMs, name, notice] of refused) {
    const peer = await smsc.accept()
    peer.answer(await peer.next(bindTransceiver), { status })
    await peer.end()
    t.equal(bench.link.trouble, `it is not bound (${name})`)
    t.match(bench.notices.at(-1), notice)
    const connections = smsc.peers.length
    bench.clock.advance(waitMs - 1)
    await turns()
    t.equal(smsc.peers.length, connections, 'not before')
    writeFileSync(bench.passwordFile, 'renewed')
    bench.clock.advance(1)
  }
  const peer = await smsc.accept()
  t.match((await peer.next(bindTransceiver)).body.toString('latin1'), /^edge\0renewed\0/, 'the file is read each time')
  t.notMatch(bench.notices.join(), /secret|renewed/)
})

t.test('nobody there: from one second to a minute, and from the start again after a session that lasted', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port)
  let peer = await bench.bind(smsc)
  for (const waitMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    peer.socket.destroy()
    await until(() => !bench.link.up)
    t.match(bench.notices.at(-1), new RegExp(`"retryMs":${waitMs}}`))
    bench.clock.advance(waitMs)
    peer = await bench.rebind(smsc)
  }
  bench.clock.advance(29_000)
  peer.write(raw(enquireLink, { sequence: 1 }))
  await peer.next(responseTo(enquireLink))
  bench.clock.advance(31_000)
  peer.socket.destroy()
  await until(() => !bench.link.up)
  t.match(bench.notices.at(-1), /"retryMs":1000}/)

  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  const nobody = new SmppBench(t, port)
  nobody.link.start(nobody)
  await until(() => nobody.notices.length > 0)
  t.equal(nobody.link.trouble, 'it is not bound (smpp.ECONNREFUSED)')
})

t.test('silence: asked twice whether it is there, then given up; any word counts', async t => {
  const { peer, bench } = await bound(t, { answerMs: 600_000 })
  const asked = (): number => peer.heard.filter(({ command }) => command === enquireLink).length
  bench.clock.advance(20_000)
  const { heard, outcomes } = await submitted(bench, peer, 1)
  peer.answer(heard[0]!, { body: '1\0' })
  await outcomes[0]
  bench.clock.advance(29_999)
  await turns()
  t.equal(asked(), 0)
  bench.clock.advance(1)
  peer.answer(await peer.next(enquireLink))
  peer.write(raw(0x1234, { sequence: 3 }))
  await peer.next(genericNack)
  bench.clock.advance(30_000)
  await peer.next(enquireLink)
  const last = await submitted(bench, peer, 1)
  bench.clock.advance(30_000)
  await peer.next(enquireLink)
  t.ok(bench.link.up)
  bench.clock.advance(30_000)
  t.same(await last.outcomes[0], { kind: 'unknown', cause: 'smpp.connection-lost' })
  t.equal(bench.link.trouble, 'it is not bound (smpp.silent)')
  await peer.end()
  t.equal(asked(), 3)
})

t.test('what the service centre asks is answered, also what is not known', async t => {
  const { peer, bench } = await bound(t)
  peer.write(raw(enquireLink, { sequence: 0 }), raw(0x103, { sequence: 6, body: 'data_sm' }), raw(0x102, { sequence: 7 }), raw(0x80000abc, { sequence: 8 }),
    raw(enquireLink, { sequence: 0xffffffff, body: 'more than it has' }))
  await until(() => peer.heard.length === 4)
  t.match(peer.heard.slice(1), [
    { command: responseTo(enquireLink), status: 0, sequence: 0 }, { command: genericNack, status: 3, sequence: 6 }, { command: responseTo(enquireLink), sequence: 0xffffffff }
  ])
  t.same(bench.discards.counts(), { 'smpp.alert-notification': 1, 'smpp.answer-to-nothing': 1, 'smpp.command': 1 })
})

t.test('a service centre that says goodbye is answered, told nothing more and called again', async t => {
  const { smsc, peer, bench } = await bound(t)
  const { outcomes } = await submitted(bench, peer, 1)
  peer.write(raw(unbind, { sequence: 77 }))
  t.equal((await peer.next(responseTo(unbind))).sequence, 77)
  t.same(await outcomes[0], { kind: 'unknown', cause: 'smpp.unbound' })
  await peer.end()
  t.same(await bench.link.submit(submission()), { kind: 'unsent', cause: 'smpp.down' })
  bench.clock.advance(1_000)
  await bench.rebind(smsc)
})

t.test('one refusal for haste stops the whole link: one second, doubled, then one message at a time until one is taken', async t => {
  const { peer, bench } = await bound(t)
  const first = await submitted(bench, peer, 3)
  peer.answer(first.heard[0]!, { status: 0x58 })
  t.same(await first.outcomes[0], { kind: 'temporary', cause: 'smpp.0x00000058', afterMs: 1_000 })
  t.match(bench.link, { up: true, room: 0, trouble: 'the service centre asked to slow down' })
  bench.clock.advance(400)
  peer.answer(first.heard[1]!, { status: 0x14 })
  t.same(await first.outcomes[1], { kind: 'temporary', cause: 'smpp.0x00000014', afterMs: 600 }, 'what was under way does not lengthen it')
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

t.test('while too much is being stored no more is read, and all of it is answered in the end', async t => {
  const { peer, bench } = await bound(t)
  const waiting: (() => void)[] = []
  bench.store = async () => { await new Promise<void>(resolve => { waiting.push(resolve) }) }
  peer.write(...Array.from({ length: 250 }, (_, sequence) => raw(deliverSm, { sequence, body: deliverBody('hello') })))
  await until(() => waiting.length === 100)
  await turns()
  t.equal(waiting.length, 100)
  waiting.shift()!()
  await until(() => waiting.length === 100)
  bench.store = async () => {}
  for (const stored of waiting) stored()
  await until(() => peer.heard.filter(({ command }) => command === responseTo(deliverSm)).length === 250)
  t.equal(bench.messages.length, 250)
})

t.test('before the bind is answered nothing is taken, but everything answered', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port)
  bench.link.start(bench)
  const peer = await smsc.accept()
  const bind = await peer.next(bindTransceiver)
  peer.write(raw(enquireLink, { sequence: 1 }), raw(deliverSm, { sequence: 2, body: deliverBody('hello') }))
  t.match(await peer.next(responseTo(deliverSm)), { status: 0x04, sequence: 2 })
  t.equal(bench.messages.length, 0)
  peer.answer(bind)
  await until(() => bench.link.up)
})

t.test('a service centre that does not read: no more is written than the connection takes, and it goes on later', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port, { window: 1_000_000 }, systemClock)
  const peer = await bench.bind(smsc)
  peer.socket.pause()
  const outcomes: Promise<Outcome>[] = []
  const body = Buffer.alloc(140, 0x41)
  // What the kernel takes is not the connection's: only when it takes no more is there no room.
  for (let quiet = 0; quiet < 50; quiet = bench.link.room > 0 ? 0 : quiet + 1) {
    for (let i = 0; i < 1_000 && bench.link.room > 0; i++) outcomes.push(bench.link.submit(submission({ alphabet: '8bit', fragment: { header: new Uint8Array(0), body } })))
    await turns(1)
  }
  t.same(await bench.link.submit(submission()), { kind: 'unsent', cause: 'smpp.no-room' })
  t.ok(bench.link.up && outcomes.length < 1_000_000)
  const readies = bench.readies
  peer.socket.resume()
  await until(() => peer.heard.filter(({ command }) => command === submitSm).length === outcomes.length)
  await until(() => bench.link.room > 0)
  t.ok(bench.readies > readies, 'told that there is room')
  for (const heard of peer.heard) if (heard.command === submitSm) peer.answer(heard, { body: 'x\0' })
  t.ok((await Promise.all(outcomes)).every(({ kind }) => kind === 'accepted'), `${outcomes.length} submitted`)
  peer.socket.destroy()
})

t.test('a service centre that asks and does not listen is not read any more', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port)
  const peer = await bench.bind(smsc)
  peer.socket.pause()
  const flood = Buffer.concat(Array.from({ length: 4_096 }, (_, sequence) => raw(enquireLink, { sequence })))
  let written = 0
  for (; written < 2_000 && peer.socket.writableLength < 8 * flood.length; written++) {
    peer.socket.write(flood)
    await turns(1)
  }
  t.ok(written < 2_000, 'its own words do not get through either')
  peer.socket.resume()
  await until(() => peer.heard.length === 1 + 4_096 * written)
  t.ok(bench.link.room === 10, 'and afterwards all is well')
})

t.test('stopping: what is under way is waited for, then goodbye; nothing new is taken', async t => {
  const { peer, bench } = await bound(t)
  const { heard, outcomes } = await submitted(bench, peer, 2)
  const stopped = bench.link.stop(5_000)
  t.match(bench.link, { up: false, room: 0, trouble: 'it was stopped' })
  t.same(await bench.link.submit(submission()), { kind: 'unsent', cause: 'smpp.down' })
  peer.write(raw(deliverSm, { sequence: 3, body: deliverBody('hello') }))
  t.equal((await peer.next(responseTo(deliverSm))).status, 0, 'the other end may finish, too')
  t.notOk(peer.heard.some(({ command }) => command === unbind))
  for (const request of heard) peer.answer(request, { body: '1\0' })
  t.same(await Promise.all(outcomes), Array(2).fill({ kind: 'accepted', id: '1' }))
  peer.answer(await peer.next(unbind))
  await stopped
  await peer.end()
  bench.clock.advance(600_000)
  await turns()
  t.equal(bench.notices.filter(notice => notice.includes('Bound')).length, 1, 'and not again')
})

t.test('stopping ends in time, whatever the other end does', async t => {
  const { peer, bench } = await bound(t)
  const { outcomes } = await submitted(bench, peer, 1)
  const stopped = bench.link.stop(5_000)
  bench.clock.advance(5_000)
  await peer.next(unbind)
  bench.clock.advance(2_000)
  await stopped
  t.same(await outcomes[0], { kind: 'unknown', cause: 'smpp.unbound' })
  await peer.end()
})

t.test('a pair: one session sends, the other receives', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port, { bind: 'pair' })
  bench.link.start(bench)
  const peers = [await smsc.accept(), await smsc.accept()]
  await until(() => peers.every(peer => peer.heard.length === 1))
  const by = (command: number): Peer => peers.find(peer => peer.heard[0]!.command === command)!
  const [transmitter, receiver] = [by(COMMAND.bindTransmitter), by(COMMAND.bindReceiver)]
  for (const peer of peers) peer.answer(peer.heard[0]!)
  await until(() => bench.link.up && bench.notices.length === 2)
  const { heard, outcomes } = await submitted(bench, transmitter, 1)
  receiver.write(raw(deliverSm, { sequence: 1, body: deliverBody('id:1 stat:DELIVRD', { esmClass: 4 }) }))
  t.equal((await receiver.next(responseTo(deliverSm))).status, 0)
  transmitter.answer(heard[0]!, { body: '1\0' })
  t.same(await outcomes[0], { kind: 'accepted', id: '1' })
  t.match(bench.receipts, [{ id: '1' }])
  receiver.socket.destroy()
  await until(() => bench.notices.length === 3)
  t.ok(bench.link.up, 'it sends on')
  transmitter.socket.destroy()
  await until(() => !bench.link.up)
})

t.test('TLS: who is at the other end is checked, and one\'s own certificate is shown', async t => {
  const ca = await TestCa.make(t)
  const [served, own, elsewhere] = [await ca.issue(), await ca.issue({ subject: '/CN=edge' }), await ca.issue({ names: 'DNS:elsewhere.example' })]
  const stranger = await TestCa.make(t)
  const pem = (issued: { certificate: string, key: string }): { cert: Buffer, key: Buffer } => ({ cert: readFileSync(issued.certificate), key: readFileSync(issued.key) })
  const door = (port: number, caFile: string, certificate?: { certificate: string, key: string }, servername?: string): Partial<SmppSettings> => ({
    door: { host: '127.0.0.1', port, tls: { ca: caFile, certificate: certificate?.certificate, key: certificate?.key, servername } }
  })
  const smsc = await RawSmsc.listen(t, { ...pem(served), ca: ca.pem, requestCert: true, rejectUnauthorized: true })
  for (const servername of [undefined, 'localhost']) {
    const bench = new SmppBench(t, smsc.port, door(smsc.port, ca.file, own, servername))
    const peer = await bench.bind(smsc)
    const { heard, outcomes } = await submitted(bench, peer, 1)
    peer.answer(heard[0]!, { body: '1\0' })
    t.match(await outcomes[0], { kind: 'accepted' }, servername ?? 'by address')
  }
  const refused = async (wish: Partial<SmppSettings>): Promise<string> => {
    const bench = new SmppBench(t, 0, wish)
    bench.link.start(bench)
    await until(() => bench.notices.length > 0)
    return bench.link.trouble!
  }
  const plain = await RawSmsc.listen(t, pem(served))
  const wrong = await RawSmsc.listen(t, pem(elsewhere))
  t.match(await refused(door(plain.port, stranger.file)), /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT/)
  t.match(await refused(door(wrong.port, ca.file)), /ERR_TLS_CERT_ALTNAME_INVALID/)
  t.match(await refused(door(plain.port, ca.file, undefined, 'elsewhere.example')), /ERR_TLS_CERT_ALTNAME_INVALID/)
  t.match(await refused(door(smsc.port, '/nowhere/ca.pem')), /ENOENT.*\/nowhere\/ca.pem/)
  t.equal(plain.peers.concat(wrong.peers).filter(peer => peer.heard.length > 0).length, 0, 'the password went to none of them')
})

t.test('a password file that is not there: said, and looked at again', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port, { passwordFile: '/nowhere/password' })
  bench.link.start(bench)
  t.match(bench.notices, [/^warn .*ENOENT.*A file that SMPP needs/])
  t.match(bench.link, { up: false, trouble: /ENOENT/ })
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

t.test('whatever a service centre says, every submission comes to one end, and the link finds its way back', async t => {
  const next = random(seed(t))
  const { smsc, peer, bench } = await bound(t)
  let current = peer
  const ends = new Map<string, number>()
  for (let round = 0; round < 150; round++) {
    const { heard, outcomes } = await submitted(bench, current, 1 + next() % Math.min(4, bench.link.room))
    const settled = outcomes.map(async outcome => { const { kind } = await outcome; ends.set(kind, (ends.get(kind) ?? 0) + 1) })
    for (const { sequence } of heard) {
      const command = [responseTo(submitSm), responseTo(submitSm), genericNack, responseTo(enquireLink), deliverSm, next()][next() % 6]!
      const status = [0, 0, 0x0b, 0xff, 0x65, next()][next() % 6]!
      const bytes = raw(command, { status, sequence: next() % 5 === 0 ? next() : sequence, body: Uint8Array.from({ length: next() % 40 }, () => next()) })
      if (next() % 4 === 0) bytes[next() % bytes.length] = next()
      current.write(next() % 6 === 0 ? bytes.subarray(0, next() % bytes.length) : bytes)
    }
    current.socket.end()
    await until(() => !bench.link.up)
    await Promise.all(settled)
    bench.waitForRetry()
    current = await bench.rebind(smsc)
    // A pause that noise has asked for.
    if (bench.link.room === 0) bench.clock.advance(1)
    while (bench.link.room < 4) {
      bench.clock.advance(1_000)
      if (bench.link.room === 0) continue
      const probe = await submitted(bench, current, 1)
      current.answer(probe.heard[0]!, { body: '1\0' })
      await probe.outcomes[0]
    }
  }
  t.ok(ends.get('unknown')! > 0 && ends.get('accepted')! > 0 && ends.size >= 4, JSON.stringify([...ends]))
})
