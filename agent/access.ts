import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { ServerInterceptor } from '@grpc/grpc-js'
import { guard } from './api/access.ts'
import type { Audit } from './api/audit.ts'
import { BearerTokens } from './api/bearer.ts'
import { localCaller } from './api/caller.ts'
import { Callers } from './api/callers.ts'
import type { ClientConnections } from './api/client-connections.ts'
import { ClientRegistry } from './api/client-registry.ts'
import { fetchJson, parseJson } from './api/fetch-json.ts'
import { Introspection } from './api/introspection.ts'
import { IssuerKeys } from './api/issuer-keys.ts'
import { IssuerServer } from './api/issuer.ts'
import { JwtSource } from './api/jwt.ts'
import { KeySet } from './api/key-set.ts'
import { peerCertificate } from './api/peer-certificate.ts'
import type { MethodScopes } from './api/method-scopes.ts'
import type { TokenSource } from './api/token-facts.ts'
import { TokenEndpoint } from './api/token-endpoint.ts'
import { ConfigError } from './config/load.ts'
import { access as accessSchema, type AccessConfig } from './config/access.ts'
import type { Doors } from './doors.ts'
import type { Clock } from './lib/clock.ts'
import type { Log } from './observe/log.ts'
import type { ClientsStore } from './store/clients.ts'
import { openIssuerKeys, rotateIssuerKey } from './store/issuer-key.ts'
import type { Tenants } from './store/tenant.ts'

/** Age at which keys are loaded anew: from a server, and from a file, which costs nothing. */
const URL_MAX_AGE_MS = 600_000
const FILE_MAX_AGE_MS = 10_000

/** What access needs of its surroundings. */
export interface AccessParts {
  /** Undefined: nobody is checked. */
  config: AccessConfig | undefined
  /** Whether the doors have TLS. */
  tls: boolean
  stateDirectory: string
  store: ClientsStore
  connections: ClientConnections
  scopes: MethodScopes
  tenants: Tenants
  clock: Clock
  log: Log
  audit: Audit
  /** A commit failed: the process must end. */
  fatal: (error: unknown) => void
}

/** Joins the configuration to what checks calls: the registry of clients, the issuers that are trusted, and one's own issuer. */
export class Access {
  readonly registry: ClientRegistry
  /** Sees each call before its handler. */
  readonly guard: ServerInterceptor
  readonly #parts: AccessParts
  readonly #config: AccessConfig
  readonly #keys: IssuerKeys | undefined
  readonly #issuer: IssuerServer | undefined

  /** Throws StoreDamaged, RecordDamaged, or ConfigError where the file of a secret cannot be read. */
  constructor (parts: AccessParts) {
    const { config, tls, stateDirectory, store, connections, scopes, tenants, clock, log, audit, fatal } = parts
    this.#parts = parts
    this.#config = config ?? accessSchema.parse({})
    const { calls_per_second: callsPerSecond, issuer } = this.#config
    this.registry = new ClientRegistry({ store, clock, callsPerSecond, audit, fatal })
    if (issuer !== undefined) {
      const keys = new IssuerKeys(issuer.url ?? `${tls ? 'https' : 'http'}://${issuer.listen}/`, openIssuerKeys(stateDirectory))
      this.#keys = keys
      this.#issuer = new IssuerServer({
        endpoint: new TokenEndpoint({ registry: this.registry, keys, clock, tokenMinutes: issuer.token_minutes }),
        published: () => keys.published,
        failed: error => { log.error({}, `a token could not be given: ${String(error)}`) }
      })
    }
    const tokens = new BearerTokens({ byName: this.#jwtSources(), others: this.#introspection() }, clock)
    this.guard = guard({
      scopes,
      certificateOf: call => peerCertificate(call, clock.now()),
      callers: config === undefined ? localCaller(tenants.all[0]!) : new Callers({ tokens, registry: this.registry, tenants, callsPerSecond }),
      // Where nobody is checked, everybody is one client.
      ...config === undefined ? {} : { connections },
      audit,
      // Its kind only: what it says may repeat what the call came with.
      failed: error => { log.error({ error: (error as Error).name }, 'a call could not be checked') }
    })
  }

  /** Whether calls are checked, and whether one's own issuer gives tokens for secrets. */
  get checks (): boolean { return this.#parts.config !== undefined }
  get issues (): boolean { return this.#issuer !== undefined }

  /** Opens one's own issuer, where there is one; gives its port. */
  async listen (doors: Doors): Promise<number | undefined> {
    const issuer = this.#issuer
    return issuer === undefined ? undefined : await doors.open('tokens', this.#config.issuer!.listen, async options => await issuer.listen(options))
  }

  /** Makes a new key for one's own issuer. False where there is none. */
  readonly rotateKey = (): boolean => {
    if (this.#keys === undefined) return false
    this.#keys.use(rotateIssuerKey(this.#parts.stateDirectory, this.#keys.all))
    return true
  }

  async stop (): Promise<void> {
    await this.#issuer?.stop()
  }

  #jwtSources (): Map<string, TokenSource> {
    const { clock } = this.#parts
    const { jwks, clock_skew_seconds: skewSeconds } = this.#config
    const sources = new Map<string, TokenSource>()
    if (jwks !== undefined) {
      const { url, file, issuer, audience, client_claim: clientClaim } = jwks
      const keys = new KeySet({
        load: async () => file === undefined ? await fetchJson(url!) : parseJson(await readFile(file, 'utf8')),
        maxAgeMs: file === undefined ? URL_MAX_AGE_MS : FILE_MAX_AGE_MS,
        clock,
        changed: problem => { this.#tell('keys', problem) }
      })
      sources.set(issuer, new JwtSource({ issuer, audience, keys: keys.find, clientClaim, own: false, skewSeconds, clock }))
    }
    if (this.#keys !== undefined) {
      const { issuer, find: keys } = this.#keys
      // Whoever gives a token and whoever checks it have one clock.
      sources.set(issuer, new JwtSource({ issuer, audience: issuer, keys, own: true, skewSeconds: 0, clock }))
    }
    return sources
  }

  #introspection (): TokenSource | undefined {
    const { introspection, clock_skew_seconds: skewSeconds } = this.#config
    if (introspection === undefined) return undefined
    const { url, client_id: clientId, client_secret_file: secretFile, audience, client_claim: clientClaim } = introspection
    return new Introspection({
      url,
      clientId,
      clientSecret: readSecret(secretFile),
      audience,
      clientClaim,
      skewSeconds,
      clock: this.#parts.clock,
      changed: problem => { this.#tell('introspection', problem) }
    })
  }

  #tell (what: 'keys' | 'introspection', problem: string | undefined): void {
    const { log } = this.#parts
    if (problem === undefined) log.info({ what }, "the tokens' issuer answers again")
    else log.warn({ what, problem }, "the tokens' issuer does not answer: what is known is used as long as it is good")
  }
}

/** Throws ConfigError. */
function readSecret (path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new ConfigError([`access.introspection.client_secret_file cannot be read: ${(error as Error).message}`])
  }
}
