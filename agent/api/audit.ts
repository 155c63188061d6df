import type { Caller } from './caller.ts'
import { PermissionDenied } from './status.ts'

/** What the audit log tells of. */
type AuditWord = 'subscribed' | 'ended' | 'acknowledged' | 'refused' | 'erased' | 'client-added' | 'client-changed' | 'client-removed'

/** Writes one line of the audit log. Fields hold names, counts and pseudonyms; no IMSI, number, token or secret. */
export type Audit = (what: AuditWord, fields: object) => void

/** Who it was, in the words of the audit log. */
export function who ({ tenant, client }: Caller): { tenant: string, client: string } {
  return { tenant: tenant.name, client }
}

/** Notes it when a caller was refused what is somebody else's. */
export function auditRefusal (audit: Audit, caller: Caller, method: string, error: unknown): void {
  if (error instanceof PermissionDenied) audit('refused', { ...who(caller), method, reason: error.details })
}
