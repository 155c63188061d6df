import { statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import { status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { readIdentity, stateFiles } from '../../agent/store/identity.ts'
import { GatheredLog } from '../lib/gathered-log.ts'
import { random, seed } from '../lib/seed.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { Bench, TestStream } from './bench.ts'

const FIRST = 'subscription.first_attachment:read'
const COUNTRY = 'subscription.country_change:read'
const URL_OF = 'https://own.example/'
const FORM = 'application/x-www-form-urlencoded'
const GRANT = 'grant_type=client_credentials'

const ROUNDS = Number(process.env['FUZZ_RUNS'] ?? 1_000)

async function start (t: Test, log?: GatheredLog, directory = temporaryDirectory(t)): Promise<Bench> {
  return await Bench.start(t, directory, { access: { issuer: { listen: '127.0.0.1:0', url: URL_OF } } }, log === undefined ? {} : { log })
}

const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

interface Reply { status: number, headers: Headers, json: Record<string, unknown>, text: string }

/** Sends a request to the token endpoint. */
async function ask (bench: Bench, body: string, headers: Record<string, string>): Promise<Reply> {
  const response = await fetch(`${bench.issuer}/oauth2/token`, { method: 'POST', headers: { 'content-type': FORM, ...headers }, body })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as Record<string, unknown> }
}

t.test('a client gets a token for its secret, in the ways that libraries ask for it', async t => {
  const log = new GatheredLog()
  const directory = temporaryDirectory(t)
  const bench = await start(t, log, directory)
  const secret = await bench.addClient({ id: 'shop', scopes: [FIRST, COUNTRY] })
  t.match(secret, /^[\w-]{43}$/)
  const authorization = basic('shop', secret)
  const { status: code, headers, json } = await ask(bench, `${GRANT}&scope=${encodeURIComponent(FIRST)}`, { authorization })
  t.equal(code, 200)
  t.match(json, { token_type: 'bearer', expires_in: 3600, scope: FIRST })
  t.equal(headers.get('cache-control'), 'no-store')
  t.equal(headers.get('content-type'), 'application/json')

  const published = await fetch(`${bench.issuer}/.well-known/jwks.json?x=1`)
  t.equal(published.headers.get('cache-control'), 'public, max-age=300')
  const keys = await published.json() as JSONWebKeySet
  t.notOk(keys.keys.some(key => 'd' in key), 'no private key is shown')
  const { payload, protectedHeader } = await jwtVerify(String(json['access_token']), createLocalJWKSet(keys), {
    issuer: URL_OF, audience: URL_OF, typ: 'at+jwt', algorithms: ['ES256'], currentDate: new Date(bench.clock.now())
  })
  t.match(payload, { sub: 'shop', client_id: 'shop', scope: FIRST, iat: bench.clock.now() / 1000, exp: bench.clock.now() / 1000 + 3600, jti: /^[\w-]{36}$/ })
  t.match(protectedHeader.kid, /^[\w-]{43}$/)
  const stream = new TestStream(t, bench.address, 'first-attachment', {}, String(json['access_token']))
  await stream.ready

  for (const [body, scope] of [
    [`scope=${encodeURIComponent(`${FIRST} ${COUNTRY}`)}&${GRANT}`, `${FIRST} ${COUNTRY}`],
    [`scope=${FIRST}+${FIRST}++${COUNTRY}&${GRANT}`, `${FIRST} ${COUNTRY}`],
    [`scope=&${GRANT}`, ''],
    [GRANT, ''],
    [`${GRANT}&client_id=shop&audience=whoever`, '']
  ] as const) {
    t.match(await ask(bench, body, { authorization }), { status: 200, json: { scope, token_type: 'bearer' } }, body)
  }
  t.match(await ask(bench, GRANT, { authorization: authorization.replace('Basic', 'basic'), 'content-type': `${FORM}; charset=UTF-8` }), { status: 200 })
  t.equal(statSync(stateFiles(directory).issuerKey).mode & 0o777, 0o600)
  for (const hidden of [secret, authorization.slice(6), String(json['access_token'])]) t.notOk(log.text.includes(hidden))
})

t.test('ids with odd characters work with libraries that encode them and with those that do not', async t => {
  const bench = await start(t)
  for (const id of ['a+b', 'a%41', 'https%3A', '100%', 'a/b?c=d&e']) {
    const secret = await bench.addClient({ id, scopes: [FIRST] })
    t.equal((await ask(bench, GRANT, { authorization: basic(id, secret) })).status, 200, `${id} as it is`)
    t.equal((await ask(bench, GRANT, { authorization: basic(encodeURIComponent(id), secret) })).status, 200, `${id} encoded`)
  }
})

t.test('what is wrong is said in the words of RFC 6749 clause 5.2', async t => {
  const log = new GatheredLog()
  const bench = await start(t, log)
  const secret = await bench.addClient({ id: 'shop', scopes: [FIRST] })
  await bench.addClient({ id: 'silent', scopes: [FIRST], withoutSecret: true })
  const authorization = basic('shop', secret)
  const wrong = async (code: number, error: string, body: string, headers: Record<string, string> = { authorization }): Promise<void> => {
    const reply = await ask(bench, body, headers)
    t.match(reply, { status: code, json: { error } }, body)
    t.ok(String(reply.json['error_description']).length > 10)
    t.equal(reply.headers.get('cache-control'), 'no-store')
    t.equal(reply.headers.get('www-authenticate') !== null, code === 401)
    t.notOk(reply.text.includes(secret) || reply.text.includes('not-the-secret'))
  }
  for (const bad of [basic('shop', 'not-the-secret'), basic('nobody', secret), basic('silent', ''), basic('', secret), basic('shop', ''), 'Basic', 'Basic !!!', `Bearer ${secret}`,
    `Basic ${Buffer.from('shop').toString('base64')}`, `Basic ${'A'.repeat(3_000)}`]) {
    await wrong(401, 'invalid_client', GRANT, { authorization: bad })
  }
  await wrong(401, 'invalid_client', GRANT, {})
  await wrong(400, 'invalid_request', `${GRANT}&client_secret=${secret}`)
  await wrong(400, 'invalid_request', `${GRANT}&client_id=other`)
  await wrong(400, 'invalid_request', '')
  await wrong(400, 'invalid_request', `${GRANT}&scope=a&scope=b`)
  await wrong(400, 'invalid_request', `${GRANT}&x=%ff%fe`.replace('%ff', '\u0000') + '&x=1')
  await wrong(400, 'invalid_request', GRANT, { authorization, 'content-type': 'application/json' })
  await wrong(400, 'unsupported_grant_type', 'grant_type=password&username=a&password=b')
  await wrong(400, 'unsupported_grant_type', 'grant_type=')
  await wrong(400, 'invalid_scope', `${GRANT}&scope=${COUNTRY}`)
  await wrong(400, 'invalid_scope', `${GRANT}&scope=%22`)
  await wrong(413, 'invalid_request', `${GRANT}&x=${'x'.repeat(8_192)}`)
  for (const [path, method, code, allow] of [['/oauth2/token', 'GET', 405, 'POST'], ['/.well-known/jwks.json', 'POST', 405, 'GET, HEAD'], ['/', 'GET', 404, null],
    ['/oauth2/token/', 'POST', 404, null]] as const) {
    const response = await fetch(bench.issuer + path, { method })
    t.same([response.status, response.headers.get('allow')], [code, allow], `${method} ${path}`)
  }
  t.equal((await fetch(`${bench.issuer}/.well-known/jwks.json`, { method: 'HEAD' })).status, 200)
  t.notOk(log.text.includes(secret))
})

t.test('a body without end is cut off, and so is a head without end', async t => {
  const bench = await start(t)
  const port = Number(new URL(bench.issuer).port)
  const answerTo = async (head: string, flood: string): Promise<string> => await new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => { answer += text })
    socket.on('error', () => {})
    socket.on('close', () => { resolve(answer) })
    socket.write(head)
    for (let n = 0; n < 64; n++) socket.write(flood)
  })
  const chunk = `400\r\n${'x'.repeat(1024)}\r\n`
  t.match(await answerTo(`POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\nTransfer-Encoding: chunked\r\n\r\n`, chunk), /^HTTP\/1\.1 413 /)
  t.match(await answerTo('POST /oauth2/token HTTP/1.1\r\nHost: x\r\nX-Long: ', 'x'.repeat(1024)), /^HTTP\/1\.1 431 /)
  t.match(await answerTo('no HTTP at all\r\n\r\n', ''), /^HTTP\/1\.1 400 /)
})

t.test('a client that asks too often waits, and others do not', async t => {
  const bench = await start(t)
  const secret = await bench.addClient({ id: 'shop', scopes: [FIRST] })
  const other = await bench.addClient({ id: 'other', scopes: [FIRST] })
  const codes = await Promise.all(Array.from({ length: 31 }, async () => (await ask(bench, GRANT, { authorization: basic('shop', 'wrong') })).status))
  t.same(codes.filter(code => code === 401).length, 30)
  const refused = await ask(bench, GRANT, { authorization: basic('shop', secret) })
  t.match(refused, { status: 429, json: { error: 'temporarily_unavailable' } })
  t.equal(refused.headers.get('retry-after'), '1')
  t.equal((await ask(bench, GRANT, { authorization: basic('other', other) })).status, 200)
  bench.clock.advance(1_000)
  t.equal((await ask(bench, GRANT, { authorization: basic('shop', secret) })).status, 200)
})

t.test('names that nobody has are bounded together, and take as long as one that somebody has', async t => {
  const bench = await start(t)
  await bench.addClient({ id: 'shop', scopes: [FIRST] })
  const time = async (id: string): Promise<number> => {
    const begin = performance.now()
    t.equal((await ask(bench, GRANT, { authorization: basic(id, 'wrong') })).status, 401)
    return performance.now() - begin
  }
  const fastest = async (id: string): Promise<number> => Math.min(await time(id), await time(id), await time(id))
  const [known, unknown] = [await fastest('shop'), await fastest('nobody')]
  t.ok(unknown > known / 3, `${unknown} ms against ${known} ms`)
  // So many at once find room to wait for their turn.
  const crowd = async (): Promise<number[]> => await Promise.all(Array.from({ length: 50 }, async (_, n) =>
    (await ask(bench, GRANT, { authorization: basic(`nobody-${n}`, 'x') })).status))
  const codes = [...await crowd(), ...await crowd()]
  t.equal(codes.filter(code => code === 401).length, 94, 'a hundred, less the six before')
  t.equal(codes.filter(code => code === 429).length, 6)
  bench.clock.advance(10_000)
  const flood = await Promise.all([crowd(), crowd(), crowd()].map(async codes => (await codes).filter(code => code === 401).length))
  t.ok(flood.reduce((sum, count) => sum + count) <= 85, 'more than can be hashed soon are sent away')
})

t.test('the key outlives a restart, a new one signs at once, and tokens of the old one stay good', async t => {
  const directory = temporaryDirectory(t)
  const bench = await start(t, undefined, directory)
  const secret = await bench.addClient({ id: 'shop', scopes: [FIRST] })
  const before = await bench.token('shop', secret, FIRST)
  bench.rotateKey()
  const after = await bench.token('shop', secret, FIRST)
  const kid = (token: string): unknown => (JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid
  t.not(kid(before), kid(after))
  const published = async (bench: Bench): Promise<unknown[]> => (await (await fetch(`${bench.issuer}/.well-known/jwks.json`)).json() as { keys: { kid: string }[] }).keys.map(key => key.kid)
  t.same(await published(bench), [kid(after), kid(before)])
  await bench.stop()
  const again = await start(t, undefined, directory)
  t.same(await published(again), [kid(after), kid(before)])
  for (const token of [before, after]) {
    const stream = new TestStream(t, again.address, 'first-attachment', {}, token)
    await stream.ready
    stream.close()
  }
  for (let n = 0; n < 2; n++) again.rotateKey()
  t.equal((await published(again)).length, 3, 'the oldest one goes')
  t.match(await new TestStream(t, again.address, 'first-attachment', { streamType: { $case: 'regular', value: {} } }, after).ready, {})
  t.ok(readIdentity(directory), 'the data are as they were')
})

t.test('whatever is sent to the token endpoint, it answers in its own words and lives on', async t => {
  const bench = await start(t)
  const secret = await bench.addClient({ id: 'shop', scopes: [FIRST] })
  const next = random(seed(t))
  const below = (n: number): number => next() % n
  const pick = <T>(...choices: T[]): T => choices[below(choices.length)]!
  const bytes = (most: number): Buffer => Buffer.from(Array.from({ length: below(most) }, () => below(256)))
  const header = (most: number): string => bytes(most).toString('latin1').replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, 'x')
  const port = Number(new URL(bench.issuer).port)
  const send = async (): Promise<number> => await new Promise((resolve, reject) => {
    const body = pick<() => Buffer>(
      () => bytes(300),
    () => Buffer.from(`${GRANT}&scope=${encodeURIComponent(header(100))}`),
    () => Buffer.concat([Buffer.from(`${GRANT}&`), bytes(50)]),
    () => Buffer.from(Array.from({ length: below(30) }, () => pick('grant_type', '=', '&', 'client_credentials', 'scope', '%', '%2', '%ff', '+', FIRST, '\0')).join('')),
    () => Buffer.alloc(8_000 + below(400), 'x')
    )()
    const request = httpRequest({
      port,
      method: pick('POST', 'POST', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
      path: pick('/oauth2/token', '/oauth2/token', '/oauth2/token?grant_type=x', '/.well-known/jwks.json', `/${encodeURI(header(20).replaceAll(/[^ -~]/g, ''))}`),
      headers: {
        'content-type': pick(FORM, FORM, `${FORM};charset=latin1`, header(40)),
        // Mostly none that names somebody: those are slow on purpose, and counted.
        authorization: pick(header(200), `Basic ${header(100)}`, `Basic ${bytes(40).toString('base64').replace(/Og/g, '')}`, 'Basic Og==', `Bearer ${header(100)}`),
        ...pick<object>({}, {}, { 'transfer-encoding': 'chunked' }, { expect: '100-continue' }, { 'content-length': String(body.length) })
      }
    }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => { text += part })
      response.on('end', () => {
        const { error } = JSON.parse(text) as { error?: unknown }
        if (typeof error === 'string') resolve(response.statusCode!)
        else reject(new Error(`${response.statusCode} without an error: ${text}`))
      })
    })
    // A body that is too large is not read to its end.
    request.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(413); else reject(error) })
    request.end(body)
  })
  const seen = new Map<number, number>()
  for (let n = 0; n < ROUNDS; n++) {
    const code = await send()
    seen.set(code, (seen.get(code) ?? 0) + 1)
    // The limit is not what is tried here.
    bench.clock.advance(1_000)
  }
  t.comment(JSON.stringify([...seen]))
  t.ok([...seen.keys()].every(code => [400, 401, 404, 405, 413, 417].includes(code)), 'never 200, never a fault of the server')
  const token = await bench.token('shop', secret, FIRST)
  t.match(await new TestStream(t, bench.address, 'first-attachment', {}, token).ready, {})
  t.match(await new TestStream(t, bench.address, 'first-attachment').ended, { code: status.UNAUTHENTICATED })
})
