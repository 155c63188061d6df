import { rmSync } from 'node:fs'
import t from 'tap'
import { RunningAgent } from '../lib/agent.ts'
import { TestCa } from '../lib/certificates.ts'
import { landfall } from '../lib/cli.ts'

const STORY = 'config/welcome.pcap'

t.test('listen speaks TLS as the configuration or its options say; check tells the certificate', async t => {
  const ca = await TestCa.make(t)
  const other = await TestCa.make(t)
  const issued = await ca.issue({ names: 'DNS:localhost,DNS:agent.example.net' })
  const me = await ca.issue({ subject: '/CN=me', names: '' })
  const agent = await (await RunningAgent.make(t, { settings: { tls: { ...issued, client_ca: ca.file, client_certificates: 'optional' } } })).start()
  const at = ['--config', agent.config]
  t.match(agent.log, /"service":"gRPC","address":"127\.0\.0\.1:\d+","port":\d+,"transport":"TLS","clientCertificates":"optional","reach":"loopback"/)
  t.match(agent.log, /"service":"control","address":"unix:[^"]+","port":0,"transport":"plaintext","clientCertificates":"none","reach":"unix"/)
  t.match((await landfall(['check', ...at])).stdout, /certificate: good until \d{4}-\d\d-\d\d, for DNS:localhost, DNS:agent\.example\.net\n/)
  const address = agent.address.replace('127.0.0.1', 'localhost')
  const trusted = [
    ['pinned'],
    ['by-ca', '--address', address, '--ca', ca.file],
    ['mutual', '--certificate', me.certificate, '--key', me.key]
  ]
  const running = trusted.map(async ([queue, ...options]) => await landfall(['listen', 'handset-change', '--queue', queue!, ...options, ...at]))
  t.match(await landfall(['listen', 'handset-change', '--address', address, '--ca', other.file, ...at]), { code: 69, stderr: /certificate/ })
  t.match(await landfall(['listen', 'handset-change', '--address', address, '--tls', ...at]), { code: 69, stderr: /certificate/ })
  t.match(await landfall(['listen', 'handset-change', '--address', address, ...at]), { code: 69 }, 'plaintext')
  t.match(await landfall(['listen', 'handset-change', '--certificate', me.certificate, ...at]), { code: 64, stderr: /--key/ })
  t.match(await landfall(['listen', 'handset-change', '--ca', '/nowhere', ...at]), { code: 66, stderr: /nowhere/ })
  // The queues are there.
  while ((await landfall(['queues', ...at])).stdout.split('\n').filter(line => /pinned|by-ca|mutual/.test(line)).length < trusted.length);
  await landfall(['replay', STORY, ...at])
  await landfall(['check', ...at])
  await agent.end()
  for (const run of running) t.match((await run).stdout, /"type":"handset-change","handsetChangeEvent":\{/)
  rmSync(issued.key)
  t.match(await landfall(['run', ...at]), { code: 78, stderr: /cannot be read .*ENOENT.*"tls" in the configuration/ })
  t.match(await landfall(['check', ...at]), { code: 78, stderr: /cannot be read/ })
})

t.test('check names a certificate that has ended', async t => {
  const issued = await (await TestCa.make(t)).issue({ from: -9, until: -1 })
  const agent = await RunningAgent.make(t, { settings: { tls: issued } })
  t.match(await landfall(['check', '--config', agent.config]), { code: 78, stdout: /certificate: ENDED on/, stderr: /has ended: renew it/ })
})
