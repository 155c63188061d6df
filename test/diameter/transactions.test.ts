import t from 'tap'
import type { Sighting } from '../../agent/diameter/sighting.ts'
import { DEFAULT_TRANSACTION_OPTIONS, Transactions } from '../../agent/diameter/transactions.ts'
import { Discards } from '../../agent/lib/discards.ts'
import { exchange, type Exchange, type Procedure } from '../generator/diameter.ts'

const SIM: Procedure = { kind: 'ULR', imsi: '242010000000001', plmn: '24001', msisdn: '4790000001', imei: '35722009245138', softwareVersion: '39' }

/** A transaction table with its sightings kept. */
class Table {
  readonly discards = new Discards()
  readonly sightings: Sighting[] = []
  readonly transactions: Transactions

  constructor (options: Partial<typeof DEFAULT_TRANSACTION_OPTIONS> = {}) {
    this.transactions = new Transactions({ ...DEFAULT_TRANSACTION_OPTIONS, ...options }, sighting => { this.sightings.push(sighting) }, this.discards)
  }

  /** Takes a message of a connection; answers run from port 3868, requests to it. */
  take (message: Buffer, { ms = 0, connection = 1 } = {}): this {
    const toServer = (message[4]! & 0x80) !== 0
    this.transactions.message(message, 0, message.length, {
      transport: 'sctp',
      frame: 1,
      seconds: 1_700_000_000 + Math.floor(ms / 1000),
      nanoseconds: (ms % 1000 + 1000) % 1000 * 1e6,
      source: Buffer.of(192, 0, 2, 1),
      destination: Buffer.of(192, 0, 2, 2),
      sourcePort: toServer ? 40_000 : 3868,
      destinationPort: toServer ? 3868 : 40_000,
      connection
    })
    return this
  }

  pair ({ request, answer }: Exchange, options = {}): this {
    return this.take(request, options).take(answer, options)
  }
}

const countsOf = ({ discards }: Table): Record<string, number> => discards.counts()

t.test('each procedure becomes a sighting with what its two messages say', async t => {
  const host = 'mme01.epc.mnc001.mcc242.3gppnetwork.org'
  const of = (procedure: Procedure): Sighting | undefined => new Table().pair(exchange(procedure)).sightings[0]
  t.match(of(SIM), {
    kind: 'ULR', imsi: SIM.imsi, plmn: '24001', node: 'mme', host, msisdn: '4790000001', imei: '35722009245138', softwareVersion: '39', singleRegistration: false
  })
  t.match(of({ ...SIM, ulrFlags: 0x23 }), { singleRegistration: true })
  t.match(of({ ...SIM, ulrFlags: 0, ratType: 1000, sgsnNumber: '4799' }), { node: 'sgsn', smsNumber: '4799' })
  t.match(of({ ...SIM, ulaFlags: 3, mmeNumber: '479000' }), { smsRegistered: true, smsNumber: '479000' })
  t.match(of({ ...SIM, smsRegisterRequest: 1 }), { smsRegistered: false })
  t.match(of({ kind: 'AIR', imsi: SIM.imsi, plmn: '310026' }), { kind: 'AIR', plmn: '310026' })
  t.match(of({ kind: 'ECR', imsi: SIM.imsi, imei: '357220092451385' }), { kind: 'ECR', imei: '357220092451385' })
  t.match(of({ kind: 'NOR', imsi: SIM.imsi, imei: '86650704004053', norFlags: 1 << 9 }), { kind: 'NOR', imei: '86650704004053', smsRegistered: false })
  t.match(of({ kind: 'PUR', imsi: SIM.imsi, host: 'MME9.Example' }), { kind: 'PUR', host: 'mme9.example' })
  t.match(of({ kind: 'CLR', imsi: SIM.imsi, host: 'mme9.example', cancellationType: 1 }), { kind: 'CLR', host: 'mme9.example', cancellationType: 1, node: 'sgsn' })
  t.match(of({ kind: 'IDR', imsi: SIM.imsi, msisdn: '4790000002' }), { kind: 'IDR', msisdn: '4790000002' })
})

t.test('only what succeeded counts; a handset that the EIR does not know was seen', async t => {
  const table = new Table().pair(exchange({ ...SIM, experimentalResultCode: 5004 })).pair(exchange({ ...SIM, resultCode: 3002 }))
  table.pair(exchange({ kind: 'ECR', imsi: SIM.imsi, imei: '35722009245138', experimentalResultCode: 5422 }))
  t.same(table.sightings.map(({ kind }) => kind), ['ECR'])
  t.same(countsOf(table), { 'diameter.refused': 2 })
})

t.test('an ECR with no IMSI tells of no SIM', async t => {
  t.same(countsOf(new Table().pair(exchange({ kind: 'ECR', imsi: undefined, imei: '35722009245138' }))), { 'diameter.no-imsi': 1 })
})

t.test('the answer may come first, by another path, or out of order', async t => {
  const { request, answer } = exchange(SIM)
  t.equal(new Table().take(answer).take(request).sightings.length, 1, 'first')
  t.equal(new Table().take(request, { connection: 1 }).take(answer, { connection: 2 }).sightings.length, 1, 'another path')
  const two = [exchange(SIM), exchange({ ...SIM, imsi: '242010000000002' })] as const
  const table = new Table().take(two[0].request).take(two[1].request).take(two[1].answer).take(two[0].answer)
  t.same(table.sightings.map(({ imsi }) => imsi), ['242010000000002', '242010000000001'])
})

t.test('identifiers that peers use again tell transactions apart all the same', async t => {
  const table = new Table()
  const procedures = [1, 2, 3, 4].map(n => exchange({ ...SIM, imsi: `24201000000000${n}`, hopByHop: 7, endToEnd: 0, sessionId: `s;${n}` }))
  procedures.forEach(({ request }, i) => table.take(request, { connection: i }))
  procedures.forEach(({ answer }, i) => table.take(answer, { connection: i }))
  t.same(table.sightings.map(({ imsi }) => imsi), ['242010000000001', '242010000000002', '242010000000003', '242010000000004'])
  const same = { hopByHop: 9, endToEnd: 9, sessionId: 'always' }
  table.pair(exchange({ ...SIM, ...same, imsi: '242010000000005' })).pair(exchange({ ...SIM, ...same, imsi: '242010000000006' }))
  table.pair(exchange({ ...SIM, ...same, imsi: '242010000000005', plmn: '24201' }))
  t.equal(table.sightings.length, 7, 'another SIM or another network is news')
})

t.test('two legs through a relay, a resend and a hidden topology are one sighting, told at the first answer', async t => {
  const ids = { endToEnd: 77, sessionId: 'one' }
  const legs = [exchange({ ...SIM, ...ids, hopByHop: 1 }), exchange({ ...SIM, ...ids, hopByHop: 2 })] as const
  const relayed = new Table().take(legs[0].request, { connection: 1 }).take(legs[1].request, { connection: 2, ms: 1 })
    .take(legs[1].answer, { connection: 2, ms: 20 }).take(legs[0].answer, { connection: 1, ms: 21 })
  t.same(relayed.sightings.map(({ time }) => time), [1_700_000_000_020])
  t.same(countsOf(relayed), { 'diameter.repeated': 1 })
  const resend = exchange({ ...SIM, ...ids, hopByHop: 3, requestFlags: 0x10 })
  t.equal(new Table().take(legs[0].request).take(resend.request, { connection: 3, ms: 5_000 }).take(resend.answer, { connection: 3, ms: 5_020 })
    .take(legs[0].answer, { ms: 5_030 }).sightings.length, 1)
  const hidden = exchange({ ...SIM, endToEnd: 77, hopByHop: 4, sessionId: 'rewritten', host: 'dea.example' })
  t.equal(new Table().pair(legs[0]).pair(hidden, { connection: 4, ms: 50 }).sightings.length, 1)
})

t.test('a real second transaction of the same SIM is told', async t => {
  const table = new Table().pair(exchange(SIM)).pair(exchange(SIM), { ms: 1_000 })
  t.equal(table.sightings.length, 2)
})

t.test('what waits has an age and a number, and is counted when it is given up', async t => {
  const table = new Table({ pendingAgeMs: 10_000 }).take(exchange(SIM).request).take(exchange(SIM).answer, { ms: 1 })
  t.equal(table.transactions.stats().waiting, 2)
  table.take(exchange(SIM).request, { ms: 20_000 })
  t.same(countsOf(table), { 'diameter.answer-without-request': 1, 'diameter.request-without-answer': 1 })
  const full = new Table({ pendingRequests: 100 })
  for (let i = 0; i < 1_000; i++) full.take(exchange(SIM).request)
  t.equal(full.transactions.stats().waiting, 100)
  t.same(countsOf(full), { 'diameter.transactions-full': 900 })
  full.transactions.end()
  t.equal(full.transactions.stats().waiting, 0)
})

t.test('a clock that is set back does not freeze or empty the table', async t => {
  const table = new Table({ pendingAgeMs: 10_000 })
  const { request, answer } = exchange(SIM)
  table.take(exchange(SIM).request, { ms: 0 }).take(request, { ms: -86_400_000 }).take(answer, { ms: -86_400_000 + 20 })
  t.equal(table.sightings.length, 1)
  table.take(exchange(SIM).request, { ms: -86_400_000 + 30_000 })
  t.equal(table.transactions.stats().waiting, 1, 'the one from before the step grew old')
})
