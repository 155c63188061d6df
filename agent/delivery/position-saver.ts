import type { ClientsStore, QueueChange } from '../store/clients.ts'

/** Something that can say what is to be written of it now, and is told when that is on disk. */
export interface Saveable {
  change: () => QueueChange
  saved: (change: QueueChange) => void
}

/**
 * Writes changes of queues in group commits: one commit is under way at a time, and all that is asked for meanwhile goes into the next.
 */
export class PositionSaver {
  readonly #clients: ClientsStore
  readonly #onFatal: (error: unknown) => void
  #wanted = new Set<Saveable>()
  /** Resolves when everything wanted now is on disk. */
  #next: Promise<void> | undefined
  #running: Promise<void> = Promise.resolve()

  /** `onFatal` is told of a commit that failed, or of damage: nobody knows then what the disk holds, and the process must end. */
  constructor (clients: ClientsStore, onFatal: (error: unknown) => void) {
    this.#clients = clients
    this.#onFatal = onFatal
  }

  /** Resolves once what is to be written now is on disk. Never resolves after a failed commit. */
  async save (item: Saveable): Promise<void> {
    this.#wanted.add(item)
    this.#next ??= this.#running.then(async () => {
      this.#next = undefined
      this.#running = this.#commit()
      await this.#running
    })
    await this.#next
  }

  /** Writes last words, after all that was asked for before. */
  async finish (changes: readonly QueueChange[]): Promise<void> {
    while (this.#next !== undefined) await this.#next
    await this.#running
    await this.#clients.save(changes)
  }

  async #commit (): Promise<void> {
    try {
      const batch = [...this.#wanted].map(item => ({ item, change: item.change() }))
      this.#wanted = new Set()
      await this.#clients.save(batch.map(({ change }) => change))
      for (const { item, change } of batch) item.saved(change)
    } catch (error) {
      this.#onFatal(error)
      await new Promise<never>(() => {})
    }
  }
}
