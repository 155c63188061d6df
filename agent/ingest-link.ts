import { Worker } from 'node:worker_threads'
import type { IngestMessage, IngestRequest, IngestThreadData } from './ingest-thread.ts'
import type { Imported, ReplaySummary } from './ingest.ts'
import type { ImportedSubscriber } from './location/imported.ts'
import { asDamage, StoreDamaged } from './store/damage.ts'
import type { EventLog, Heads } from './store/event-log.ts'

/** Ingest would not do what was asked; the text says why. */
class IngestRefusal extends Error {}

/** Told when room on the disk has run out (`low`), and when there is room again. */
export type SpaceListener = (low: boolean, freeMib: number) => void

type Ask<T = IngestRequest> = T extends { id: number } ? Omit<T, 'id'> : never

/** The main thread's end of the upper half. */
export class IngestLink {
  readonly #worker: Worker
  readonly #pending = new Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>()
  #lastId = 0
  #stopping = false
  #ended = false

  /** Told of logs that have grown, after it is on disk. */
  onGrew: (logs: EventLog[], heads: Heads) => void = () => {}

  /** Told of watched SIMs that can be reached again. */
  onReturned: (imsis: string[]) => void = () => {}

  readonly #onSpace: SpaceListener

  private constructor (worker: Worker, onSpace: SpaceListener) {
    this.#worker = worker
    this.#onSpace = onSpace
  }

  /**
   * Starts the thread; resolves once it has opened its data. `onFatal` is told when it cannot go on or has ended by itself: a process
   * with half of its work gone must end. Rejects with what kept it from opening them, StoreDamaged among others.
   */
  static async start (data: IngestThreadData, onFatal: (error: Error) => void, onSpace: SpaceListener): Promise<IngestLink> {
    const worker = new Worker(new URL('./ingest-thread.js', import.meta.url), { workerData: data, name: 'ingest' })
    const link = new IngestLink(worker, onSpace)
    const directory = data.config.state_directory
    await new Promise<void>((resolve, reject) => {
      let ready = false
      const fail = (error: Error): void => {
        if (link.#stopping) return
        if (ready) onFatal(error)
        else reject(error)
      }
      worker.on('message', (message: IngestMessage) => {
        if (message.say === 'ready') { ready = true; resolve() } else link.#hear(message, directory, fail)
      })
      worker.on('error', error => { fail(asDamage(error, directory)) })
      worker.on('exit', code => {
        link.#ended = true
        fail(new Error(`the ingest thread ended with ${code}`))
      })
    })
    return link
  }

  /** Opens a run of captures and gives its number. `speed`: times the captured pace, 0 for as fast as it goes. */
  async openReplay (speed: number): Promise<number> {
    return await this.#ask({ ask: 'replay-open', speed }) as number
  }

  /** Hands bytes of a capture on; resolves when more may come. Rejects with IngestRefusal where they are no capture. */
  async replayData (replay: number, bytes: Uint8Array): Promise<void> {
    await this.#ask({ ask: 'replay-data', replay, bytes })
  }

  async replayEndOfFile (replay: number): Promise<void> {
    await this.#ask({ ask: 'replay-end-of-file', replay })
  }

  /** Ends a run; resolves once all of it is on disk. */
  async closeReplay (replay: number): Promise<ReplaySummary> {
    return await this.#ask({ ask: 'replay-close', replay }) as ReplaySummary
  }

  /** Resolves with what the subscribers were, once they are on disk. */
  async import (rows: ImportedSubscriber[]): Promise<Imported> {
    return await this.#ask({ ask: 'import', rows }) as Imported
  }

  /** Erases what is stored of a SIM; resolves with how many of its events went, once that is on disk. */
  async forget (imsi: string): Promise<number> {
    return await this.#ask({ ask: 'forget', imsi }) as number
  }

  /** Resolves once the return of these SIMs is told from now on, or (not `wanted`) is not any more. */
  async watch (imsis: readonly string[], wanted: boolean): Promise<void> {
    // An agent that stops sends nothing more, so nobody's return matters.
    if (!this.#stopping) await this.#ask({ ask: 'watch', imsis, wanted })
  }

  /** Writes nothing more; resolves when what is under way has ended. Before an exit that cannot wait for an orderly end. */
  async halt (): Promise<void> {
    this.#stopping = true
    if (!this.#ended) await this.#ask({ ask: 'halt' })
  }

  /** Commits what is under way, closes the data and ends the thread. */
  async stop (): Promise<void> {
    this.#stopping = true
    const ended = new Promise(resolve => { this.#worker.once('exit', resolve) })
    await this.#ask({ ask: 'stop' })
    await ended
  }

  async #ask (ask: Ask): Promise<unknown> {
    const id = ++this.#lastId
    return await new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#worker.postMessage({ id, ...ask })
    })
  }

  #hear (message: IngestMessage, directory: string, fail: (error: Error) => void): void {
    switch (message.say) {
      case 'grew': this.onGrew(message.logs, message.heads); break
      case 'returned': this.onReturned(message.imsis); break
      case 'space': this.#onSpace(message.low, message.freeMib); break
      case 'answer': this.#take(message.id)?.resolve(message.value); break
      case 'refusal': this.#take(message.id)?.reject(new IngestRefusal(message.text)); break
      case 'fatal': fail(message.damaged ? new StoreDamaged(message.text, directory) : new Error(message.text)); break
      case 'ready':
    }
  }

  #take (id: number): { resolve: (value: unknown) => void, reject: (error: Error) => void } | undefined {
    const waiting = this.#pending.get(id)
    this.#pending.delete(id)
    return waiting
  }
}
