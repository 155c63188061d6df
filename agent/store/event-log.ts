import type { LogHead } from './head.ts'

/** One event log: a tenant's events of one kind (by index in EVENT_KINDS). */
export interface EventLog {
  tenant: number
  kind: number
}

/** Where every log begins and ends: by tenant, then by kind. */
export type Heads = Map<number, LogHead[]>

/** Where one log begins and ends. */
export function headOf (heads: Heads, { tenant, kind }: EventLog): LogHead {
  return heads.get(tenant)?.[kind] ?? { id: 0, committedAt: 0, oldest: 1, takenAt: 0 }
}
