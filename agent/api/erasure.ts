import type { Dispatcher } from '../delivery/dispatcher.ts'
import type { ClientsStore } from '../store/clients.ts'

/** What erasing needs of the rest of the house. */
interface ErasureParts {
  clients: ClientsStore
  dispatcher: Dispatcher
  /** Erases its short messages; resolves with how many messages and events went. */
  forgetMessages: (imsi: string) => Promise<number>
  /** Erases what `network` has of a SIM; resolves with how many of its events went, once that is on disk. */
  forget: (imsi: string) => Promise<number>
  /** Writes the line that stays of it. */
  audit: (imsi: string, events: number) => void
}

/**
 * Erases persons. The intent is on disk first, so that an erasure that is cut short goes on at the next start; each step can be done twice.
 */
export class Erasures {
  readonly #parts: ErasureParts

  constructor (parts: ErasureParts) {
    this.#parts = parts
  }

  /** Erases everything about a SIM; resolves with how many of its events went, once all of it is on disk. */
  async erase (imsi: string): Promise<number> {
    const { clients, dispatcher, forgetMessages, forget, audit } = this.#parts
    await clients.intendErasure(imsi)
    // Its number leads to messages, and goes with what `network` has.
    const messages = await forgetMessages(imsi)
    const events = messages + await forget(imsi)
    await dispatcher.forget(imsi)
    await clients.endErasure(imsi)
    audit(imsi, events)
    return events
  }

  /** Ends what an earlier process began. */
  async resume (): Promise<void> {
    for (const imsi of this.#parts.clients.erasures()) await this.erase(imsi)
  }
}
