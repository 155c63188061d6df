import type { RootDatabase } from 'lmdb'
import { claim, type Belonging } from './belonging.ts'
import { decodeClient, encodeClient, type RegisteredClient } from './client-record.ts'
import { Commits } from './commits.ts'
import { openEnvironment, openTable, type Table } from './environment.ts'
import { kindAt, kindIndex } from './event-log.ts'
import type { LogKind } from './event-record.ts'
import { OutboxStore } from './outbox.ts'
import { decodeParked, encodeParked, type ParkedEvent } from './parked-record.ts'
import { RecordTable } from './record-table.ts'
import { SmsLog } from './sms-log.ts'
import { decodeQueuePosition, encodeQueuePosition, type QueuePosition } from './queue-record.ts'

/** Which queue: the same for every call that reads it. */
export interface QueueName {
  tenant: number
  client: string
  kind: LogKind
  name: string
}

/** What one queue has to write. */
export interface QueueChange {
  queue: QueueName
  /** `undefined`: the queue is no more. */
  position: QueuePosition | undefined
  /** Events put aside, or put back. */
  parked: readonly ParkedEvent[]
  /** Ids whose copies go. */
  unparked: readonly number[]
}

/** A queue as it was stored. */
export interface StoredQueue {
  queue: QueueName
  position: QueuePosition
  /** Without the events themselves. */
  parked: { id: number, released: boolean }[]
}

const ID_BYTES = 6
const EMPTY = Buffer.alloc(0)

/** The clients and what they did: the positions of their queues, and the events these have put aside. One thread writes it. */
export class ClientsStore {
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #queues: RecordTable
  readonly #parked: RecordTable
  readonly #erasures: Table
  readonly #commits: Commits
  readonly #registered: RecordTable
  /** The logs of events that come from short messages. */
  readonly smsLog: SmsLog
  /** The short messages that were accepted. */
  readonly outbox: OutboxStore

  private constructor (root: RootDatabase<Buffer, Buffer>) {
    this.#root = root
    this.#commits = new Commits(root)
    this.#queues = new RecordTable(openTable(root, 'queues'))
    this.#parked = new RecordTable(openTable(root, 'parked'))
    this.#erasures = openTable(root, 'erasures')
    this.#registered = new RecordTable(openTable(root, 'registered'))
    this.smsLog = new SmsLog(new RecordTable(openTable(root, 'sms-events')), new RecordTable(openTable(root, 'sms-heads')))
    this.outbox = new OutboxStore(root, this.#commits, this.smsLog)
  }

  /** Opens it, making what is missing. Throws StoreDamaged when it belongs to other data. */
  static open (path: string, belonging: Belonging): ClientsStore {
    const root = openEnvironment(path, false)
    claim(openTable(root, 'meta'), belonging, path)
    return new ClientsStore(root)
  }

  /** Every queue and where it stands. Throws RecordDamaged. */
  * queues (): Generator<StoredQueue> {
    for (const { key, value } of this.#queues.getRange()) {
      const queue = parseKey(key)
      const parked = [...this.parked(queue)].map(({ id, released }) => ({ id, released }))
      yield { queue, position: decodeQueuePosition(value), parked }
    }
  }

  /** The events that a queue has put aside, ascending by id. Throws RecordDamaged. */
  * parked (queue: QueueName): Generator<ParkedEvent> {
    const range = { start: parkedKey(queue, 0), end: parkedKey(queue, 2 ** (8 * ID_BYTES) - 1) }
    for (const { key, value } of this.#parked.getRange(range)) yield decodeParked(key.readUIntBE(key.length - ID_BYTES, ID_BYTES), value)
  }

  /** One event that a queue has put aside. Throws RecordDamaged. */
  parkedEvent (queue: QueueName, id: number): ParkedEvent | undefined {
    this.#root.resetReadTxn()
    const value = this.#parked.get(parkedKey(queue, id))
    return value === undefined ? undefined : decodeParked(id, value)
  }

  /** SIMs whose erasure was begun and not ended. */
  erasures (): string[] {
    return [...this.#erasures.getKeys()].map(key => key.toString())
  }

  /** Resolves once it is on disk that a SIM is to be erased. */
  async intendErasure (imsi: string): Promise<void> {
    await this.#commits.run(() => { void this.#erasures.put(Buffer.from(imsi), EMPTY) })
  }

  /** Resolves once it is on disk that nothing is left to erase of a SIM. */
  async endErasure (imsi: string): Promise<void> {
    await this.#commits.run(() => { void this.#erasures.remove(Buffer.from(imsi)) })
  }

  /** Writes in one commit; resolves once it is on disk. Rejects when the disk failed: the process must end. */
  async save (changes: readonly QueueChange[]): Promise<void> {
    await this.#commits.run(() => {
      for (const { queue, position, parked, unparked } of changes) {
        for (const event of parked) this.#parked.put(parkedKey(queue, event.id), encodeParked(event))
        for (const id of unparked) this.#parked.remove(parkedKey(queue, id))
        if (position !== undefined) this.#queues.put(makeKey(queue), encodeQueuePosition(position))
        else this.#queues.remove(makeKey(queue))
      }
    })
  }

  /** Writes nothing more; resolves when what is under way has ended. Before an exit that cannot wait for an orderly end. */
  async halt (): Promise<void> {
    await this.#commits.halt()
  }

  /** Every registered client. Throws RecordDamaged. */
  * registered (): Generator<RegisteredClient> {
    for (const { key, value } of this.#registered.getRange()) yield decodeClient(key.toString(), value)
  }

  /** Registers a client; resolves once it is on disk. Rejects when the disk failed: the process must end. */
  async register (client: RegisteredClient): Promise<void> {
    await this.#commits.run(() => { this.#registered.put(Buffer.from(client.id), encodeClient(client)) })
  }

  /** Forgets a client; resolves and rejects as `register` does. Its queues stay until nobody has read them for long enough. */
  async unregister (id: string): Promise<void> {
    await this.#commits.run(() => { this.#registered.remove(Buffer.from(id)) })
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
  head[2] = kindIndex(kind)
  head[3] = clientBytes.length
  return Buffer.concat([head, clientBytes, Buffer.from(name)])
}

function parseKey (key: Buffer): QueueName {
  const clientEnd = 4 + key[3]!
  return { tenant: key.readUInt16BE(), kind: kindAt(key[2]!)!, client: key.toString('utf8', 4, clientEnd), name: key.toString('utf8', clientEnd) }
}

/** The queue's key after its length (so that no queue's events lie among another's), then the id. */
function parkedKey (queue: QueueName, id: number): Buffer {
  const key = makeKey(queue)
  const bytes = Buffer.alloc(2 + key.length + ID_BYTES)
  bytes.writeUInt16BE(key.length)
  key.copy(bytes, 2)
  bytes.writeUIntBE(id, 2 + key.length, ID_BYTES)
  return bytes
}
