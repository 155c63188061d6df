import type { RootDatabase } from 'lmdb'
import type { Commits } from './commits.ts'
import { openTable, type Table } from './environment.ts'
import type { EventLog, Heads } from './event-log.ts'
import { decodeMessage, encodeMessage, type Message } from './message-record.ts'
import {
  decodeLinkIdKey, decodeRecipientKey, decodeTimeKey, idBytes, idFrom, idText, linkIdKey, linkIdPrefix, recipientKey, timeKey
} from './outbox-keys.ts'
import { RecordTable } from './record-table.ts'
import type { SmsEvent } from './sms-event.ts'
import type { SmsLog } from './sms-log.ts'

/** An accepted call, found by its idempotency key. */
export interface AcceptedCall {
  id: string
  /** Hash of what was asked for. */
  body: Buffer
  fragments: number
}

/** What a step may read and write, inside one transaction: what it reads is the newest there is. */
export interface OutboxStep {
  message: (id: string) => Message | undefined
  /** Stores a message in place of what it was before; undefined: there was none. */
  put: (message: Message, before: Message | undefined) => void
  /** Forgets a message. */
  remove: (message: Message) => void
  /** Adds an event to its tenant's log. */
  tell: (tenant: number, event: SmsEvent) => void
  /** How many messages of a subscriber's number were accepted at `since` (ms since 1970) or later, up to a limit. */
  countSince: (tenant: number, msisdn: string, since: number, limit: number) => number
  accepted: (key: Uint8Array) => AcceptedCall | undefined
  noteAccepted: (key: Uint8Array, call: AcceptedCall) => void
  /** The next number of a counter (one of 65,536, by a hash), 0 to 65535; the first time `first`. */
  count: (counter: number, first: number) => number
}

/** What a commit of the outbox did to the logs. */
export interface OutboxCommitted { grown: EventLog[], heads: Heads }

/** How much of the queue an open message takes, and whose it is. */
export interface OpenMessage { id: string, tenant: number, msisdn: string, imsi: string | undefined, client: string, bytes: number }

const EMPTY = Buffer.alloc(0)

/** The messages that were accepted, in the environment `clients`, with an index for each question that is asked of them. */
export class OutboxStore {
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #commits: Commits
  readonly #log: SmsLog
  readonly #messages: RecordTable
  /** (next at, id) → nothing: those that may go out then. */
  readonly #due: Table
  /** (ends at, id) → nothing: those about which time decides something then. */
  readonly #ends: Table
  /** (tenant, number, id) → size, IMSI and client: those that have not ended. */
  readonly #open: Table
  /** (tenant, number, id) → nothing: all of them. */
  readonly #recipients: Table
  /** (link, its id, id, fragment) → nothing. */
  readonly #linkIds: Table
  /** Hash → accepted call. */
  readonly #keys: Table
  /** Counter → its last number. */
  readonly #counters: Table

  constructor (root: RootDatabase<Buffer, Buffer>, commits: Commits, log: SmsLog) {
    const table = (name: string): Table => openTable(root, `sms-${name}`)
    this.#root = root
    this.#commits = commits
    this.#log = log
    this.#messages = new RecordTable(table('messages'))
    this.#due = table('due')
    this.#ends = table('ends')
    this.#open = table('open')
    this.#recipients = table('recipients')
    this.#linkIds = table('link-ids')
    this.#keys = table('keys')
    this.#counters = table('counters')
  }

  /**
   * Runs `work` in one transaction, with the clock's `now` (ms since 1970) for what it tells; resolves once that is on disk with what it
   * gave. Rejects when the disk failed or `work` threw: the process must end.
   */
  async commit<T> (now: number, work: (step: OutboxStep) => T): Promise<{ result: T, committed: OutboxCommitted }> {
    const grown: EventLog[] = []
    let result: { value: T } | undefined
    let failure: unknown
    let heads: Heads = new Map()
    // A throw inside the callback would not roll back, so it is carried out of it; the caller ends the process.
    await this.#commits.run(() => {
      try {
        result = { value: work(this.#step(now, grown)) }
        if (grown.length > 0) heads = this.#log.heads()
      } catch (error) { failure = error }
    })
    if (result === undefined) throw failure
    return { result: result.value, committed: { grown, heads } }
  }

  /** Removes up to 5,000 old events of each log; resolves once that is on disk. Rejects as `commit` does. */
  async retainEvents (before: number): Promise<OutboxCommitted> {
    let committed: OutboxCommitted = { grown: [], heads: new Map() }
    let failure: unknown
    await this.#commits.run(() => {
      try {
        const grown = this.#log.retain(before)
        committed = { grown, heads: grown.length > 0 ? this.#log.heads() : new Map() }
      } catch (error) { failure = error }
    })
    if (failure !== undefined) throw failure
    return committed
  }

  /** Makes tombstones of a SIM's events, and of those that only its number tells; resolves with how many once that is on disk. */
  async eraseEvents (imsi: string, msisdn: string | undefined): Promise<number> {
    let erased = 0
    for (let from: Buffer | undefined, more = true; more;) {
      this.#root.resetReadTxn()
      const { found, next } = this.#log.eventsOf(imsi, msisdn, from)
      // A commit, too, gives other work its turn.
      await this.#commits.run(() => { for (const key of found) this.#log.erase(key) })
      erased += found.length
      from = next
      more = next !== undefined
    }
    return erased
  }

  /** A message. Throws RecordDamaged. */
  message (id: string): Message | undefined {
    this.#root.resetReadTxn()
    return this.#read(id)
  }

  /** Ids of messages that may go out at `until` (ms since 1970) or before, the earliest first, after a key that an earlier call gave. */
  due (until: number, limit: number, after?: Buffer): { id: string, key: Buffer }[] {
    this.#root.resetReadTxn()
    const start = after === undefined ? EMPTY_START : Buffer.concat([after, Buffer.of(0)])
    return [...this.#due.getKeys({ start, end: timeKey(until + 1, FIRST_ID), limit })].map(key => ({ id: decodeTimeKey(key).id, key }))
  }

  /** Ids of messages about which time decides something at `until` (ms since 1970) or before. */
  ending (until: number, limit: number): string[] {
    this.#root.resetReadTxn()
    return [...this.#ends.getKeys({ start: EMPTY_START, end: timeKey(until + 1, FIRST_ID), limit })].map(key => decodeTimeKey(key).id)
  }

  /** When the next message may go out after a time, and when the next one ends; Infinity for never. */
  nextTimes (after: number): { due: number, ending: number } {
    this.#root.resetReadTxn()
    const first = (table: Table, start: Buffer): number => {
      const [key] = table.getKeys({ start, limit: 1 })
      return key === undefined ? Infinity : decodeTimeKey(key).time
    }
    return { due: first(this.#due, timeKey(after + 1, FIRST_ID)), ending: first(this.#ends, EMPTY_START) }
  }

  /** All that have not ended. */
  * open (): Generator<OpenMessage> {
    this.#root.resetReadTxn()
    for (const { key, value } of this.#open.getRange({})) {
      yield { ...decodeRecipientKey(key), ...decodeOpen(value) }
    }
  }

  /** Ids of the messages of one subscriber's number that were accepted at `since` (ms since 1970) or later, the oldest first. */
  ofRecipient (tenant: number, msisdn: string, since: number, limit: number): string[] {
    this.#root.resetReadTxn()
    return this.#ofRecipient(tenant, msisdn, since, limit)
  }

  /** Messages, the newest first, from before an id on. Throws RecordDamaged. */
  newest (before: string | undefined, limit: number): Message[] {
    this.#root.resetReadTxn()
    const range = { start: Buffer.from(before ?? LAST_ID, 'hex'), reverse: true, limit: limit + 1 }
    const found = [...this.#messages.getRange(range)].map(({ key, value }) => decodeMessage(idText(key), value))
    return found.filter(({ id }) => id !== before).slice(0, limit)
  }

  /** The fragments that a link knows by an id. */
  byLinkId (link: string, linkId: string, limit: number): { id: string, fragment: number }[] {
    this.#root.resetReadTxn()
    const prefix = linkIdPrefix(link, linkId)
    return [...this.#linkIds.getKeys({ start: prefix, end: Buffer.concat([prefix, Buffer.alloc(18, 0xff)]), limit })].map(decodeLinkIdKey)
  }

  /** The call that was accepted under an idempotency key. */
  accepted (key: Uint8Array): AcceptedCall | undefined {
    this.#root.resetReadTxn()
    return this.#accepted(key)
  }

  #step (now: number, grown: EventLog[]): OutboxStep {
    return {
      message: id => this.#read(id),
      put: (message, before) => { this.#put(message, before) },
      remove: message => { this.#remove(message) },
      tell: (tenant, event) => {
        const log = this.#log.append(tenant, event, now)
        if (!grown.some(({ tenant, kind }) => tenant === log.tenant && kind === log.kind)) grown.push(log)
      },
      countSince: (tenant, msisdn, since, limit) => this.#ofRecipient(tenant, msisdn, since, limit).length,
      accepted: key => this.#accepted(key),
      noteAccepted: (key, { id, body, fragments }) => {
        void this.#keys.put(Buffer.from(key), Buffer.concat([Buffer.from(id, 'hex'), body, Buffer.of(fragments)]))
      },
      count: (counter, first) => {
        const key = Buffer.alloc(2)
        key.writeUInt16BE(counter)
        const last = this.#counters.get(key)?.readUInt16BE()
        const next = last === undefined ? first : (last + 1) % 65_536
        const value = Buffer.alloc(2)
        value.writeUInt16BE(next)
        void this.#counters.put(key, value)
        return next
      }
    }
  }

  #ofRecipient (tenant: number, msisdn: string, since: number, limit: number): string[] {
    const range = { start: recipientKey(tenant, msisdn, idFrom(since)), end: recipientKey(tenant, msisdn, LAST_ID), limit }
    return [...this.#recipients.getKeys(range)].map(key => decodeRecipientKey(key).id)
  }

  #read (id: string): Message | undefined {
    const key = idBytes(id)
    const record = key === undefined ? undefined : this.#messages.get(key)
    return record === undefined ? undefined : decodeMessage(id, record)
  }

  #accepted (key: Uint8Array): AcceptedCall | undefined {
    const value = this.#keys.get(Buffer.from(key))
    return value === undefined ? undefined : { id: idText(value.subarray(0, 16)), body: Buffer.from(value.subarray(16, 48)), fragments: value[48]! }
  }

  #put (message: Message, before: Message | undefined): void {
    const record = encodeMessage(message)
    const { id, tenant, msisdn } = message
    const key = recipientKey(tenant, msisdn, id)
    if (before === undefined) void this.#recipients.put(key, EMPTY)
    if (message.endedAt > 0) void this.#open.remove(key)
    else if (before === undefined || message.imsi !== before.imsi) void this.#open.put(key, encodeOpen(message))
    move(this.#due, id, dueTime(before), dueTime(message))
    move(this.#ends, id, before?.endsAt, message.endsAt)
    message.fragments.forEach(({ link, linkId }, place) => {
      const old = before?.fragments[place]
      if (old?.link === link && old.linkId === linkId) return
      if (old !== undefined && old.linkId !== '') void this.#linkIds.remove(linkIdKey(old.link, old.linkId, id, place))
      if (linkId !== '') void this.#linkIds.put(linkIdKey(link, linkId, id, place), EMPTY)
    })
    this.#messages.put(Buffer.from(id, 'hex'), record)
  }

  #remove (message: Message): void {
    const { id, tenant, msisdn, endsAt, key } = message
    void this.#recipients.remove(recipientKey(tenant, msisdn, id))
    void this.#open.remove(recipientKey(tenant, msisdn, id))
    move(this.#due, id, dueTime(message), undefined)
    move(this.#ends, id, endsAt, undefined)
    message.fragments.forEach(({ link, linkId }, place) => { if (linkId !== '') void this.#linkIds.remove(linkIdKey(link, linkId, id, place)) })
    if (key.length > 0) void this.#keys.remove(Buffer.from(key))
    this.#messages.remove(Buffer.from(id, 'hex'))
  }
}

/** When the next fragment may go out; undefined while none waits. */
function dueTime (message: Message | undefined): number | undefined {
  return message !== undefined && (message.state === 'accepted' || message.state === 'waiting') ? message.nextAt : undefined
}

/** About how much a message takes on disk with its indexes: the same before and after its content has gone. */
export function messageBytes ({ fragments }: Message): number {
  return 400 + fragments.length * 160
}

/** Layout: size (4 bytes), IMSI filled up with F (8), client. */
function encodeOpen (message: Message): Buffer {
  const { imsi, client } = message
  const value = Buffer.alloc(12)
  value.writeUInt32BE(messageBytes(message))
  value.write((imsi ?? '').padEnd(16, 'f'), 4, 'hex')
  return Buffer.concat([value, Buffer.from(client)])
}

function decodeOpen (value: Buffer): Pick<OpenMessage, 'bytes' | 'imsi' | 'client'> {
  const imsi = value.toString('hex', 4, 12).replace(/f+$/, '')
  return { bytes: value.readUInt32BE(), imsi: imsi === '' ? undefined : imsi, client: value.toString('utf8', 12) }
}

function move (index: Table, id: string, from: number | undefined, to: number | undefined): void {
  if (from === to) return
  if (from !== undefined) void index.remove(timeKey(from, id))
  if (to !== undefined) void index.put(timeKey(to, id), EMPTY)
}

const EMPTY_START = Buffer.of(0)
const FIRST_ID = '0'.repeat(32)
const LAST_ID = 'f'.repeat(32)
