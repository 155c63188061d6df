import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { COMMAND, responseTo } from '../../agent/sms/smpp/codes.ts'
import type { SmppSettings } from '../../agent/sms/smpp/smpp-link.ts'
import { TestCa } from '../lib/certificates.ts'
import { turns, until } from '../lib/until.ts'
import { deliverBody, raw, RawSmsc, type Peer } from './raw-smsc.ts'
import { bound, submitted, SmppBench } from './smpp-bench.ts'
import { submission } from './submissions.ts'

t.setTimeout(60_000)

const { deliverSm, enquireLink, unbind, genericNack, bindTransceiver } = COMMAND

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

  const hasty = new SmppBench(t, smsc.port, { answerMs: 5_000 })
  hasty.link.start(hasty)
  await (await smsc.accept()).next(bindTransceiver)
  hasty.clock.advance(5_000)
  await until(() => hasty.notices.length > 0)
  t.equal(hasty.link.trouble, 'it is not bound (smpp.bind-timeout)', 'or what an answer may take, when that is less')
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

t.test('credentials that SMPP cannot say go nowhere', async t => {
  const smsc = await RawSmsc.listen(t)
  for (const password of ['a\0b', 'x'.repeat(65), 'pässword']) {
    const bench = new SmppBench(t, smsc.port)
    writeFileSync(bench.passwordFile, password)
    bench.link.start(bench)
    const peer = await smsc.accept()
    await peer.end()
    t.same([peer.heard.length, bench.link.trouble], [0, 'it is not bound (smpp.credentials)'])
  }
})

t.test('a password file that is not there: said, and looked at again', async t => {
  const smsc = await RawSmsc.listen(t)
  const bench = new SmppBench(t, smsc.port, { passwordFile: '/nowhere/password' })
  bench.link.start(bench)
  t.match(bench.notices, [/^warn .*ENOENT.*A file that SMPP needs/])
  t.match(bench.link, { up: false, trouble: /ENOENT/ })
})
