import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { SubscriptionEventServiceService as METHODS } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { GatheredLog } from '../lib/gathered-log.ts'
import { AUDIENCE, claims, ISSUER, JsonServer, makeKey, publicJwk, sign, type Claims, type SigningKey } from '../lib/issuer.ts'
import { Rpc } from '../lib/rpc.ts'
import { random, seed } from '../lib/seed.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { attachments, Bench, idsOf, TestStream } from './bench.ts'

const FIRST = 'subscription.first_attachment:read'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const ROUNDS = Number(process.env['FUZZ_RUNS'] ?? 1_000)

const OK = status.INVALID_ARGUMENT // The handler was reached: it did not like the ack token.
const { UNAUTHENTICATED, UNAVAILABLE, PERMISSION_DENIED } = status

/** An agent that trusts an issuer, and a way to call it. */
async function start (t: Test, access: object, log?: GatheredLog): Promise<{ bench: Bench, call: (authorization: string) => Promise<{ code: status, details: string }> }> {
  const bench = await Bench.start(t, temporaryDirectory(t), { access: { calls_per_second: 1_000_000, ...access } }, log === undefined ? {} : { log })
  await bench.addClient({ id: 'shop', scopes: [FIRST], withoutSecret: true })
  const rpc = new Rpc(t, bench.address)
  return { bench, call: async authorization => await rpc.call(METHODS.ackFirstAttachmentEvent, { ackInfo: { value: 'x' } }, authorization) }
}

/** A server of keys that can be changed. */
async function keyServer (t: Test, ...keys: SigningKey[]): Promise<{ keys: SigningKey[], answer: unknown, server: JsonServer }> {
  const state = { keys, answer: undefined as unknown }
  const server = await JsonServer.start(t, () => [200, state.answer ?? { keys: state.keys.map(publicJwk) }])
  return Object.assign(state, { server })
}

t.test('keys are fetched once, a new one is seen when a token names it, a withdrawn one ends its tokens', async t => {
  const [old, fresh] = [makeKey('old'), makeKey('new', 'RS256')]
  const issuer = await keyServer(t, old)
  const { bench, call } = await start(t, { jwks: { url: issuer.server.url, issuer: ISSUER, audience: AUDIENCE } })
  const token = async (key: SigningKey, other: Claims = {}): Promise<string> => `Bearer ${await sign(key, claims(bench.clock.now(), 'shop', FIRST, other))}`
  t.equal(issuer.server.asked, 0, 'not before a token comes')
  const first = await token(old)
  t.same((await Promise.all(Array.from({ length: 20 }, async () => await call(first)))).map(({ code }) => code), Array(20).fill(OK))
  for (let n = 0; n < 20; n++) t.equal((await call(await token(old, { jti: n }))).code, OK)
  t.equal(issuer.server.asked, 1)

  issuer.keys = [fresh, old]
  t.match(await call(await token(fresh)), { code: UNAUTHENTICATED, details: /not signed with a key of its issuer/ })
  t.equal(issuer.server.asked, 1, 'it was asked just now: made-up names of keys make no flood of requests')
  bench.clock.advance(10_000)
  t.equal((await call(await token(fresh))).code, OK)
  t.equal(issuer.server.asked, 2)
  t.equal((await call(await token(old))).code, OK)

  issuer.keys = [fresh]
  bench.clock.advance(10 * MINUTE_MS)
  // This call finds keys that have aged, and is not held up by their being loaded.
  t.equal((await call(await token(old, { jti: 'x' }))).code, OK)
  while (issuer.server.asked < 3) await new Promise(resolve => setImmediate(resolve))
  t.equal((await call(await token(fresh, { jti: 'x' }))).code, OK)
  t.match(await call(await token(old, { jti: 'y' })), { code: UNAUTHENTICATED })
})

t.test('an issuer that is down costs nothing but what is new, for a day', async t => {
  const [old, fresh] = [makeKey('old', 'EdDSA'), makeKey('new')]
  const issuer = await keyServer(t, old)
  const log = new GatheredLog()
  const { bench, call } = await start(t, { jwks: { url: issuer.server.url, issuer: ISSUER, audience: AUDIENCE } }, log)
  const token = async (key: SigningKey, other: Claims = {}): Promise<string> => `Bearer ${await sign(key, claims(bench.clock.now(), 'shop', FIRST, other))}`
  await issuer.server.down()
  t.match(await call(await token(old)), { code: UNAVAILABLE, details: /keys cannot be had: try again/ }, 'nothing is known yet: not the fault of the client')
  await issuer.server.up()
  bench.clock.advance(10_000)
  t.equal((await call(await token(old))).code, OK)

  await issuer.server.down()
  for (let hours = 1; hours < 24; hours++) {
    bench.clock.advance(HOUR_MS - (hours === 1 ? 1 : 0))
    t.equal((await call(await token(old))).code, OK, `after ${hours} h`)
  }
  t.match(await call(await token(fresh)), { code: UNAVAILABLE }, 'a key that may be new')
  t.equal(log.lines.filter(line => line.includes('does not answer')).length, 2, `said once an outage: ${log.text}`)
  t.equal(log.lines.filter(line => line.includes('answers again')).length, 1)

  for (const answer of ['{', [], { keys: 'x' }, { keys: [null] }, 'x'.repeat(300_000), { keys: Array(101).fill(publicJwk(old)) }]) {
    issuer.answer = answer
    if (answer === '{') await issuer.server.up()
    bench.clock.advance(MINUTE_MS)
    t.match(await call(await token(fresh)), { code: UNAVAILABLE }, `nonsense is an outage as well: ${JSON.stringify(answer).slice(0, 20)}`)
    t.equal((await call(await token(old))).code, OK)
  }
  bench.clock.advance(HOUR_MS)
  await call(await token(old))
  t.match(await call(await token(old, { jti: 'x' })), { code: UNAVAILABLE }, 'after a day they are too old')
  issuer.answer = undefined
  bench.clock.advance(MINUTE_MS)
  await call(await token(old))
  t.equal((await call(await token(old))).code, OK)
})

t.test('open streams outlast new keys of either issuer, an outage, and a key that is withdrawn', async t => {
  const [old, fresh] = [makeKey('old'), makeKey('new')]
  const issuer = await keyServer(t, old)
  const { bench, call } = await start(t, {
    jwks: { url: issuer.server.url, issuer: ISSUER, audience: AUDIENCE }, issuer: { listen: '127.0.0.1:0', url: 'https://own.example/' }
  })
  const token = async (key: SigningKey, other: Claims = {}): Promise<string> => await sign(key, claims(bench.clock.now(), 'shop', FIRST, other))
  const foreign = await token(old)
  const own = await bench.token('own', await bench.addClient({ id: 'own', scopes: [FIRST] }), FIRST)
  const streams = [foreign, own].map(shown => new TestStream(t, bench.address, 'first-attachment', { acknowledgeOption: { $case: 'disableExplicitAck', value: {} } }, shown))
  await Promise.all(streams.map(async ({ ready }) => await ready))
  const hears = async (id: number, when: string): Promise<void> => {
    await bench.see(...attachments(1, id))
    for (const stream of streams) t.same(await Promise.race([stream.next().then(event => idsOf([event])), stream.ended]), [id], when)
  }
  await hears(1, 'before')
  bench.rotateKey()
  bench.rotateKey()
  await hears(2, 'new keys of its own')
  await issuer.server.down()
  bench.clock.advance(11 * MINUTE_MS)
  t.match(await call(`Bearer ${await token(fresh)}`), { code: UNAVAILABLE })
  await hears(3, 'the issuer is down')
  issuer.keys = [fresh]
  await issuer.server.up()
  bench.clock.advance(MINUTE_MS)
  t.equal((await call(`Bearer ${await token(fresh)}`)).code, OK)
  t.match(await call(`Bearer ${await token(old, { jti: 'x' })}`), { code: UNAUTHENTICATED }, 'the key counts no more')
  await hears(4, 'with a token of a key that was withdrawn')
})

t.test('keys from a file are read again when it changes', async t => {
  const [old, fresh] = [makeKey('old'), makeKey('new')]
  const file = join(temporaryDirectory(t), 'jwks.json')
  writeFileSync(file, JSON.stringify({ keys: [publicJwk(old)] }))
  const { bench, call } = await start(t, { jwks: { file, issuer: ISSUER, audience: AUDIENCE } })
  const token = async (key: SigningKey): Promise<string> => `Bearer ${await sign(key, claims(bench.clock.now(), 'shop', FIRST))}`
  t.equal((await call(await token(old))).code, OK)
  writeFileSync(file, JSON.stringify({ keys: [publicJwk(fresh)] }))
  bench.clock.advance(10_000)
  t.equal((await call(await token(fresh))).code, OK)
})

t.test('tokens without the name of a key are tried with each, and odd keys harm nobody', async t => {
  const [one, two] = [makeKey('one'), makeKey('two')]
  const issuer = await keyServer(t, one, two)
  issuer.answer = { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'secret' }, { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'tiny', alg: 'RS256' }, { kty: 'WEIRD' }, ...[one, two].map(publicJwk)] }
  const { bench, call } = await start(t, { jwks: { url: issuer.server.url, issuer: ISSUER, audience: AUDIENCE, client_claim: 'app' } })
  const said = claims(bench.clock.now(), 'nobody', FIRST, { app: 'shop' })
  for (const key of [one, two]) t.equal((await call(`Bearer ${await sign({ ...key, kid: undefined as unknown as string }, said)}`)).code, OK)
  t.match(await call(`Bearer ${await sign({ ...makeKey('x'), kid: undefined as unknown as string }, said)}`), { code: UNAUTHENTICATED, details: /not signed with a key/ })
  t.match(await call(`Bearer ${await sign(makeKey('tiny', 'RS256'), said)}`), { code: UNAUTHENTICATED })
  t.match(await call(`Bearer ${await sign(one, claims(bench.clock.now(), 'shop', FIRST))}`), { code: UNAUTHENTICATED, details: /does not say which client/ }, 'the claim that was configured counts')
  t.match(await call(`Bearer ${await sign(one, { ...said, app: 'a\nb"' })}`), { code: PERMISSION_DENIED, details: /whose name is too long or has other characters/ })
  t.match(await call(`Bearer ${await sign(one, { ...said, app: 'nobody' })}`), { code: PERMISSION_DENIED, details: /^the client "nobody" is not registered here.*landfall client add/ })
})

t.test('opaque tokens are asked about, once for many calls', async t => {
  const seen: unknown[] = []
  let answer: unknown
  const server = await JsonServer.start(t, (request, body) => {
    seen.push([request.method, request.headers.authorization, request.headers['content-type'], body])
    return [200, answer]
  })
  const secretFile = join(temporaryDirectory(t), 'secret')
  writeFileSync(secretFile, 's:e cret\n')
  const log = new GatheredLog()
  const { bench, call } = await start(t, { introspection: { url: server.url, client_id: 'land fall', client_secret_file: secretFile, audience: AUDIENCE } }, log)
  const seconds = bench.clock.now() / 1000
  const good = { active: true, client_id: 'shop', scope: `${FIRST} x`, exp: seconds + 40, aud: AUDIENCE }
  answer = good
  t.same((await Promise.all(Array.from({ length: 20 }, async () => await call('Bearer ory_at_1.abc')))).map(({ code }) => code), Array(20).fill(OK))
  const basic = `Basic ${Buffer.from('land+fall:s%3Ae+cret').toString('base64')}`
  t.same(seen, [['POST', basic, 'application/x-www-form-urlencoded;charset=UTF-8', 'token=ory_at_1.abc&token_type_hint=access_token']])
  answer = { active: false }
  bench.clock.advance(29_999)
  t.equal((await call('Bearer ory_at_1.abc')).code, OK)
  bench.clock.advance(1)
  t.match(await call('Bearer ory_at_1.abc'), { code: UNAUTHENTICATED, details: /not active: get a new one/ }, 'revoked, and seen within 30 s')
  const now = bench.clock.now() / 1000
  for (const [n, [said, code]] of ([
    [{ ...good, exp: now - 31 }, UNAUTHENTICATED],
    [{ ...good, nbf: now + 31 }, UNAUTHENTICATED],
    [{ ...good, aud: 'other' }, UNAUTHENTICATED],
    [{ ...good, aud: undefined }, UNAUTHENTICATED],
    [{ ...good, client_id: undefined }, UNAUTHENTICATED],
    [{ ...good, active: 'true' }, UNAUTHENTICATED],
    [{}, UNAUTHENTICATED],
    [{ ...good, client_id: undefined, sub: 'shop' }, OK],
    [{ ...good, exp: undefined, aud: ['x', AUDIENCE] }, OK],
    [{ ...good, client_id: 'nobody' }, PERMISSION_DENIED],
    [{ ...good, scope: 'x' }, PERMISSION_DENIED],
    [{ ...good, scope: 7 }, PERMISSION_DENIED],
    ['null', UNAVAILABLE],
    ['<html>', UNAVAILABLE]
  ] as const).entries()) {
    answer = said
    t.equal((await call(`Bearer opaque-${n}`)).code, code, JSON.stringify(said))
  }
  answer = good
  t.equal((await call('Bearer opaque-good')).code, OK)
  await server.down()
  const refused = await call('Bearer opaque-down')
  t.match(refused, { code: UNAVAILABLE, details: /cannot be checked now/ })
  t.notMatch(log.text, /cret|opaque|ory_at/)
  t.match(log.text, /ECONNREFUSED/)
  await server.up()
  t.equal((await call('Bearer opaque-down')).code, OK, 'an outage is not remembered')
})

t.test('whatever a call comes with as its authorization, it is told that it is not known, and nothing of it', async t => {
  const key = makeKey('key')
  const issuer = await keyServer(t, key)
  const log = new GatheredLog()
  const { bench, call } = await start(t, { jwks: { url: issuer.server.url, issuer: ISSUER, audience: AUDIENCE } }, log)
  const next = random(seed(t))
  const below = (n: number): number => next() % n
  const pick = <T>(...choices: T[]): T => choices[below(choices.length)]!
  const text = (most: number): string => Array.from({ length: below(most) }, () => String.fromCharCode(32 + below(95))).join('')
  const good = await sign(key, claims(bench.clock.now(), 'shop', FIRST))
  const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const value = (): unknown => pick<unknown>(null, 0, -1, 1e308, true, '', text(20), [], {}, [text(5)], ISSUER, AUDIENCE, '__proto__')
  const tries: (() => string)[] = [
    () => text(300),
    () => `Bearer ${text(300)}`,
    () => `Bearer ${'x'.repeat(below(10_000))}`,
    // One character of a good token is another one. The last holds bits that do not count.
    () => { const at = below(good.length - 1); return `Bearer ${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}` },
    () => `Bearer ${good.slice(0, below(good.length))}`,
    () => {
      const alg = pick<unknown>('none', 'HS256', 'ES256', 'RS256', 'EdDSA', 'PS256', 'dir', value())
      const head = { alg, kid: pick<unknown>('key', value()), [pick('crit', 'b64', 'jwk', 'jku', 'x5u', 'zip', 'typ')]: value() }
      const said = { ...claims(bench.clock.now(), 'shop', FIRST), [pick('iss', 'aud', 'exp', 'nbf', 'scope', 'client_id', 'x')]: value() }
      return `Bearer ${part(head)}.${part(said)}.${pick('', text(10), good.split('.')[2]!)}`
    },
    () => `Bearer ${part(text(50))}.${part(text(50))}.${part(text(50))}`,
    () => `Bearer ${good}${pick('.', '.x', '=', ' x', `, Bearer ${good}`)}`
  ]
  for (let n = 0; n < ROUNDS; n++) {
    const authorization = pick(...tries)()
    const { code, details } = await call(authorization)
    if (code !== UNAUTHENTICATED) t.fail(`${status[code]} (${details}) for ${authorization}`)
    if (details.includes(authorization.slice(7, 20)) && authorization.length > 20) t.fail(`${details} repeats ${authorization}`)
  }
  t.equal((await call(`Bearer ${good}`)).code, OK)
  t.equal(issuer.server.asked <= 2, true, 'all of that made no flood of requests')
  t.same(log.lines.filter(line => !line.endsWith(' open')), [], 'and no line in the log')
})
