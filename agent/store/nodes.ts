import type { RecordTable } from './record-table.ts'
import { RecordReader, RecordWriter } from './record.ts'

/** A serving node's identity and realm. */
export interface Node { host: string, realm: string }

/** Most nodes of one data set: far above any roaming footprint, and a bound against a peer that makes names up. */
const MAX_NODES = 65_536

/** Id of "a node that found no place in the table". */
const UNLISTED = 0

/**
 * Serving nodes by small numbers, so that a subscriber's record need not repeat two long names. Learned for good: a node is
 * written in the transaction that first uses it.
 */
export class NodeTable {
  readonly #table: RecordTable
  readonly #nodes: (Node | undefined)[] = [undefined]
  readonly #ids = new Map<string, number>()
  #unlisted = 0

  constructor (table: RecordTable) {
    this.#table = table
    for (const { key, value } of table.getRange({ limit: MAX_NODES })) this.#remember(key.readUInt32BE(), decode(value))
  }

  /** How often a node found no place. */
  get unlisted (): number { return this.#unlisted }

  /** The number of a node; a new one is written at once, so call it within the transaction that uses it. */
  intern = (host: string, realm: string): number => {
    const name = `${host}\0${realm}`
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = this.#nodes.length
    if (id >= MAX_NODES) { this.#unlisted++; return UNLISTED }
    const key = Buffer.alloc(4)
    key.writeUInt32BE(id)
    this.#table.put(key, encode({ host, realm }))
    this.#remember(id, { host, realm })
    return id
  }

  /** The node with a number; one that another thread has learned since is looked up in the table. */
  node = (id: number): Node | undefined => {
    const known = this.#nodes[id]
    if (known !== undefined || id === UNLISTED) return known
    const key = Buffer.alloc(4)
    key.writeUInt32BE(id)
    const value = this.#table.get(key)
    if (value === undefined) return undefined
    this.#remember(id, decode(value))
    return this.#nodes[id]
  }

  #remember (id: number, node: Node): void {
    this.#nodes[id] = node
    this.#ids.set(`${node.host}\0${node.realm}`, id)
  }
}

const VERSION = 1

/** Layout: version, host, realm, CRC-32C. */
function encode ({ host, realm }: Node): Buffer {
  const record = new RecordWriter(VERSION)
  record.text(host)
  record.text(realm)
  return record.end()
}

/** Throws RecordDamaged. */
function decode (bytes: Uint8Array): Node {
  const record = new RecordReader(bytes, VERSION, 'a serving node')
  const node = { host: record.text(), realm: record.text() }
  record.end()
  return node
}
