import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { TestStream } from '../api/bench.ts'
import { RunningAgent } from '../lib/agent.ts'
import { jsonLines, landfall } from '../lib/cli.ts'

const COUNTRY = 'subscription.country_change:read'

/** An agent with its own issuer; `issuer` is where it answers. */
async function start (owner: Parameters<typeof RunningAgent.make>[0], access: object = { issuer: { listen: '127.0.0.1:0', url: 'https://own.example/' } }): Promise<{
  agent: RunningAgent, client: (...args: string[]) => ReturnType<typeof landfall>, issuer: () => string
}> {
  const agent = await (await RunningAgent.make(owner, { settings: { access } })).start()
  return {
    agent,
    client: async (...args) => await landfall(['client', ...args, '--config', agent.config]),
    issuer: () => `http://127.0.0.1:${/"issuerPort":(\d+)/.exec(agent.log)![1]}`
  }
}

/** What the issuer answers to a client that shows its secret. */
async function ask (issuer: string, id: string, secret: string): Promise<{ status: number, token: string }> {
  const response = await fetch(`${issuer}/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: COUNTRY })
  })
  return { status: response.status, token: ((await response.json()) as { access_token: string }).access_token }
}

t.test('a client is added, reads events with its token, and is removed', async t => {
  const { agent, client, issuer } = await start(t)
  t.match(await client('list'), { code: 0, stdout: /There is no client yet/ })
  const added = await client('add', 'shop', '--scope', COUNTRY, '--sector', 'welcome', '--certificate', 'CN=shop')
  t.match(added, { code: 0, stdout: /^secret: [\w-]{43}\n$/, stderr: /shown this once/ })
  const secret = added.stdout.trim().split(' ')[1]!
  t.match((await client('list')).stdout, /^CLIENT +TENANT +SECTOR +SECRET +ADDED +SCOPES +CERTIFICATES\nshop +local +welcome +yes +20\S+Z +subscription\.country_change:read +CN=shop\n$/)
  t.match(jsonLines((await client('list', '--json')).stdout), [{ client: 'shop', tenant: 'local', sector: 'welcome', secret: true, scopes: [COUNTRY], certificates: ['CN=shop'] }])

  const { token } = await ask(issuer(), 'shop', secret)
  const stream = new TestStream(t, agent.address, 'country-change', {}, token)
  await stream.ready
  await landfall(['replay', 'config/welcome.pcap', '--config', agent.config])
  t.ok(await stream.ack(await stream.next()))
  t.match((await landfall(['queues', '--config', agent.config])).stdout, /country-change +"" +shop /)

  t.match(await client('remove', 'shop'), { code: 0, stdout: /^removed/ })
  t.match(await stream.ended, { code: status.UNAVAILABLE, details: /client of this stream was removed/ })
  t.match(await new TestStream(t, agent.address, 'country-change', {}, token).ended, { code: status.UNAUTHENTICATED })
  t.equal((await ask(issuer(), 'shop', secret)).status, 401)
  t.match(await client('remove', 'shop'), { code: 65, stderr: /there is no client "shop"/ })

  await agent.end()
  t.match(await landfall(['check', '--config', agent.config]), { code: 0, stdout: /data: sound/ })
  const kept = readFileSync(join(agent.directory, 'clients', 'data.mdb')).toString('latin1')
  for (const hidden of [secret, token]) t.notOk(agent.log.includes(hidden) || kept.includes(hidden), 'neither the log nor the disk holds it')
})

t.test('scopes and secret of a client are changed under open streams and tokens', async t => {
  const FIRST = 'subscription.first_attachment:read'
  const { agent, client, issuer } = await start(t)
  const old = (await client('add', 'shop', '--scope', COUNTRY)).stdout.trim().split(' ')[1]!
  const { token } = await ask(issuer(), 'shop', old)
  const stream = new TestStream(t, agent.address, 'country-change', {}, token)
  await stream.ready

  const updated = await client('update', 'shop', '--new-secret')
  t.match(updated, { code: 0, stdout: /^secret: [\w-]{43}\n$/, stderr: /shown this once/ })
  const fresh = updated.stdout.trim().split(' ')[1]!
  t.equal((await ask(issuer(), 'shop', old)).status, 401, 'the secret before')
  t.equal((await ask(issuer(), 'shop', fresh)).status, 200)
  t.match(jsonLines((await client('list', '--json')).stdout), [{ client: 'shop', secret: true, scopes: [COUNTRY] }], 'the scopes stay')
  const before = new TestStream(t, agent.address, 'country-change', {}, token)
  await before.ready
  before.close()

  t.match(await client('update', 'shop', '--scope', FIRST), { code: 0, stdout: '', stderr: /open streams and tokens that are out go on/ })
  t.match(jsonLines((await client('list', '--json')).stdout), [{ client: 'shop', secret: true, scopes: [FIRST] }])
  await landfall(['replay', 'config/welcome.pcap', '--config', agent.config])
  const event = await stream.next()
  await t.rejects(stream.ack(event), { code: status.PERMISSION_DENIED }, 'the open stream goes on, a call that comes is refused')
  t.match(await new TestStream(t, agent.address, 'country-change', {}, token).ended, { code: status.PERMISSION_DENIED })

  t.equal(await agent.end('SIGKILL'), 'SIGKILL')
  agent.log = ''
  await agent.start()
  t.match(jsonLines((await client('list', '--json')).stdout), [{ client: 'shop', scopes: [FIRST] }], 'it is on disk')
  t.equal((await ask(issuer(), 'shop', fresh)).status, 400, 'the scope that it asks for is not one of its own any more')
  t.match(readFileSync(join(agent.directory, 'audit.jsonl'), 'utf8'), /"client-changed".*"shop"/)
  t.notOk(readFileSync(join(agent.directory, 'audit.jsonl'), 'utf8').includes(fresh))

  t.match(await client('update', 'shop'), { code: 64, stderr: /say what to change: the scopes, or the secret/ })
  t.match(await client('update', 'shop', '--sector', 'x', '--new-secret'), { code: 64, stderr: /only scopes and the secret can be changed/ })
  t.match(await client('update', 'shop', '--scope', 'x'), { code: 64, stderr: /no method needs the scope "x"/ })
  t.match(await client('update', 'nobody', '--new-secret'), { code: 65, stderr: /there is no client "nobody"/ })
})

t.test('clients and keys outlive a restart', async t => {
  const { agent, client, issuer } = await start(t)
  const secret = (await client('add', 'shop', '--scope', COUNTRY)).stdout.trim().split(' ')[1]!
  t.match(await client('add', 'other', '--no-secret', '--scope', COUNTRY), { code: 0, stdout: '', stderr: '' })
  const { token } = await ask(issuer(), 'shop', secret)
  t.match(await client('rotate-key'), { code: 0, stdout: /^a new key signs/ })
  t.equal(await agent.end('SIGKILL'), 'SIGKILL')
  agent.log = ''
  await agent.start()
  t.match(jsonLines((await client('list', '--json')).stdout), [{ client: 'other', secret: false }, { client: 'shop', secret: true }])
  t.equal((await ask(issuer(), 'shop', secret)).status, 200)
  const stream = new TestStream(t, agent.address, 'country-change', {}, token)
  await stream.ready
})

t.test('listen shows a token from its environment, and says what it is told', async t => {
  const { agent, client, issuer } = await start(t)
  const secret = (await client('add', 'shop', '--scope', COUNTRY)).stdout.trim().split(' ')[1]!
  const { token } = await ask(issuer(), 'shop', secret)
  t.match(await landfall(['listen', 'country-change', '--config', agent.config]), { code: 77, stderr: /this call needs a token/ })
  process.env['LANDFALL_TOKEN'] = token
  t.teardown(() => { delete process.env['LANDFALL_TOKEN'] })
  t.match(await landfall(['listen', 'handset-change', '--config', agent.config]), { code: 77, stderr: /needs the scope "subscription\.handset_details:read"/ })
})

t.test('wrong use is one line that says what to do', async t => {
  const { agent, client } = await start(t, {})
  for (const args of [[], ['add'], ['update'], ['remove'], ['list', 'shop'], ['rotate-key', 'x'], ['add', 'a', 'b'], ['burn', 'shop']]) {
    t.match(await client(...args), { code: 64, stderr: /say what to do: landfall client add ID/ }, args.join(' '))
  }
  t.match(await client('add', 'a:b'), { code: 64, stderr: /the id of a client has 1 to 128 printable ASCII characters/ })
  t.match(await client('add', 'a', '--scope', 'x'), { code: 64, stderr: /no method needs the scope "x"; there are .*subscription\.country_change:read/ })
  t.match(await client('add', 'a', '--tenant', 'x'), { code: 64, stderr: /name the client's tenant; there are local/ })
  t.match(await client('add', 'a'), { code: 0, stderr: /gives no tokens for secrets.*\n.*has no scope/ })
  t.match(await client('add', 'a'), { code: 64, stderr: /there is a client "a" already: remove it first/ })
  t.match(await client('rotate-key'), { code: 65, stderr: /no issuer of its own/ })
  await agent.end()
  t.match(await client('list'), { code: 69, stderr: /no agent answers/ })
  const open = await (await RunningAgent.make(t)).start()
  t.match(await landfall(['client', 'add', 'a', '--config', open.config]), { code: 0, stderr: /this agent checks nobody yet/ })
})

t.test('a secret that cannot be read keeps the agent from starting, with the reason', async t => {
  const introspection = { url: 'https://id.example/introspect', client_id: 'x', client_secret_file: '/nowhere/secret' }
  const agent = await RunningAgent.make(t, { settings: { access: { introspection } } })
  await t.rejects(agent.start(), /access\.introspection\.client_secret_file cannot be read: ENOENT/)
  t.equal(await agent.ended(), 78)
})

t.test('a key file that is damaged keeps the agent from starting, with the reason', async t => {
  const { agent } = await start(t)
  await agent.end()
  writeFileSync(join(agent.directory, 'issuer.key'), 'x')
  await t.rejects(agent.start(), /issuer\.key is damaged/)
  t.equal(await agent.ended(), 65)
})
