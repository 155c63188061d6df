import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { status } from '@grpc/grpc-js'
import type { Clock } from '../lib/clock.ts'
import { TokenBucket } from '../lib/token-bucket.ts'
import type { RegisteredClient, SecretHash } from '../store/client-record.ts'
import type { ClientsStore } from '../store/clients.ts'
import type { Audit } from './audit.ts'
import { NotFound, StatusError } from './status.ts'

/** Clients at most: each is kept in memory. */
const MAX_CLIENTS = 10_000

/** Bytes that tell one registration from another. */
const REGISTRATION_BYTES = 8

/** What an operator says of a client. */
export type NewClient = Omit<RegisteredClient, 'addedAt' | 'registration'>

/** A registered client while the agent runs. */
export interface LiveClient {
  client: RegisteredClient
  /** Aborts when it is removed. */
  removed: AbortSignal
  /** The calls that it may make. */
  calls: TokenBucket
}

interface Entry extends LiveClient { remove: AbortController }

/** What the registry needs. */
export interface RegistryParts {
  store: ClientsStore
  clock: Clock
  /** Calls a second that a client may make. */
  callsPerSecond: number
  audit: Audit
  /** A commit failed: the process must end. */
  fatal: (error: unknown) => void
}

/** The clients that may call: on disk, and in memory for every call to look at. */
export class ClientRegistry {
  readonly #parts: RegistryParts
  readonly #clients = new Map<string, Entry>()
  readonly #byCertificate = new Map<string, string>()
  /** Ids whose registration is on its way to the disk. */
  readonly #coming = new Set<string>()
  /** Ids whose change is on its way to the disk. */
  readonly #changing = new Set<string>()

  /** Throws RecordDamaged. */
  constructor (parts: RegistryParts) {
    this.#parts = parts
    for (const client of parts.store.registered()) this.#keep(client)
  }

  /** All clients, in the order of their ids. */
  list (): RegisteredClient[] {
    return [...this.#clients.values()].map(({ client }) => client).sort((a, b) => a.id < b.id ? -1 : 1)
  }

  get (id: string): LiveClient | undefined {
    return this.#clients.get(id)
  }

  /** The client that a certificate with these names proves; undefined where none of them is registered. */
  byCertificate (names: readonly string[]): LiveClient | undefined {
    for (const name of names) {
      const id = this.#byCertificate.get(name)
      if (id !== undefined) return this.#clients.get(id)
    }
    return undefined
  }

  /** Adds a client; resolves once it is on disk. Throws StatusError where the id or a certificate is taken. */
  async add (wanted: NewClient): Promise<RegisteredClient> {
    const { store, clock } = this.#parts
    if (this.#clients.has(wanted.id) || this.#coming.has(wanted.id)) {
      throw new StatusError(status.ALREADY_EXISTS, `there is a client "${wanted.id}" already: remove it first`)
    }
    for (const name of wanted.certificates) {
      if (this.#byCertificate.has(name)) throw new StatusError(status.ALREADY_EXISTS, `the certificate "${name}" is another client's already`)
    }
    if (this.#clients.size + this.#coming.size >= MAX_CLIENTS) throw new StatusError(status.RESOURCE_EXHAUSTED, `there are ${MAX_CLIENTS} clients already`)
    const client = { ...wanted, addedAt: clock.now(), registration: randomBytes(REGISTRATION_BYTES).toString('hex') }
    this.#coming.add(client.id)
    try {
      await this.#save(store.register(client))
      this.#keep(client)
      this.#parts.audit('client-added', { client: client.id, sector: client.sector, scopes: client.scopes })
      return client
    } finally {
      this.#coming.delete(client.id)
    }
  }

  /**
   * Changes a client; what is left out stays. From when it is on disk the change counts for calls that come, and for what is open it does not:
   * streams and tokens go on. Throws NotFound, or StatusError while another change is on its way.
   */
  async update (id: string, change: { scopes?: readonly string[], secret?: SecretHash }): Promise<void> {
    const entry = this.#demand(id)
    if (this.#changing.has(id)) throw new StatusError(status.ABORTED, `another change of the client "${id}" is on its way: try again`)
    const client = { ...entry.client, ...change }
    this.#changing.add(id)
    try {
      await this.#save(this.#parts.store.register(client))
    } finally {
      this.#changing.delete(id)
    }
    entry.client = client
    this.#parts.audit('client-changed', { client: id, scopes: client.scopes, newSecret: change.secret !== undefined })
  }

  /** Removes a client: from now on it may not call, and its streams end. Resolves once that is on disk. Throws NotFound. */
  async remove (id: string): Promise<void> {
    const entry = this.#demand(id)
    this.#clients.delete(id)
    for (const name of entry.client.certificates) this.#byCertificate.delete(name)
    // Until it is gone from the disk another one would be removed with it.
    this.#coming.add(id)
    entry.remove.abort()
    this.#parts.audit('client-removed', { client: id })
    await this.#save(this.#parts.store.unregister(id)).finally(() => { this.#coming.delete(id) })
  }

  #demand (id: string): Entry {
    const entry = this.#clients.get(id)
    if (entry === undefined) throw new NotFound(`there is no client "${id}": "landfall client list" shows those that there are`)
    return entry
  }

  #keep (client: RegisteredClient): void {
    const { callsPerSecond, clock } = this.#parts
    const remove = new AbortController()
    // As many as it has streams.
    setMaxListeners(0, remove.signal)
    this.#clients.set(client.id, { client, remove, removed: remove.signal, calls: new TokenBucket(callsPerSecond, callsPerSecond, clock) })
    for (const name of client.certificates) this.#byCertificate.set(name, client.id)
  }

  async #save (commit: Promise<void>): Promise<void> {
    try {
      await commit
    } catch (error) {
      this.#parts.fatal(error)
      throw error
    }
  }
}
