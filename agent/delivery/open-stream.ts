import type { QueueName } from '../store/clients.ts'
import type { StoredEvent } from '../store/event-record.ts'
import type { LiveQueue } from './live-queue.ts'
import type { Delivery } from './queue.ts'
import { StreamLoad, type StreamSettings } from './stream-load.ts'

/** Where an open stream's events go. */
export interface StreamSink {
  /** Sends one event; false when the transport takes no more until `StreamHandle.resume`. */
  send: (live: LiveQueue, delivery: Delivery, event: StoredEvent) => boolean
}

/** One open stream and the queues that it reads, one for each kind of events. */
export class OpenStream {
  readonly number: number
  readonly load: StreamLoad
  readonly sink: StreamSink
  readonly queues: readonly LiveQueue[]
  #turn = 0

  constructor (number: number, settings: StreamSettings, sink: StreamSink, queues: readonly LiveQueue[]) {
    this.number = number
    this.load = new StreamLoad(settings)
    this.sink = sink
    this.queues = queues
  }

  /** Its queues, each time another one first: they share one window, and none may always be served before the others. */
  inTurn (): LiveQueue[] {
    const first = this.#turn++ % this.queues.length
    return [...this.queues.slice(first), ...this.queues.slice(0, first)]
  }

  /** The queue of a kind, where the stream reads that kind. */
  queueOf (kind: QueueName['kind']): LiveQueue | undefined {
    return this.queues.find(({ target }) => target.queue.kind === kind)
  }
}
