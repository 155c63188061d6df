import { status } from '@grpc/grpc-js'
import t from 'tap'
import { EventServiceService, OutcomeResult, type EventKind as WireKind } from '../../gen/landfall/v1/events.ts'
import type {
  StreamCountryChangeEventsResponse,
  StreamFirstAttachmentEventsResponse,
  StreamHandsetChangeEventsResponse,
  StreamPeriodicCountryEventsResponse
} from '../../gen/wgtwo/subscription/v1/subscription.ts'
import type { EventResponse } from '../../agent/api/event-message.ts'
import { EVENT_KINDS, type EventKind } from '../../agent/location/event.ts'
import { Rpc } from '../lib/rpc.ts'
import { random, seed } from '../lib/seed.ts'
import { START } from '../lib/sightings.ts'
import type { Owner } from '../lib/temporary.ts'
import { Bench, TestStream } from './bench.ts'
import { COUNTRIES, emptyLogs, HANDSETS, NOBODY, PREFIXES, Sim, type Logs, type TenantName } from './sim.ts'
import { Subscriber } from './subscriber.ts'

const SCOPES = ['subscription.first_attachment:read', 'subscription.country_change:read', 'subscription.periodic_country:read', 'subscription.handset_details:read']
const ACK_TIMEOUT_MS = 30_000
const ROUNDS = 4
const STEPS = 60

/** The first and the last share a queue's name across tenants, the first two share both theirs. */
const CLIENTS: { id: string, tenant: TenantName, sector: string, queues: string[] }[] = [
  { id: 'shop', tenant: 'north', sector: 'retail', queues: ['main', ''] },
  { id: 'care', tenant: 'north', sector: 'support', queues: ['main', ''] },
  { id: 'rival', tenant: 'south', sector: 'retail', queues: ['main', 'own'] }
]

/** An event as a client has seen it; `says`: the IMSI and what happened to it, as logs hold it. */
interface Seen { id: number, kind: EventKind, imsi: string, says: string, pseudonym: string, resource: string }

type Bodies = StreamFirstAttachmentEventsResponse & StreamCountryChangeEventsResponse & StreamPeriodicCountryEventsResponse & StreamHandsetChangeEventsResponse

function seenOf (event: EventResponse, kind: EventKind): Seen {
  const { metadata, firstAttachmentEvent: first, countryChangeEvent: move, periodicCountryEvent: periodic, handsetChangeEvent: swap } = event as Bodies
  const { value, wg2rn } = metadata!.identifier!.subscriptionIdentifier!
  const what = {
    'first-attachment': () => '',
    'country-change': () => `${move!.previous!.code}>${move!.current!.code}`,
    'periodic-country': () => periodic!.country!.code,
    'handset-change': () => `${swap!.previous?.imeiSv?.imei ?? ''}>${swap!.current!.imeiSv!.imei}`
  }[kind]()
  const imsi = (first ?? move ?? periodic ?? swap)!.imsi!.value
  return { id: Number(metadata!.eventId), kind, imsi, says: `${imsi} ${what}`, pseudonym: value, resource: wg2rn }
}

/** What is wrong with what a client of a tenant has seen. */
function wrongs (seen: readonly Seen[], tenant: TenantName, logs: Logs): string[] {
  return seen.flatMap(({ id, kind, imsi, says, resource }) => [
    ...(imsi.startsWith(PREFIXES[tenant]) ? [] : ['an event of another tenant']),
    ...(logs[tenant][kind][id - 1] === says ? [] : [`${kind} ${id} is another one than its tenant's`]),
    ...(resource.startsWith(`${tenant}:`) && !resource.includes(imsi) ? [] : ['a resource name that is not of the tenant, or tells the IMSI'])
  ])
}

/** What is wrong with how clients know SIMs: in one sector of a tenant all know a SIM by one value, and no value is known in two sectors. */
function mixedUp (known: readonly (Seen & { sector: string })[]): string[] {
  const values = new Map<string, string>()
  const sims = new Map<string, string>()
  return known.flatMap(({ imsi, pseudonym, sector }) => {
    const sim = `${sector} ${imsi}`
    const wrong = (values.get(sim) ?? pseudonym) !== pseudonym || (sims.get(pseudonym) ?? sim) !== sim
    values.set(sim, pseudonym)
    sims.set(pseudonym, sim)
    return wrong ? [`${sector} knows a SIM by a wrong name`] : []
  })
}

/** One queue of a client for one kind, and what a test knows of it. */
class Reader {
  readonly seen: Seen[] = []
  /** Delivered and not acknowledged, by id. */
  readonly open = new Map<number, EventResponse>()
  readonly done = new Set<number>()
  /** Those that came although they were acknowledged. */
  readonly late: number[] = []
  readonly client: typeof CLIENTS[number]
  readonly kind: EventKind
  readonly name: string
  readonly token: string
  readonly #connect: () => TestStream
  stream: TestStream

  constructor (client: typeof CLIENTS[number], kind: EventKind, name: string, token: string, connect: () => TestStream) {
    this.client = client
    this.kind = kind
    this.name = name
    this.token = token
    this.#connect = connect
    this.stream = connect()
  }

  /** Takes events until everything that is not acknowledged has come. */
  async catchUp (head: number): Promise<void> {
    while (this.open.size + this.done.size < head || this.stream.pending > 0) this.#take(await this.stream.next())
  }

  /** Takes events until all that are open have come once more. Never resolves where one of them does not come. */
  async takeAgain (): Promise<void> {
    const due = new Set(this.open.keys())
    while (due.size > 0) {
      const event = await this.stream.next()
      this.#take(event)
      if (event.metadata!.isRedelivered) due.delete(Number(event.metadata!.eventId))
    }
  }

  async reconnect (): Promise<void> {
    this.stream.close()
    await this.stream.ended
    this.stream = this.#connect()
    await this.stream.ready
    await this.takeAgain()
  }

  acknowledged (id: number): void {
    this.open.delete(id)
    this.done.add(id)
  }

  #take (event: EventResponse): void {
    const seen = seenOf(event, this.kind)
    this.seen.push(seen)
    if (this.done.has(seen.id)) this.late.push(seen.id)
    else this.open.set(seen.id, event)
  }
}

/** Kinds have the same order here and on the wire, where 0 is "unspecified". */
function wireKind (kind: EventKind): WireKind {
  return EVENT_KINDS.indexOf(kind) + 1 as WireKind
}

/** Two tenants, three clients and their queues. */
async function start (owner: Owner): Promise<{ bench: Bench, readers: Reader[], rpc: Rpc, tokens: Map<string, string> }> {
  const bench = await Bench.start(owner, undefined, {
    tenants: Object.entries(PREFIXES).map(([name, prefix]) => ({ name, imsi_prefixes: [prefix], country_change_imsi: true })),
    access: { issuer: { listen: '127.0.0.1:0', url: 'https://own.example/', token_minutes: 600 } },
    delivery: { stream_minutes: 1_440 }
  })
  const readers: Reader[] = []
  const tokens = new Map<string, string>()
  for (const client of CLIENTS) {
    const { id, tenant, sector } = client
    const token = await bench.token(id, await bench.addClient({ id, tenant, sector, scopes: SCOPES }), SCOPES.join(' '))
    tokens.set(id, token)
    for (const name of client.queues) {
      for (const kind of EVENT_KINDS) {
        readers.push(new Reader(client, kind, name, token, () => new TestStream(owner, bench.address, kind, {
          streamType: { $case: 'durableQueue', value: { customName: name } }, maxInFlight: 200
        }, token)))
      }
    }
  }
  await Promise.all(readers.map(async ({ stream }) => await stream.ready))
  return { bench, readers, rpc: new Rpc(owner, bench.address), tokens }
}

t.test('no client gets, learns or undoes anything of another client or tenant, whatever they do', { timeout: 120_000 }, async t => {
  const next = random(seed(t))
  const below = (n: number): number => next() % n
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!
  const { bench, readers, rpc, tokens } = await start(t)
  const logs: Logs = { north: emptyLogs(), south: emptyLogs() }
  const head = ({ client: { tenant }, kind }: Reader): number => logs[tenant][kind].length
  const sims: Sim[] = []
  let time = START
  let refusals = 0

  const see = async (): Promise<void> => {
    const sightings = Array.from({ length: 1 + below(3) }, () => {
      let sim = pick(sims)
      const isNew = sim === undefined || below(3) === 0
      if (isNew) sims.push(sim = new Sim(pick([...Object.values(PREFIXES), NOBODY]) + String(sims.length).padStart(10, '0')))
      sim!.appear(pick(COUNTRIES), pick(HANDSETS), logs)
      return sim!.seen(++time)
    })
    await bench.see(...sightings)
  }

  /** Acknowledges one of a queue's own events in one of the three ways. */
  const acknowledge = async (reader: Reader, id: number): Promise<void> => {
    const event = reader.open.get(id)!
    const way = below(3)
    if (way === 0) t.ok(await reader.stream.ack(event))
    else if (way === 1) t.match(await rpc.call(EventServiceService.acknowledge, { tokens: [event.metadata!.ackInfo!.value] }, `Bearer ${reader.token}`), { code: status.OK })
    else {
      const subscriber = new Subscriber(t, bench.address, { kinds: [{ kind: wireKind(reader.kind) }], queue: { $case: 'durableQueue', value: reader.name } }, reader.token)
      await subscriber.opened
      const outcomes = await subscriber.ask({ acknowledge: [{ kind: wireKind(reader.kind), ids: [BigInt(id)] }] })
      t.same(outcomes, [[OutcomeResult.OUTCOME_RESULT_ACKNOWLEDGED, [id]]])
      subscriber.cancel()
      await subscriber.ended
    }
    reader.acknowledged(id)
  }

  /** Another client shows the token of an event, alone or among its own: nothing of it counts. */
  const steal = async (victim: Reader, id: number): Promise<void> => {
    const thief = pick(readers.filter(({ client }) => client !== victim.client))
    const stolen = victim.open.get(id)!
    refusals++
    const denied = { code: status.PERMISSION_DENIED, details: 'this token was given to another client' }
    if (below(2) === 0) await t.rejects(thief.stream.ack(stolen), denied)
    else {
      const own = [...thief.open.values()].slice(0, 1)
      t.match(await rpc.call(EventServiceService.acknowledge, { tokens: [...own, stolen].map(event => event.metadata!.ackInfo!.value) }, `Bearer ${thief.token}`), denied)
    }
  }

  for (let round = 0; round < ROUNDS; round++) {
    for (let step = 0; step < STEPS; step++) {
      const reader = pick(readers)
      await reader.catchUp(head(reader))
      const id = pick([...reader.open.keys()])
      const what = below(10)
      if (what < 4 || id === undefined) await see()
      else if (what < 7) await acknowledge(reader, id)
      else if (what < 9) await steal(reader, id)
      else await reader.reconnect()
    }
    for (const reader of readers) await reader.catchUp(head(reader))
    bench.clock.advance(ACK_TIMEOUT_MS)
    // What the owner has not acknowledged comes again, whoever else tried to.
    for (const reader of readers) await reader.takeAgain()
    t.same(readers.flatMap(({ late }) => late), [], 'and nothing else does')
    t.same(bench.dispatcher.queues().map(({ queue: { client, kind, name }, waiting, inFlight }) => `${client} ${kind} "${name}" ${waiting + inFlight}`).sort(),
      readers.map(({ client, kind, name, open }) => `${client.id} ${kind} "${name}" ${open.size}`).sort())
  }
  t.ok(refusals > 0)
  for (const kind of EVENT_KINDS) t.ok(logs.north[kind].length > 0 && logs.south[kind].length > 0, kind)

  for (const reader of readers) {
    const { client: { tenant, id }, kind, seen } = reader
    t.same(wrongs(seen, tenant, logs), [], `${id} has seen its tenant's events alone`)
    t.same([...new Set(seen.map(event => event.id))].sort((a, b) => a - b), logs[tenant][kind].map((_says, at) => at + 1), 'all of them, numbered from 1 without a gap')
  }
  const known = readers.flatMap(({ client, seen }) => seen.map(event => ({ ...event, sector: `${client.tenant} ${client.sector}` })))
  t.same(mixedUp(known), [])

  for (const { client: { id, tenant }, kind } of readers) {
    const beyond = logs[tenant][kind].length + 2
    const ending = await new TestStream(t, bench.address, kind, {
      streamType: { $case: 'regular', value: {} }, startPosition: { $case: 'startAtId', value: BigInt(beyond) }
    }, tokens.get(id)).ended
    t.match(ending, { code: status.OUT_OF_RANGE, details: `start_at_id is ${beyond}, and the newest event is ${beyond - 2}: start at ${beyond - 1} at most` })
    t.same(ending.metadata!.get('landfall-oldest-id'), ['1'])
  }

  // The checks would find it if it were otherwise.
  const [mine, foreign] = [readers[0]!, readers.at(-1)!]
  t.same(wrongs([...mine.seen, foreign.seen[0]!], 'north', logs).slice(0, 1), ['an event of another tenant'])
  t.same(wrongs([{ ...mine.seen[0]!, id: mine.seen[0]!.id + 1 }], 'north', logs), [`${mine.kind} ${mine.seen[0]!.id + 1} is another one than its tenant's`])
  t.equal(mixedUp([...known, { ...known[0]!, sector: 'north support' }]).length, 1)
})
