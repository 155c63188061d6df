import type { RootDatabase } from 'lmdb'
import { EVENT_KINDS, type EventKind } from '../location/event.ts'
import { openEnvironment, openTable, type Table } from './environment.ts'
import { StoreDamaged } from './damage.ts'
import { decodeQueuePosition, encodeQueuePosition, type QueuePosition } from './queue-record.ts'

/** Which queue: the same for every call that reads it. */
export interface QueueName {
  tenant: number
  client: string
  kind: EventKind
  name: string
}

const INCARNATION = Buffer.from('incarnation')

/** What clients did: the positions of their queues. One thread writes it. */
export class ClientsStore {
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #queues: Table

  private constructor (root: RootDatabase<Buffer, Buffer>, queues: Table) {
    this.#root = root
    this.#queues = queues
  }

  /** Opens it, making what is missing; a new one takes the incarnation, an old one must carry it. */
  static open (path: string, incarnation: string): ClientsStore {
    const root = openEnvironment(path, false)
    const meta = openTable(root, 'meta')
    const found = meta.get(INCARNATION)?.toString()
    if (found === undefined) void meta.putSync(INCARNATION, Buffer.from(incarnation))
    else if (found !== incarnation) throw new StoreDamaged('the data belong to another identity file (a mix of two backups?)', path)
    return new ClientsStore(root, openTable(root, 'queues'))
  }

  /** Every queue and its position. Throws RecordDamaged. */
  * queues (): Generator<{ queue: QueueName, position: QueuePosition }> {
    for (const { key, value } of this.#queues.getRange()) yield { queue: parseKey(key), position: decodeQueuePosition(value) }
  }

  /** Writes positions in one commit; resolves once they are on disk. Rejects when the disk failed: the process must end. */
  async save (positions: readonly { queue: QueueName, position: QueuePosition }[]): Promise<void> {
    await this.#root.transaction(() => {
      for (const { queue, position } of positions) void this.#queues.put(makeKey(queue), encodeQueuePosition(position))
    })
  }

  async close (): Promise<void> {
    await this.#root.close()
  }
}

/** Layout: tenant (2 bytes), kind (1), length of the client's name (1), the client's name, the queue's name. */
function makeKey ({ tenant, client, kind, name }: QueueName): Buffer {
  const clientBytes = Buffer.from(client)
  const head = Buffer.alloc(4)
  head.writeUInt16BE(tenant)
  head[2] = EVENT_KINDS.indexOf(kind)
  head[3] = clientBytes.length
  return Buffer.concat([head, clientBytes, Buffer.from(name)])
}

function parseKey (key: Buffer): QueueName {
  const clientEnd = 4 + key[3]!
  return { tenant: key.readUInt16BE(), kind: EVENT_KINDS[key[2]!]!, client: key.toString('utf8', 4, clientEnd), name: key.toString('utf8', clientEnd) }
}
