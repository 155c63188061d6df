import { createHash } from 'node:crypto'
import type { Submission } from './link.ts'

/** Requests of unknown fate that are remembered. An outage leaves a window of them; this is many windows. The oldest gives way. */
const MAX_REMEMBERED = 1_000

/** What a request and its resend have in common (RFC 6733 clause 3, "T" and End-to-End Identifier). */
export interface RequestIds {
  sessionId: string
  endToEnd: number
}

/** Requests whose fate is unknown, so that the same submission goes out under the same identifiers and the receiver can see that it is the same. */
export class Resends {
  readonly #remembered = new Map<string, RequestIds>()

  /** What a submission was sent under before, where that is still known. */
  find (submission: Submission): RequestIds | undefined {
    return this.#remembered.get(keyOf(submission))
  }

  /** The fate of a submission is known. */
  forget (submission: Submission): void {
    this.#remembered.delete(keyOf(submission))
  }

  /** The fate of a submission is unknown. */
  remember (submission: Submission, ids: RequestIds): void {
    this.#remembered.set(keyOf(submission), ids)
    if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!)
  }
}

/** A digest of what does not change from one attempt to the next: no content is kept. */
function keyOf ({ direction, imsi, msisdn, from, to, reference, acceptedAt, pid, dcs, fragment }: Submission): string {
  const facts = JSON.stringify([direction, imsi, msisdn, from.ton, from.value, to.ton, to.value, reference, acceptedAt, pid, dcs, fragment.header.length])
  return createHash('sha256').update(facts).update(fragment.header).update(fragment.body).digest('base64')
}
