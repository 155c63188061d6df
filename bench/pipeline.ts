import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CaptureParser } from '../agent/capture/parser.ts'
import { configSchema } from '../agent/config/schema.ts'
import { tenantWish } from '../agent/config/tenants.ts'
import { DEFAULT_TRANSACTION_OPTIONS, Transactions } from '../agent/diameter/transactions.ts'
import { Ingest } from '../agent/ingest.ts'
import { systemClock } from '../agent/lib/clock.ts'
import { Discards } from '../agent/lib/discards.ts'
import { openWriter } from '../agent/store/open-writer.ts'
import { SpaceWatch } from '../agent/store/space.ts'
import { DEFAULT_TRANSPORT_OPTIONS, Transport } from '../agent/transport/transport.ts'
import { capture } from '../test/generator/history.ts'

/** Transactions of one round, over so many SIMs. */
const TRANSACTIONS = 50_000
const SIMS = 10_000
const ROUNDS = 5

const START = Date.UTC(2026, 0, 1)
const file = capture(Array.from({ length: TRANSACTIONS }, (_, i) => ({
  kind: 'ULR' as const,
  time: START + i,
  imsi: `24201${String(i % SIMS).padStart(10, '0')}`,
  msisdn: `4790${String(i % SIMS).padStart(6, '0')}`,
  plmn: Math.floor(i / SIMS) % 2 === 0 ? '24201' : '24001',
  imei: '35722009245138',
  softwareVersion: '39'
})))

/** Frames to sightings, nothing stored. */
async function read (): Promise<void> {
  const discards = new Discards()
  const transactions = new Transactions(DEFAULT_TRANSACTION_OPTIONS, () => {}, discards)
  const parser = new CaptureParser(new Transport(DEFAULT_TRANSPORT_OPTIONS, transactions.message, discards).frame, discards)
  parser.push(file)
  parser.end()
}

/** Frames to committed LMDB: every transaction changes state. */
async function store (): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'landfall-bench-'))
  const config = configSchema.parse({})
  const nobodys = { incarnation: '0000000000000000', run: '0000000000000000' }
  const { writer, tenants } = await openWriter(directory, nobodys, tenantWish(config), systemClock, Buffer.alloc(32))
  const ingest = new Ingest({
    config,
    writer,
    tenants,
    clock: systemClock,
    madeAt: 0,
    space: new SpaceWatch(directory, 1 << 20, () => {}),
    onTold: () => {},
    onRetained: () => {},
    onFatal: error => { throw error }
  })
  const replay = ingest.replay(0)
  for (let at = 0; at < file.length; at += 1 << 18) await replay.data(file.subarray(at, at + (1 << 18)))
  await replay.endOfFile()
  await replay.close()
  await writer.close()
  rmSync(directory, { recursive: true })
}

/** Transactions a second over the rounds: least, median, most. */
async function measure (name: string, round: () => Promise<void>): Promise<number> {
  await round()
  const rates: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now()
    await round()
    rates.push(TRANSACTIONS / (performance.now() - start) * 1000)
  }
  rates.sort((a, b) => a - b)
  const [least, median, most] = [rates[0]!, rates[ROUNDS >> 1]!, rates[ROUNDS - 1]!].map(Math.round)
  console.log(`${name}: ${median} transactions/s (${least} to ${most}), ${ROUNDS} rounds of ${TRANSACTIONS}`)
  return median!
}

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
console.log(`landfall ${version}, Node ${process.versions.node}, ${SIMS} SIMs, ULR and ULA over SCTP on Ethernet`)
const reading = await measure('capture to sighting', read)
const storing = await measure('capture to committed event, every one changes state', store)
console.log(`storing takes ${(reading / storing).toFixed(1)} times as long as reading`)
