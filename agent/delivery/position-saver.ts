import type { ClientsStore, QueueName } from '../store/clients.ts'
import type { Queue } from './queue.ts'

/**
 * Saves positions of queues in group commits: one commit is under way at a time, and all that is asked for meanwhile goes into the next.
 */
export class PositionSaver {
  readonly #clients: ClientsStore
  readonly #onFatal: (error: unknown) => void
  #wanted = new Map<Queue, QueueName>()
  /** Resolves when everything wanted now is on disk. */
  #next: Promise<void> | undefined
  #running: Promise<void> = Promise.resolve()

  /** `onFatal` is told of a commit that failed: nobody knows then what the disk holds, and the process must end. */
  constructor (clients: ClientsStore, onFatal: (error: unknown) => void) {
    this.#clients = clients
    this.#onFatal = onFatal
  }

  /** Resolves once the queue's position, as it is now, is on disk. Never resolves after a failed commit. */
  async save (name: QueueName, queue: Queue): Promise<void> {
    this.#wanted.set(queue, name)
    this.#next ??= this.#running.then(async () => {
      this.#next = undefined
      this.#running = this.#commit()
      await this.#running
    })
    await this.#next
  }

  /** Saves the positions of queues from which nothing more will be sent. */
  async rest (queues: readonly { name: QueueName, queue: Queue }[]): Promise<void> {
    await this.#running
    await this.#clients.save(queues.map(({ name, queue }) => ({ queue: name, position: queue.restingPosition() })))
  }

  async #commit (): Promise<void> {
    const batch = [...this.#wanted].map(([queue, name]) => ({ live: queue, queue: name, position: queue.position() }))
    this.#wanted = new Map()
    try {
      await this.#clients.save(batch)
    } catch (error) {
      this.#onFatal(error)
      await new Promise<never>(() => {})
    }
    for (const { live, position } of batch) live.saved(position)
  }
}
