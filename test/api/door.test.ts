import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { ConnectionLimit } from '../../agent/api/connection-limit.ts'
import { openDoor } from '../../agent/api/door.ts'
import { TlsContext } from '../../agent/api/tls-context.ts'
import { TestCa } from '../lib/certificates.ts'
import { ManualClock } from '../lib/manual-clock.ts'
import { attachments, Bench, TestStream } from './bench.ts'
import { closed, KeptLog, TlsBench } from './tls-bench.ts'

t.test('who does not offer h2, and who speaks no TLS, is closed', async t => {
  const served = await TlsBench.start(t)
  await t.rejects(served.connect(t, { ALPNProtocols: ['http/1.1'] }), { message: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' })
  await closed(await served.connect(t, { ALPNProtocols: [] }))
  const [host, port] = served.bench.address.split(':')
  const plain = connect(Number(port), host)
  plain.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  await closed(plain)
  const stream = new TestStream(t, served.bench.address, 'first-attachment')
  t.match(await stream.ended, { code: 14 }, 'a client without TLS')
  t.match(served.log.take('refused'), [{ level: 'warn', fields: { refused: { ERR_SSL_NO_APPLICATION_PROTOCOL: 1 } } }], 'the first is told at once')
  served.clock.advance(60_000)
  t.match(served.log.take('refused'), [{ fields: { refused: { 'no ALPN': 1, ERR_SSL_WRONG_VERSION_NUMBER: 2 } } }], 'the others together')
  served.clock.advance(600_000)
  t.same(served.log.take('refused'), [])
})

t.test('the start-up log says what is open, and shouts where everybody can listen in', async t => {
  const log = new KeptLog()
  await Bench.start(t, undefined, {}, { log })
  t.match(log.take('open'), [{ level: 'info', fields: { service: 'gRPC', address: '127.0.0.1:0', transport: 'plaintext', clientCertificates: 'none', reach: 'loopback' } }])
  t.same(log.lines.filter(({ level }) => level !== 'info'), [])
  await Bench.start(t, undefined, { listen: '0.0.0.0:0', insecure: true, access: {} }, { log })
  t.match(log.take('PLAINTEXT FOR THE NETWORK'), [{ level: 'warn', fields: { address: '0.0.0.0:0' } }])
  const served = await TlsBench.start(t, { wish: { names: 'DNS:localhost,DNS:agent.example.net' } })
  t.match(served.log.take('open'), [{ fields: { transport: 'TLS' } }])
  t.match(served.log.take('this certificate'), [{ fields: { names: 'DNS:localhost, DNS:agent.example.net' } }])
})

t.test('a connection that says nothing after its handshake is closed, one that speaks stays', async t => {
  const served = await TlsBench.start(t)
  const stream = served.stream(t)
  await stream.ready
  const silent = await served.connect(t)
  // The server's first words: it has seen the end of the handshake.
  await new Promise(resolve => { silent.once('data', resolve) })
  silent.write('PRI * HTTP/2.0')
  const gone = closed(silent)
  served.clock.advance(10_000)
  await gone
  await served.bench.see(...attachments(1))
  t.ok(await Promise.race([stream.next(), stream.ended]))
  t.match(served.log.take('refused'), [{ fields: { refused: { 'said nothing': 1 } } }])
})

t.test('a handshake that does not go on is ended', async t => {
  const issued = await (await TestCa.make(t)).issue()
  const clock = new ManualClock(Date.now())
  const tell = { serves: () => {}, unusable: () => {}, ends: () => {} }
  const tls = new TlsContext({ files: { ...issued, clientCa: undefined }, clientCertificates: 'none', handshakeMs: 20, clock, tell })
  const refused: string[] = []
  const speaker = { protocol: 'h2', firstBytes: 24, take: () => {} }
  const door = await openDoor({ address: '127.0.0.1:0', connections: 10, clock, tls, onRefused: reason => refused.push(reason) }, speaker)
  t.teardown(() => { door.close() })
  const silent = connect(door.port, '127.0.0.1')
  const half = connect(door.port, '127.0.0.1')
  half.write(Buffer.from('1603010200010001fc0303', 'hex'))
  await Promise.all([silent, half].map(closed))
  t.same(refused, ['ERR_TLS_HANDSHAKE_TIMEOUT', 'ERR_TLS_HANDSHAKE_TIMEOUT'])
})

t.test('connections are bounded for each address', async t => {
  const bench = await Bench.start(t, undefined, { delivery: { connections_per_address: 2 } })
  const [host, port] = bench.address.split(':')
  const from = async (localAddress: string): Promise<Socket | undefined> => {
    const socket = connect({ host: host!, port: Number(port), localAddress })
    const session = connectHttp2(`http://${bench.address}`, { createConnection: () => socket })
    t.teardown(() => { session.destroy() })
    session.on('error', () => {})
    return await new Promise(resolve => {
      session.once('remoteSettings', () => { resolve(socket) })
      session.once('close', () => { resolve(undefined) })
    })
  }
  const first = await from('127.0.0.1')
  t.ok(first)
  t.ok(await from('127.0.0.1'))
  t.notOk(await from('127.0.0.1'))
  t.ok(await from('127.0.0.2'), 'others do not notice')
  first!.destroy()
  while (await from('127.0.0.1') === undefined);
  t.notOk(await from('127.0.0.1'), 'one that left made room for one')
})

t.test('an address is counted in all its forms, IPv6 by the network in which a machine chooses', async t => {
  const same = [
    ['192.0.2.1', '::ffff:192.0.2.1'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::', '2001:db8:1:2:3:4:5:6'],
    ['::1', '::2', '0:0:0:0:1::'],
    ['fe80::1%eth0', 'fe80::2%eth1'],
    ['2001:db8::1', '2001:db8:0:0:9::']
  ]
  const limit = new ConnectionLimit(1)
  for (const [first, ...others] of same) {
    const leave = limit.take(first)
    t.ok(leave, String(first))
    for (const other of others) t.notOk(limit.take(other), other)
    leave!()
    t.ok(limit.take(others[0]), 'a place that was freed')
  }
  t.ok(limit.take('192.0.2.2'))
  t.ok(limit.take('2001:db8:1:3::1'))
  t.notOk(limit.take(undefined), 'who has left already')
})
