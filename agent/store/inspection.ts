import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { statSync } from 'node:fs'
import { lastRun } from './belonging.ts'
import { decodeClient } from './client-record.ts'
import { openEnvironment, openTable, type Table } from './environment.ts'
import { headOf, type Heads } from './event-log.ts'
import { decodeEvent, LOG_KINDS } from './event-record.ts'
import { knownRuns, readIdentity, stateFiles } from './identity.ts'
import type { LogHead } from './head.ts'
import { decodeMessage } from './message-record.ts'
import { decodeEventKey, decodeSubscriberKey, numberKey } from './keys.ts'
import { openNetworkReader, readHeads, type Network } from './network.ts'
import { decodeParked } from './parked-record.ts'
import { decodeQueuePosition } from './queue-record.ts'
import { RecordTable } from './record-table.ts'
import { SmsLog } from './sms-log.ts'
import { decodeSubscriber } from './subscriber-record.ts'
import { knownTenants } from './tenant-table.ts'

/** What an inspection found. Problems name tables and ids, never a person. */
export interface Inspection {
  records: number
  problems: string[]
}

/** How much is read: the structure (milliseconds), or every record. */
export type Depth = 'structure' | 'records'

/** Problems that are listed; a destroyed file would list millions. */
const MAX_PROBLEMS = 20

/** Signals with which LMDB ends a process that reads a broken file: past its end, a bad pointer, a failed assertion. */
const DEATHS: readonly string[] = ['SIGBUS', 'SIGSEGV', 'SIGABRT', 'SIGFPE', 'SIGILL', 'SIGTRAP']

/**
 * Inspects the data of a state directory in a child process, because LMDB kills the process that reads a truncated file. Never throws for
 * damage: that is a problem in the result. An abort by `stop` ends the child and rejects.
 */
export async function inspect (directory: string, depth: Depth, stop?: AbortSignal): Promise<Inspection> {
  const script = fileURLToPath(new URL('./inspector.js', import.meta.url))
  const child = spawn(process.execPath, [script, directory, depth], { stdio: ['ignore', 'pipe', 'ignore'], ...(stop === undefined ? {} : { signal: stop }) })
  let output = ''
  const { code, signal } = await new Promise<{ code: number | null, signal: string | null }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => { resolve({ code, signal }) })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (!output.endsWith('\n')) return
      // It has said all, and closed what it read. Its own end is not waited for: threads that end with a process can wait for each other for ever.
      child.kill('SIGKILL')
      resolve({ code: 0, signal: null })
    })
  })
  if (code === 0 && output !== '') return JSON.parse(output) as Inspection
  if (signal !== null && !DEATHS.includes(signal)) throw new Error(`the inspection of the data was ended by ${signal}`)
  return { records: 0, problems: [`the database file is broken: reading it ended with ${signal ?? `exit code ${code}`}`] }
}

/** Inspects in this process. It may die of what it reads: see `inspect`. */
export async function inspectHere (directory: string, depth: Depth): Promise<Inspection> {
  const { incarnation } = readIdentity(directory)
  const files = stateFiles(directory)
  const network = openNetworkReader(files.network, incarnation)
  const clients = openEnvironment(files.clients, true)
  const inspection = look(directory, network, clients, depth)
  await network.root.close()
  await clients.close()
  return inspection
}

function look (directory: string, network: Network, clients: ReturnType<typeof openEnvironment>, depth: Depth): Inspection {
  const inspection: Inspection = { records: 0, problems: [] }
  const files = stateFiles(directory)
  checkSize(network.meta, files.networkData, inspection)
  const clientsMeta = openTable(clients, 'meta')
  checkSize(clientsMeta, files.clientsData, inspection)
  checkRuns(directory, { network: network.meta, clients: clientsMeta }, inspection)
  const tenants = knownTenants(network)
  const heads = readHeads(network, tenants)
  if (depth === 'structure' || inspection.problems.length > 0) return inspection

  read(inspection, 'subscriber', network.subscribers, (key, value) => {
    const { tenant, imsi } = decodeSubscriberKey(key)
    const { number } = decodeSubscriber(imsi, value, network.nodes.node)
    if (number !== undefined && !network.numbers.doesExist(numberKey(tenant, number, imsi))) throw new Error('its number does not lead to it')
  })
  readLogs(network.events, heads, inspection)
  const queues = new RecordTable(openTable(clients, 'queues'))
  read(inspection, 'queue position', queues, (_, value) => { decodeQueuePosition(value) })
  readIfThere(clients, 'registered', table => {
    read(inspection, 'registered client', new RecordTable(table), (key, value) => { decodeClient(key.toString(), value) })
  })
  readIfThere(clients, 'sms-messages', table => {
    read(inspection, 'short message', new RecordTable(table), (key, value) => { decodeMessage(key.toString('hex'), value) })
  })
  readIfThere(clients, 'sms-heads', table => {
    const smsHeads = new RecordTable(table)
    readIfThere(clients, 'sms-events', table => {
      const events = new RecordTable(table)
      readLogs(events, new SmsLog(events, smsHeads).heads(), inspection)
    })
  })
  readIfThere(clients, 'parked', table => { read(inspection, 'parked event', new RecordTable(table), (_, value) => { decodeParked(0, value) }) })
  return inspection
}

/** Reads all events of one environment. */
function readLogs (events: RecordTable, heads: Heads, inspection: Inspection): void {
  /** Id that follows the last one read, of each log. */
  const next = new Map<string, number>()
  read(inspection, 'event', events, (key, value) => {
    const { tenant, kind, id } = decodeEventKey(key)
    const log = `${tenant} ${kind}`
    const expected = next.get(log) ?? headOf(heads, { tenant, kind }).oldest
    next.set(log, id + 1)
    if (id !== expected) throw new Error(`${LOG_KINDS[kind]} events ${expected} to ${id - 1} are missing`)
    decodeEvent(value)
  })
  for (const [tenant, list] of heads) list.forEach((head, kind) => { checkLog(kind, next.get(`${tenant} ${kind}`), head, inspection) })
}

/** A log must hold what its head says: from its oldest event to its newest. `after`: the id after the last one that was read. */
function checkLog (kind: number, after: number | undefined, { id, oldest }: LogHead, inspection: Inspection): void {
  const name = LOG_KINDS[kind]!
  if (after === undefined) {
    if (oldest <= id) problem(inspection, `the ${name} events ${oldest} to ${id} are missing`)
  } else if (after !== id + 1) problem(inspection, `the newest ${name} event is ${after - 1}, its log says ${id}`)
}

/** LMDB writes whole pages: a file that ends before its last page was cut. */
function checkSize (table: Table, path: string, inspection: Inspection): void {
  const { lastPageNumber, pageSize } = table.getStats() as { lastPageNumber: number, pageSize: number }
  const needed = (lastPageNumber + 1) * pageSize
  const { size } = statSync(path)
  if (size < needed) problem(inspection, `${path} has ${size} bytes, its pages need ${needed}: it was cut short`)
}

/** Each environment must be what the last run left: one that was restored alone has another past than the rest. */
function checkRuns (directory: string, metas: Record<string, Table>, inspection: Inspection): void {
  const known = knownRuns(directory)
  if (known === undefined) return
  for (const [name, meta] of Object.entries(metas)) {
    if (!known.includes(lastRun(meta))) {
      problem(inspection, `"${name}" is not what the last run left, as when it alone was restored: restore the whole directory from one backup`)
    }
  }
}

/** Tables that an older version did not make cannot be opened for reading. */
function readIfThere (clients: ReturnType<typeof openEnvironment>, name: string, work: (table: Table) => void): void {
  let table
  try {
    table = openTable(clients, name)
  } catch {
    return
  }
  work(table)
}

/** Reads a table from end to end, and each record once more by its key: a broken branch of the tree hides what the walk still finds. */
function read (inspection: Inspection, what: string, table: RecordTable, check: (key: Buffer, value: Buffer) => void): void {
  let place = 0
  const { count } = table
  for (const { key, value } of table.getRange()) {
    // A broken tree can lead in circles.
    if (++place > count) {
      problem(inspection, `the table of each ${what} has more records than the ${count} it should have`)
      return
    }
    inspection.records++
    try {
      check(key, value)
      if (table.get(key)?.equals(value) !== true) throw new Error('it is not found by its key')
    } catch (error) {
      problem(inspection, `${what} record ${place}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function problem (inspection: Inspection, text: string): void {
  if (inspection.problems.length < MAX_PROBLEMS) inspection.problems.push(text)
  else if (inspection.problems.length === MAX_PROBLEMS) inspection.problems.push('and more')
}
