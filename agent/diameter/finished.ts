import type { Half } from './half.ts'

/** A pair of End-to-End and Origin-Host is not used again for so long (RFC 6733 clause 3). */
const REUSE_MS = 240_000

/** Two legs of one transaction whose Session-Id was rewritten between them are no further apart than this. */
const HIDDEN_LEG_MS = 10_000

/** Transactions remembered: four minutes at several hundred a second, and a bound beyond that. */
const MAX_FINISHED = 100_000

interface Finished {
  imsi: string
  command: number
  plmn: string | undefined
  imei: string | undefined
  host: string | undefined
  endToEnd: number
  session: number
  session2: number
  connection: number
  hopByHop: number
  at: number
}

/**
 * Remembers what was told, so that a second leg through a relay and a resend are not told again. Repeated is what says the same about the
 * same SIM with the same identifiers; all else is news, even where a peer uses its identifiers twice.
 */
export class FinishedTable {
  readonly #known = new Map<string, Finished>()

  /** Whether a request was told before; remembers it if not. `now` is a StreamTime. */
  isRepeated (request: Half, now: number): boolean {
    const key = `${request.imsi!}${request.command}${request.endToEnd}`
    const before = this.#known.get(key)
    if (before !== undefined && isSame(before, request, now)) return true
    this.#known.delete(key)
    this.#known.set(key, remember(request, now))
    this.#forget(now)
    return false
  }

  /** Entries lie in the order of their times. */
  #forget (now: number): void {
    for (const [key, { at }] of this.#known) {
      if (now - at <= REUSE_MS && this.#known.size <= MAX_FINISHED) return
      this.#known.delete(key)
    }
  }
}

function remember ({ imsi, command, plmn, imei, host, endToEnd, session, session2, connection, hopByHop }: Half, at: number): Finished {
  return { imsi: imsi!, command, plmn, imei, host, endToEnd, session, session2, connection, hopByHop, at }
}

function isSame (before: Finished, request: Half, now: number): boolean {
  if (before.plmn !== request.plmn || before.imei !== request.imei) return false
  const age = now - before.at
  const sameSession = before.session === request.session && before.session2 === request.session2 && before.host === request.host
  if (sameSession && request.session !== 0) return age <= REUSE_MS
  // End-to-End 0 tells nothing apart; and on the same leg another Session-Id is another transaction.
  const otherLeg = before.connection !== request.connection || before.hopByHop !== request.hopByHop
  return request.endToEnd !== 0 && otherLeg && age <= HIDDEN_LEG_MS
}
