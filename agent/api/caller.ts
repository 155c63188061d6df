import type { Tenant } from '../store/tenant.ts'

/** Who makes a call, as far as that was proven. */
export interface Caller {
  tenant: Tenant
  /** Its id: queues, tokens and limits go by it. */
  client: string
  /** The product that it belongs to: clients of one sector see the same pseudonyms (OpenID Connect Core 8.1). */
  sector: string
  /** What it may do; undefined: everything, since nobody checks (loopback without tokens). */
  scopes: ReadonlySet<string> | undefined
  /** When its token expires, wall clock in ms since 1970; undefined: never. Open streams end then with UNAVAILABLE. */
  expiresAt: number | undefined
}
