import { LOG_KINDS, type LogKind } from './event-record.ts'
import type { LogHead } from './head.ts'

/** One event log: a tenant's events of one kind (by index in LOG_KINDS). */
export interface EventLog {
  tenant: number
  kind: number
}

/** Where logs begin and end: by tenant, then by kind. Each environment knows its own. */
export type Heads = Map<number, LogHead[]>

/** Where one log begins and ends. */
export function headOf (heads: Heads, { tenant, kind }: EventLog): LogHead {
  return heads.get(tenant)?.[kind] ?? { id: 0, committedAt: 0, oldest: 1, takenAt: 0 }
}

/** A kind's place in LOG_KINDS, which stands for it in keys. */
export function kindIndex (kind: LogKind): number {
  return LOG_KINDS.indexOf(kind)
}

/** The kind that an index stands for; undefined when there is none. */
export function kindAt (index: number): LogKind | undefined {
  return LOG_KINDS[index]
}

/** Key of an event log's head. */
export function headKey ({ tenant, kind }: EventLog): Buffer {
  const key = Buffer.alloc(3)
  key.writeUInt16BE(tenant)
  key[2] = kind
  return key
}
