import type { Tenants } from '../store/tenant.ts'
import type { BearerTokens } from './bearer.ts'
import type { Caller } from './caller.ts'
import { isClientId } from './client-fields.ts'
import type { ClientRegistry, LiveClient } from './client-registry.ts'
import type { PeerCertificate } from './peer-certificate.ts'
import { PermissionDenied, ResourceExhausted, Unauthenticated } from './status.ts'
import type { TokenFacts } from './token-facts.ts'

/** What it takes to know callers. */
export interface CallersParts {
  tokens: BearerTokens
  registry: ClientRegistry
  tenants: Tenants
  /** Calls a second that a client may make. */
  callsPerSecond: number
}

/** Finds out who calls, from the token or the certificate, and how much that client has called already. */
export class Callers {
  readonly #parts: CallersParts

  constructor (parts: CallersParts) {
    this.#parts = parts
  }

  /**
   * `credentials`: the values of the call's `authorization`; `certificate`: what the connection has proven, used where there is no
   * token. Throws Unauthenticated, PermissionDenied, ResourceExhausted, Unavailable.
   */
  async identify (credentials: readonly string[], certificate: PeerCertificate | undefined): Promise<Caller> {
    const { tokens, registry } = this.#parts
    if (credentials.length === 0 && certificate !== undefined) {
      const certified = registry.byCertificate(certificate.names)
      if (certified !== undefined) return this.#admit(certified, certified.client.scopes, certificate.expiresAt)
    }
    const facts = await tokens.verify(credentials)
    const live = this.#registered(facts)
    const granted = facts.scopes.filter(scope => live.client.scopes.includes(scope))
    return this.#admit(live, granted, facts.expiresAt)
  }

  /** A token of one's own issuer ends with the registration it was given to; another issuer's only lacks one. */
  #registered ({ client, registration }: TokenFacts): LiveClient {
    const live = this.#parts.registry.get(client)
    if (registration !== undefined && registration !== live?.client.registration) {
      throw new Unauthenticated('the client of this token was removed: get a token for one that is registered')
    }
    if (live !== undefined) return live
    const named = isClientId(client) ? `the client "${client}"` : "the token's client, whose name is too long or has other characters than client ids have,"
    throw new PermissionDenied(`${named} is not registered here: the operator of this agent adds it with "landfall client add"`)
  }

  #admit (live: LiveClient, scopes: readonly string[], expiresAt: number | undefined): Caller {
    const { id, tenant: number, sector } = live.client
    const tenant = this.#parts.tenants.byNumber(number)
    if (tenant === undefined) throw new PermissionDenied(`the tenant of the client "${id}" is not served by this agent any more`)
    const waitMs = live.calls.take()
    if (waitMs > 0) throw new ResourceExhausted(`the client "${id}" makes more than ${this.#parts.callsPerSecond} calls a second: try again later`, waitMs)
    return { tenant, client: id, sector, scopes: new Set(scopes), expiresAt, removed: live.removed }
  }
}
