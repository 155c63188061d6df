import t from 'tap'
import { systemClock } from '../../agent/lib/clock.ts'
import type { Outcome } from '../../agent/sms/link.ts'
import { COMMAND, responseTo } from '../../agent/sms/smpp/codes.ts'
import { random, seed } from '../lib/seed.ts'
import { turns, until } from '../lib/until.ts'
import { deliverBody, raw, RawSmsc } from './raw-smsc.ts'
import { bound, submitted, SmppBench } from './smpp-bench.ts'
import { submission } from './submissions.ts'

t.setTimeout(60_000)

const { submitSm, deliverSm, enquireLink, genericNack } = COMMAND

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

t.test('a length that promises more than ever comes: what waits ends in its time, and so does the connection', async t => {
  const { peer, bench } = await bound(t, { answerMs: 50_000 })
  const { heard, outcomes } = await submitted(bench, peer, 1)
  peer.write(raw(responseTo(submitSm), { sequence: heard[0]!.sequence, body: 'id\0', length: 60_000 }))
  for (let asked = 0; asked < 2; asked++) {
    bench.clock.advance(30_000)
    peer.answer(await peer.next(enquireLink))
  }
  t.same(await outcomes[0], { kind: 'unknown', cause: 'smpp.no-answer' })
  bench.clock.advance(30_000)
  await peer.end()
  t.equal(bench.link.trouble, 'it is not bound (smpp.silent)')
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
