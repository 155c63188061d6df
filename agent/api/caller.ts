import type { Metadata } from '@grpc/grpc-js'
import { CLIENT, type Tenant } from '../store/tenant.ts'
import { PermissionDenied, Unavailable } from './status.ts'

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
  /** Aborts when the client is removed; open streams end then with UNAVAILABLE. Undefined: it cannot be removed. */
  removed: AbortSignal | undefined
}

/** Everybody, where tokens are not checked; there is one tenant then. */
export function localCaller (tenant: Tenant): Caller {
  return { tenant, client: CLIENT, sector: CLIENT, scopes: undefined, expiresAt: undefined, removed: undefined }
}

const callers = new WeakMap<Metadata, Caller>()

/** Says whose the call with these metadata is. Only the guard of all calls says so. */
export function admit (metadata: Metadata, caller: Caller): void {
  callers.set(metadata, caller)
}

/** Whose call this is. Throws PermissionDenied where nobody was admitted: a method that no guard has seen serves nobody. */
export function callerOf ({ metadata }: { metadata: Metadata }): Caller {
  const caller = callers.get(metadata)
  if (caller === undefined) throw new PermissionDenied('nobody may call this method')
  return caller
}

/** Throws PermissionDenied naming the scope. `what`: what needs it, as the beginning of a sentence. */
export function demandScope ({ scopes }: Caller, scope: string, what: string): void {
  if (scope === '' || scopes === undefined || scopes.has(scope)) return
  throw new PermissionDenied(`${what} needs the scope "${scope}": the token must carry it, and the client must be allowed to have it`)
}

/** Throws Unavailable when the caller's time has run out since the call arrived. `now`: the wall clock. */
export function demandLife ({ expiresAt, removed }: Caller, now: number): void {
  if (removed?.aborted === true) throw clientRemoved()
  if (expiresAt !== undefined && now >= expiresAt) throw tokenExpired()
}

/** UNAVAILABLE, since a public client stops for good on UNAUTHENTICATED: with a new token it goes on. */
export function tokenExpired (): Unavailable {
  return new Unavailable('the token of this stream has expired: connect again with a new one')
}

/** UNAVAILABLE here as well; the next call is told that the client is no more. */
export function clientRemoved (): Unavailable {
  return new Unavailable('the client of this stream was removed')
}
