import type { RootDatabase } from 'lmdb'
import { EVENT_KINDS } from '../location/event.ts'
import { claim, demandOurs, type Belonging } from './belonging.ts'
import { openEnvironment, openTable, type Table } from './environment.ts'
import { decodeHead } from './head.ts'
import { headKey, headOf, type Heads } from './event-log.ts'
import { NodeTable } from './nodes.ts'
import { RecordTable } from './record-table.ts'
import type { Tenant } from './tenant.ts'

/** The environment that holds what the network said. One thread writes it; others read. */
export interface Network {
  root: RootDatabase<Buffer, Buffer>
  /** (tenant, IMSI) → subscriber record. */
  subscribers: RecordTable
  /** (tenant, MSISDN, IMSI) → nothing: several SIMs may share a number. */
  numbers: Table
  /** (tenant, kind, id) → event record. */
  events: RecordTable
  /** (tenant, kind) → where that log ends. */
  heads: RecordTable
  /** (tenant, told at, IMSI) → nothing: when a periodic-country event was told last, oldest first. */
  due: Table
  /** Hash of an erased SIM → nothing. */
  forgotten: Table
  /** Number → tenant. */
  tenants: RecordTable
  /** Who the data are. */
  meta: Table
  nodes: NodeTable
}

/** The same with what only its writer needs; data of an earlier release may lack that until they are opened for writing. */
export interface WritableNetwork extends Network {
  /** (tenant, time of the change told last, IMSI) → nothing: SIMs whose next country change is held back, oldest first. */
  held: Table
}

/** Opens it for writing, making what is missing. Throws StoreDamaged when it belongs to other data. */
export function openNetworkWriter (path: string, belonging: Belonging): WritableNetwork {
  const network = openTables(path, false)
  claim(network.meta, belonging, path)
  return { ...network, held: openTable(network.root, 'held') }
}

/** Opens it for reading. It must have been made before. Throws StoreDamaged when it belongs to other data. */
export function openNetworkReader (path: string, incarnation: string): Network {
  const network = openTables(path, true)
  demandOurs(network.meta, incarnation, path)
  return network
}

function openTables (path: string, readOnly: boolean): Network {
  const root = openEnvironment(path, readOnly)
  const table = (name: string): Table => openTable(root, name)
  const records = (name: string): RecordTable => new RecordTable(table(name))
  return {
    root,
    subscribers: records('subscribers'),
    numbers: table('numbers'),
    events: records('events'),
    heads: records('heads'),
    due: table('due'),
    forgotten: table('forgotten'),
    tenants: records('tenants'),
    meta: table('meta'),
    nodes: new NodeTable(records('nodes'))
  }
}

/** Where every log of these tenants begins and ends. Throws RecordDamaged. */
export function readHeads (network: Network, tenants: readonly Tenant[]): Heads {
  const none: Heads = new Map()
  return new Map(tenants.map(({ number: tenant }) => [tenant, EVENT_KINDS.map((_, kind) => {
    const value = network.heads.get(headKey({ tenant, kind }))
    return value === undefined ? headOf(none, { tenant, kind }) : decodeHead(value)
  })]))
}
