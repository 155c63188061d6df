import { headOf, type EventLog, type Heads } from './event-log.ts'
import type { ReadEvent } from './event-record.ts'
import type { NetworkReader } from './network-reader.ts'
import { isSmsLog, type SmsLog } from './sms-log.ts'

/** All event logs, whichever environment they are in. */
export class EventLogs {
  readonly #network: NetworkReader
  readonly #sms: SmsLog

  constructor (network: NetworkReader, sms: SmsLog) {
    this.#network = network
    this.#sms = sms
  }

  /** Lets go of the snapshot that reads of `network` are made from. Call it when its writer has announced a commit. */
  refresh (): void {
    this.#network.refresh()
  }

  /** Where every log begins and ends. Throws RecordDamaged. */
  heads (): Heads {
    return withHeads(this.#network.heads(), this.#sms.heads())
  }

  /** One event; undefined when retention has taken it. Throws RecordDamaged. */
  event (log: EventLog, id: number): ReadEvent | undefined {
    return isSmsLog(log) ? this.#sms.event(log, id) : this.#network.event(log, id)
  }

  /** Id of the first event that was committed at `time` (ms since 1970) or later; the head's id plus one when there is none. */
  firstCommittedAt (log: EventLog, time: number): number {
    const head = headOf(this.heads(), log)
    let low = head.oldest
    let high = head.id + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const event = this.event(log, middle)
      if (event !== undefined && event.committedAt >= time) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Heads with what one environment knows anew. */
export function withHeads (heads: Heads, news: Heads): Heads {
  const all: Heads = new Map(heads)
  for (const [tenant, list] of news) {
    const merged = [...all.get(tenant) ?? []]
    list.forEach((head, kind) => { merged[kind] = head })
    all.set(tenant, merged)
  }
  return all
}
