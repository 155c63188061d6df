import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Config } from '../config/schema.ts'
import { tenantWish } from '../config/tenants.ts'
import { importSubscribers, type Imported } from '../ingest.ts'
import { systemClock } from '../lib/clock.ts'
import type { ImportedSubscriber } from '../location/imported.ts'
import { readRow, type ImportRow } from '../location/import-row.ts'
import { ClientsStore } from '../store/clients.ts'
import { StoreLocked } from '../store/damage.ts'
import { sealIdentity, stateFiles, type Identity } from '../store/identity.ts'
import { openWriter } from '../store/open-writer.ts'
import { takeStateDirectory, type StateDirectory } from '../store/state-directory.ts'
import { controlClient, controlError } from './control-client.ts'
import { inputError } from './input-error.ts'
import { startupError } from './startup-error.ts'
import { CliError, EXIT } from './verb.ts'

/** Rows that go to the store in one commit. */
const BATCH = 2_000

/** Takes rows; gives what they were. */
type Take = (rows: ImportRow[]) => Promise<Imported>

/** Imports `imsi,msisdn,country,imei` lines, by the running agent where there is one. The whole file is checked before the first row is stored. */
export async function importFile (path: string, config: Config): Promise<number> {
  let total = 0
  for await (const rows of batches(path)) total += rows.length
  let state: StateDirectory | undefined
  try {
    state = await takeStateDirectory(config.state_directory, systemClock.now())
  } catch (error) {
    if (!(error instanceof StoreLocked)) throw startupError(error)
  }
  const { changed, nobodys } = state === undefined
    ? await importByAgent(path, config)
    : await importHere(path, config, state.identity).catch((error: unknown) => { throw startupError(error) }).finally(state.unlock)
  const passedOver = nobodys === 0 ? '' : `, ${nobodys} of no tenant passed over`
  process.stdout.write(`${total} rows: ${changed} subscribers new or changed, ${total - changed - nobodys} as they were${passedOver}\n`)
  return EXIT.ok
}

async function importHere (path: string, config: Config, identity: Identity): Promise<Imported> {
  const directory = config.state_directory
  const files = stateFiles(directory)
  const { writer } = await openWriter(files.network, identity, tenantWish(config), systemClock, identity.erasureKey)
  const clients = ClientsStore.open(files.clients, identity)
  sealIdentity(directory)
  const take: Take = async rows => {
    const read = rows.map(row => readRow(row, systemClock.now()) as ImportedSubscriber)
    return await importSubscribers(read, writer)
  }
  const done = await importAll(path, take)
  await writer.close()
  await clients.close()
  return done
}

async function importByAgent (path: string, config: Config): Promise<Imported> {
  const client = controlClient(config)
  try {
    return await new Promise((resolve, reject) => {
      const call = client.importSubscribers((error, answer) => {
        if (error === null) resolve({ changed: Number(answer.changed), nobodys: Number(answer.nobodys) })
        else reject(controlError(error, config))
      })
      const take: Take = async rows => {
        await new Promise<void>(resolve => { call.write({ rows }, () => { resolve() }) })
        return { changed: 0, nobodys: 0 }
      }
      importAll(path, take).then(() => { call.end() }, (error: unknown) => { call.cancel(); reject(error) })
    })
  } finally {
    client.close()
  }
}

async function importAll (path: string, take: Take): Promise<Imported> {
  const done = { changed: 0, nobodys: 0 }
  for await (const rows of batches(path)) {
    const { changed, nobodys } = await take(rows)
    done.changed += changed
    done.nobodys += nobodys
  }
  return done
}

/** Reads the file in batches. Throws CliError naming the line that is wrong; a header line is passed over. */
async function * batches (path: string): AsyncGenerator<ImportRow[]> {
  let batch: ImportRow[] = []
  let line = 0
  try {
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      line++
      if (text.trim() === '' || (line === 1 && /^\uFEFF?imsi\b/i.test(text))) continue
      batch.push(readLine(text, `${path}:${line}`))
      if (batch.length === BATCH) { yield batch; batch = [] }
    }
  } catch (error) {
    throw inputError(error, path)
  }
  if (batch.length > 0) yield batch
}

function readLine (text: string, where: string): ImportRow {
  const fields = text.split(',').map(field => field.trim().replace(/^"(.*)"$/, '$1'))
  const [imsi = '', msisdn = '', country = '', imei = ''] = fields
  if (fields.length > 4) throw new CliError(EXIT.data, `${where}: ${fields.length} fields; a row is imsi,msisdn,country,imei`)
  const row = { imsi, msisdn: msisdn.replace(/^\+/, ''), country: country.toUpperCase(), imei }
  const read = readRow(row, 0)
  if (typeof read === 'string') throw new CliError(EXIT.data, `${where}: ${read}`)
  return row
}
