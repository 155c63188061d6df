import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { statSync } from 'node:fs'
import { EVENT_KINDS } from '../location/event.ts'
import { openEnvironment, openTable, type Table } from './environment.ts'
import { decodeEvent } from './event-record.ts'
import { readIdentity, stateFiles } from './identity.ts'
import { decodeEventKey, decodeSubscriberKey } from './keys.ts'
import { openNetworkReader, readHeads } from './network.ts'
import { decodeParked } from './parked-record.ts'
import { decodeQueuePosition } from './queue-record.ts'
import { decodeSubscriber } from './subscriber-record.ts'
import { TENANT } from './tenant.ts'

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
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text
    // It has said all. Node may hang in its exit, and we with it: a compiling thread waits for a collection that does not come (nodejs/node#54918).
    if (output.endsWith('\n')) child.kill('SIGKILL')
  })
  const { code, signal } = await new Promise<{ code: number | null, signal: string | null }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => { resolve({ code, signal }) })
  })
  if (output.endsWith('\n')) return JSON.parse(output) as Inspection
  if (signal !== null && !DEATHS.includes(signal)) throw new Error(`the inspection of the data was ended by ${signal}`)
  return { records: 0, problems: [`the database file is broken: reading it ended with ${signal ?? `exit code ${code}`}`] }
}

/** Inspects in this process. It may die of what it reads: see `inspect`. */
export function inspectHere (directory: string, depth: Depth): Inspection {
  const inspection: Inspection = { records: 0, problems: [] }
  const identity = readIdentity(directory)
  const files = stateFiles(directory)
  const network = openNetworkReader(files.network, identity.incarnation)
  checkSize(network.meta, files.networkData, inspection)
  const clients = openEnvironment(files.clients, true)
  checkSize(openTable(clients, 'meta'), files.clientsData, inspection)
  const heads = readHeads(network, TENANT.number)
  if (depth === 'structure' || inspection.problems.length > 0) return inspection

  read(inspection, 'subscriber', network.subscribers, (key, value) => {
    decodeSubscriber(decodeSubscriberKey(key).imsi, value, network.nodes.node)
  })
  const next = new Map<number, number>()
  read(inspection, 'event', network.events, (key, value) => {
    const { kind, id } = decodeEventKey(key)
    const expected = next.get(kind)
    next.set(kind, id + 1)
    if (expected !== undefined && id !== expected) throw new Error(`${EVENT_KINDS[kind]} events ${expected} to ${id - 1} are missing`)
    decodeEvent(value)
  })
  EVENT_KINDS.forEach((kind, index) => {
    const after = next.get(index)
    if (after !== undefined && after !== heads[index]!.id + 1) problem(inspection, `the newest ${kind} event is ${after - 1}, its log says ${heads[index]!.id}`)
  })
  read(inspection, 'queue position', openTable(clients, 'queues'), (_, value) => { decodeQueuePosition(value) })
  readIfThere(clients, 'parked', table => { read(inspection, 'parked event', table, (_, value) => { decodeParked(0, value) }) })
  return inspection
}

/** LMDB writes whole pages: a file that ends before its last page was cut. */
function checkSize (table: Table, path: string, inspection: Inspection): void {
  const { lastPageNumber, pageSize } = table.getStats() as { lastPageNumber: number, pageSize: number }
  const needed = (lastPageNumber + 1) * pageSize
  const { size } = statSync(path)
  if (size < needed) problem(inspection, `${path} has ${size} bytes, its pages need ${needed}: it was cut short`)
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

function read (inspection: Inspection, what: string, table: Table, check: (key: Buffer, value: Buffer) => void): void {
  let place = 0
  for (const { key, value } of table.getRange()) {
    place++
    inspection.records++
    try {
      check(key, value)
    } catch (error) {
      problem(inspection, `${what} record ${place}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function problem (inspection: Inspection, text: string): void {
  if (inspection.problems.length < MAX_PROBLEMS) inspection.problems.push(text)
  else if (inspection.problems.length === MAX_PROBLEMS) inspection.problems.push('and more')
}
