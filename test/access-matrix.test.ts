import { readFileSync } from 'node:fs'
import { credentials, status } from '@grpc/grpc-js'
import { service as HealthService } from 'grpc-health-check'
import t from 'tap'
import { ServerReflectionRequest, ServerReflectionService } from '../gen/grpc/reflection/v1/reflection.ts'
import { EventKind, EventServiceService, SubscribeRequest } from '../gen/landfall/v1/events.ts'
import { SmsEventServiceService } from '../gen/landfall/v1/sms.ts'
import { SmsServiceService } from '../gen/wgtwo/sms/v1/sms.ts'
import { SubscriptionEventServiceService } from '../gen/wgtwo/subscription/v1/subscription.ts'
import { AckTokens } from '../agent/delivery/token.ts'
import { LOG_KINDS, type LogKind } from '../agent/store/event-record.ts'
import { readIdentity } from '../agent/store/identity.ts'
import { Bench } from './api/bench.ts'
import { TestCa, type Issued } from './lib/certificates.ts'
import { GatheredLog } from './lib/gathered-log.ts'
import { AUDIENCE, claims, ISSUER, JsonServer, makeKey, publicJwk, sign, signedWithPublicKey, unsigned, type Claims } from './lib/issuer.ts'
import { ManualClock } from './lib/manual-clock.ts'
import { Rpc, type Method } from './lib/rpc.ts'
import { temporaryDirectory } from './lib/temporary.ts'

/** What each method needs, as the contract's page says it (not as our proto files do); and those of Landfall's own that are like them. */
const SCOPES: Record<string, string> = {
  StreamHandsetChangeEvents: 'subscription.handset_details:read',
  AckHandsetChangeEvent: 'subscription.handset_details:read',
  StreamFirstAttachmentEvents: 'subscription.first_attachment:read',
  AckFirstAttachmentEvent: 'subscription.first_attachment:read',
  StreamCountryChangeEvents: 'subscription.country_change:read',
  AckCountryChangeEvent: 'subscription.country_change:read',
  StreamPeriodicCountryEvents: 'subscription.periodic_country:read',
  AckPeriodicCountryEvent: 'subscription.periodic_country:read',
  StreamSmsDeliveryEvents: 'sms.delivery:read',
  AckSmsDeliveryEvent: 'sms.delivery:read',
  StreamReceivedSmsEvents: 'sms.received:read',
  AckReceivedSmsEvent: 'sms.received:read',
  SendTextFromSubscriber: 'sms.text:send_from_subscriber',
  SendTextToSubscriber: 'sms.text:send_to_subscriber',
  SendDataToSubscriber: 'sms.data:send_to_subscriber'
}
const ALL = [...new Set(Object.values(SCOPES))]
/** A client that may do all but that. */
const allBut = (scope: string): string => `all-but-${ALL.indexOf(scope)}`

/**
 * Who calls what, and what comes of it. Stream, Ack and Sms are the contract's methods (4, 4 and 3) and, of
 * Landfall's own, the streams about short messages (2 and 2); Subscribe and Acknowledge are Landfall's
 * own, which have no scope themselves and need that of each kind; Open is health and reflection.
 *
 * Certificates are those of a client CA that is trusted; one of another CA gets no connection.
 *
 * ok: it is served. noauth: UNAUTHENTICATED. denied: PERMISSION_DENIED. unimpl: UNIMPLEMENTED, from a handler that was reached. A dash: does not apply.
 */
const TABLE = `
  the call comes with                              | Stream | Ack    | Sms    | Subscribe | Acknowledge | Open
  no token                                         | noauth | noauth | noauth | noauth    | noauth      | ok
  an empty authorization                           | noauth | noauth | noauth | noauth    | noauth      | ok
  another scheme (Basic)                           | noauth | noauth | noauth | noauth    | noauth      | ok
  garbage                                          | noauth | noauth | noauth | noauth    | noauth      | ok
  a token with a part cut off                      | noauth | noauth | noauth | noauth    | noauth      | ok
  a token that has expired                         | noauth | noauth | noauth | noauth    | noauth      | ok
  a token that says no end                         | noauth | noauth | noauth | noauth    | noauth      | ok
  a token that is not valid yet                    | noauth | noauth | noauth | noauth    | noauth      | ok
  a token of another issuer                        | noauth | noauth | noauth | noauth    | noauth      | ok
  a token for another audience                     | noauth | noauth | noauth | noauth    | noauth      | ok
  a token that names no client                     | noauth | noauth | noauth | noauth    | noauth      | ok
  a token signed with another key                  | noauth | noauth | noauth | noauth    | noauth      | ok
  a token signed with another key of the same name | noauth | noauth | noauth | noauth    | noauth      | ok
  a token signed with nothing (alg none)           | noauth | noauth | noauth | noauth    | noauth      | ok
  a token signed HS256 with the public key         | noauth | noauth | noauth | noauth    | noauth      | ok
  a token with other claims under its signature    | noauth | noauth | noauth | noauth    | noauth      | ok
  an own token signed with another issuer's key    | noauth | noauth | noauth | noauth    | noauth      | ok
  an own token of a removed client                 | noauth | noauth | noauth | noauth    | noauth      | ok
  an own token from before its client was re-added | noauth | noauth | noauth | noauth    | noauth      | ok
  a token of a client that is not registered       | denied | denied | denied | denied    | denied      | ok
  a token with no scope                            | denied | denied | denied | denied    | denied      | ok
  a token with all scopes but the right one        | denied | denied | denied | denied    | denied      | ok
  the right scope, which the client may not have   | denied | denied | denied | denied    | denied      | ok
  the right scope, and another client's ack token  | -      | denied | -      | -         | denied      | -
  the right scope, and another tenant's ack token  | -      | denied | -      | -         | denied      | -
  the right scope (ES256)                          | ok     | ok     | unimpl | ok        | ok          | ok
  the right scope (RS256)                          | ok     | ok     | unimpl | ok        | ok          | ok
  the right scope (EdDSA)                          | ok     | ok     | unimpl | ok        | ok          | ok
  the right scope, expired within the clock skew   | ok     | ok     | unimpl | ok        | ok          | ok
  the right scope in a list, and two audiences     | ok     | ok     | unimpl | ok        | ok          | ok
  an own token with the right scope                | ok     | ok     | unimpl | ok        | ok          | ok
  a certificate of a client                        | ok     | ok     | unimpl | ok        | ok          | ok
  a certificate of a client of another tenant      | ok     | ok     | unimpl | ok        | ok          | ok
  the same, and an ack token of this tenant        | -      | denied | -      | -         | denied      | -
  a certificate whose client lacks the scope       | denied | denied | denied | denied    | denied      | ok
  a certificate of nobody who is registered        | noauth | noauth | noauth | noauth    | noauth      | ok
  a certificate of a removed client                | noauth | noauth | noauth | noauth    | noauth      | ok
  a certificate of a client, and a token: garbage  | noauth | noauth | noauth | noauth    | noauth      | ok
  a certificate of a client, and a token: no scope | denied | denied | denied | denied    | denied      | ok
  a certificate of nobody, and a token: the right  | ok     | ok     | unimpl | ok        | ok          | ok
`
const CODES: Record<string, status> = { ok: status.OK, noauth: status.UNAUTHENTICATED, denied: status.PERMISSION_DENIED, unimpl: status.UNIMPLEMENTED }

const STREAMS = [...Object.values(SubscriptionEventServiceService), ...Object.values(SmsEventServiceService)]

interface Case { method: Method, name: string, column: string, scope: string, request: (client: string, tenant: number) => unknown }

/** Every public method, with a request that it serves. */
function cases (tokens: AckTokens): Case[] {
  const ackToken = (kind: LogKind, client: string, tenant: number): string =>
    tokens.make({ queue: { tenant, client, kind, name: '' }, durable: true, id: 1 })
  const contract = LOG_KINDS.flatMap(kind => {
    const family = kind.split('-').map(word => word[0]!.toUpperCase() + word.slice(1)).join('')
    const [stream, ack] = [`Stream${family}Events`, `Ack${family}Event`].map(name => STREAMS.find(({ path }) => path.endsWith(`/${name}`))!)
    const scope = SCOPES[`Ack${family}Event`]!
    const settings = SubscribeRequest.fromPartial({ settings: { kinds: [{ kind: LOG_KINDS.indexOf(kind) + 1 as EventKind }] } })
    return [
      { method: stream as Method, name: `Stream${family}Events`, column: 'Stream', scope, request: () => ({}) },
      { method: ack as Method, name: `Ack${family}Event`, column: 'Ack', scope, request: (client: string, tenant: number) => ({ ackInfo: { value: ackToken(kind, client, tenant) } }) },
      { method: EventServiceService.subscribe as Method, name: `Subscribe (${kind})`, column: 'Subscribe', scope, request: () => settings },
      {
        method: EventServiceService.acknowledge as Method,
        name: `Acknowledge (${kind})`,
        column: 'Acknowledge',
        scope,
        request: (client: string, tenant: number) => ({ tokens: [ackToken(kind, client, tenant)] })
      }
    ]
  })
  const sms = Object.values(SmsServiceService).map(method => {
    const name = method.path.split('/')[2]!
    return { method: method as Method, name, column: 'Sms', scope: SCOPES[name]!, request: () => (method.requestDeserialize as (bytes: Buffer) => unknown)(Buffer.alloc(0)) }
  })
  const reflection = ServerReflectionService.serverReflectionInfo as Method
  const list = (): unknown => ServerReflectionRequest.fromPartial({ messageRequest: { $case: 'listServices', value: '' } })
  const open = [
    ...Object.entries(HealthService).map(([name, method]) => ({ method: method as unknown as Method, name: `health ${name}`, request: () => ({ service: '' }) })),
    { method: reflection, name: 'reflection v1', request: list },
    { method: { ...reflection, path: reflection.path.replace('.v1.', '.v1alpha.') }, name: 'reflection v1alpha', request: list }
  ].map(one => ({ ...one, column: 'Open', scope: ALL[0]! }))
  return [...contract, ...sms, ...open]
}

t.test('who calls what, and what comes of it', async t => {
  const log = new GatheredLog()
  const directory = temporaryDirectory(t)
  const keys = { ES256: makeKey('ec'), RS256: makeKey('rsa', 'RS256'), EdDSA: makeKey('ed', 'EdDSA') }
  const stranger = makeKey('stranger')
  const issuer = await JsonServer.start(t, () => [200, { keys: Object.values(keys).map(publicJwk) }])
  const OWN = 'https://own.example/'
  const ca = await TestCa.make(t)
  const bench = await Bench.start(t, directory, {
    tenants: [{ name: 'north', imsi_prefixes: ['24201'] }, { name: 'south', imsi_prefixes: ['24007'] }],
    tls: { ...await ca.issue(), client_ca: ca.file, client_certificates: 'optional' },
    access: {
      calls_per_second: 1_000_000,
      issuer: { listen: '127.0.0.1:0', url: OWN },
      jwks: { url: issuer.url, issuer: ISSUER, audience: AUDIENCE }
    }
  }, { log, clock: new ManualClock(Date.now()) })
  const add = async (id: string, scopes: readonly string[], other: object = {}): Promise<string> =>
    await bench.addClient({ id, tenant: 'north', scopes: [...scopes], ...other })
  for (const id of ['shop', 'other']) await add(id, ALL)
  for (const scope of ALL) await add(allBut(scope), ALL.filter(one => one !== scope))
  const ownTokens = async (id: string): Promise<Map<string, string>> => {
    const secret = await add(id, ALL)
    return new Map(await Promise.all(ALL.map(async scope => [scope, await bench.token(id, secret, scope, ca.pem)] as const)))
  }
  const own = { shop: await ownTokens('own'), removed: await ownTokens('removed'), again: await ownTokens('again') }
  const certified = async (id: string, scopes: readonly string[], other: object = {}): Promise<Issued> => {
    await add(id, scopes, { certificates: [`CN=${id}`], withoutSecret: true, ...other })
    return await ca.issue({ subject: `/CN=${id}` })
  }
  const box = await certified('box', ALL)
  const southern = await certified('southern', ALL, { tenant: 'south' })
  const scrapped = await certified('scrapped', ALL)
  const lacking = new Map<string, Issued>()
  for (const scope of ALL) lacking.set(scope, await certified(`box-${allBut(scope)}`, ALL.filter(one => one !== scope)))
  const nobody = await ca.issue({ subject: '/CN=nobody' })
  for (const id of ['removed', 'again', 'scrapped']) await bench.registry.remove(id)
  await add('again', ALL)

  const now = bench.clock.now()
  const seconds = Math.floor(now / 1000)
  const good = async (scope: string, other: Claims = {}, key = keys.ES256): Promise<string> => await sign(key, claims(now, 'shop', scope, other))
  const forged = async (scope: string): Promise<string> => {
    const [head, , signature] = (await good(scope, { scope: '' })).split('.')
    return [head, (await good(scope)).split('.')[1], signature].join('.')
  }
  const presented: Record<string, (scope: string) => Promise<string | undefined> | string | undefined> = {
    'no token': () => undefined,
    'an empty authorization': () => '',
    'another scheme (Basic)': async scope => `Basic ${await good(scope)}`,
    garbage: () => 'Bearer x.y.z',
    'a token with a part cut off': async scope => `Bearer ${(await good(scope)).split('.').slice(0, 2).join('.')}`,
    'a token that has expired': async scope => `Bearer ${await good(scope, { exp: seconds - 31 })}`,
    'a token that says no end': async scope => `Bearer ${await good(scope, { exp: undefined })}`,
    'a token that is not valid yet': async scope => `Bearer ${await good(scope, { nbf: seconds + 31 })}`,
    'a token of another issuer': async scope => `Bearer ${await good(scope, { iss: 'https://id.example' })}`,
    'a token for another audience': async scope => `Bearer ${await good(scope, { aud: 'landfall2' })}`,
    'a token that names no client': async scope => `Bearer ${await good(scope, { sub: undefined, client_id: 7 })}`,
    'a token signed with another key': async scope => `Bearer ${await good(scope, {}, stranger)}`,
    'a token signed with another key of the same name': async scope => `Bearer ${await good(scope, {}, { ...stranger, kid: 'ec' })}`,
    'a token signed with nothing (alg none)': scope => `Bearer ${unsigned(claims(now, 'shop', scope))}`,
    'a token signed HS256 with the public key': scope => `Bearer ${signedWithPublicKey(keys.RS256, claims(now, 'shop', scope))}`,
    'a token with other claims under its signature': async scope => `Bearer ${await forged(scope)}`,
    "an own token signed with another issuer's key": async scope => `Bearer ${await good(scope, { iss: OWN, aud: OWN })}`,
    'an own token of a removed client': scope => `Bearer ${own.removed.get(scope)}`,
    'an own token from before its client was re-added': scope => `Bearer ${own.again.get(scope)}`,
    'a token of a client that is not registered': async scope => `Bearer ${await good(scope, { client_id: 'nobody' })}`,
    'a token with no scope': async () => `Bearer ${await good('')}`,
    'a token with all scopes but the right one': async scope => `Bearer ${await good(ALL.filter(one => one !== scope).join(' '))}`,
    'the right scope, which the client may not have': async scope => `Bearer ${await good(scope, { client_id: allBut(scope) })}`,
    "the right scope, and another client's ack token": async scope => `Bearer ${await good(scope)}`,
    "the right scope, and another tenant's ack token": async scope => `Bearer ${await good(scope)}`,
    'the right scope (ES256)': async scope => `Bearer ${await good(scope)}`,
    'the right scope (RS256)': async scope => `bearer ${await good(scope, {}, keys.RS256)}`,
    'the right scope (EdDSA)': async scope => `Bearer ${await good(scope, {}, keys.EdDSA)}`,
    'the right scope, expired within the clock skew': async scope => `Bearer ${await good(scope, { exp: seconds - 29, nbf: seconds + 29 })}`,
    'the right scope in a list, and two audiences': async scope => `Bearer ${await good('', { scope: [scope, 'x'], aud: ['x', AUDIENCE] })}`,
    'an own token with the right scope': scope => `Bearer ${own.shop.get(scope)}`,
    'a certificate of a client': () => undefined,
    'a certificate of a client of another tenant': () => undefined,
    'the same, and an ack token of this tenant': () => undefined,
    'a certificate whose client lacks the scope': () => undefined,
    'a certificate of nobody who is registered': () => undefined,
    'a certificate of a removed client': () => undefined,
    'a certificate of a client, and a token: garbage': () => 'Bearer x.y.z',
    'a certificate of a client, and a token: no scope': async () => `Bearer ${await good('')}`,
    'a certificate of nobody, and a token: the right': async scope => `Bearer ${await good(scope)}`
  }
  const shown: Record<string, (scope: string) => Issued> = {
    'a certificate of a client': () => box,
    'a certificate of a client of another tenant': () => southern,
    'the same, and an ack token of this tenant': () => southern,
    'a certificate whose client lacks the scope': scope => lacking.get(scope)!,
    'a certificate of nobody who is registered': () => nobody,
    'a certificate of a removed client': () => scrapped,
    'a certificate of a client, and a token: garbage': () => box,
    'a certificate of a client, and a token: no scope': () => box,
    'a certificate of nobody, and a token: the right': () => nobody
  }
  const owner: Record<string, [client: string, tenant: number]> = {
    "the right scope, and another client's ack token": ['other', 1],
    "the right scope, and another tenant's ack token": ['shop', 2],
    'an own token with the right scope': ['own', 1],
    'a certificate of a client': ['box', 1],
    'a certificate of a client of another tenant': ['southern', 2],
    'the same, and an ack token of this tenant': ['southern', 1]
  }

  const [[, ...columns], ...rows] = TABLE.trim().split('\n').map(line => line.split('|').map(cell => cell.trim())) as [string[], ...string[][]]
  t.same(rows.map(([name]) => name), Object.keys(presented), 'each line of the table is tried, and each trial is in the table')
  const { tokenKey, incarnation } = readIdentity(directory)
  const all = cases(new AckTokens(tokenKey, incarnation))
  t.same([...new Set(all.map(({ column }) => column))].sort(), columns.toSorted(), 'each column has its methods')
  t.same(new Set(all.map(({ method }) => method.path)).size, 8 + 4 + 3 + 2 + Object.keys(HealthService).length + 2)
  const channels = new Map<Issued | undefined, Rpc>()
  const rpcOf = (issued: Issued | undefined): Rpc => {
    const channel = issued === undefined ? credentials.createSsl(ca.pem) : credentials.createSsl(ca.pem, readFileSync(issued.key), readFileSync(issued.certificate))
    const rpc = channels.get(issued) ?? new Rpc(t, bench.address.replace('127.0.0.1', 'localhost'), {}, channel)
    channels.set(issued, rpc)
    return rpc
  }
  for (const [name, ...cells] of rows) {
    for (const { method, name: methodName, column, scope, request } of all) {
      const expected = cells[columns.indexOf(column)]!
      if (expected === '-') continue
      const authorization = await presented[name!]!(scope)
      const { code, details } = await rpcOf(shown[name!]?.(scope)).call(method, request(...owner[name!] ?? ['shop', 1]), authorization)
      t.equal(code, CODES[expected], `${name}: ${methodName} (${status[code]}: ${details})`)
      const token = authorization?.split(' ')[1]
      if (code !== status.OK && token !== undefined) t.notOk(token.split('.').some(part => part.length > 1 && details.includes(part)), 'the answer holds nothing of the token')
      if (code !== status.OK) t.ok(details.length > 20, 'the answer says something')
    }
  }
  t.notMatch(log.text, /eyJ/, 'no token is in the log')
})
