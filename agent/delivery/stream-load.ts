/** What one open stream asked for. Streams of one queue may differ. */
export interface StreamSettings {
  /** How many events may be sent and not acknowledged on this stream, of all kinds that it reads together. */
  window: number
  /** Time from sending an event to sending it again. */
  ackTimeoutMs: number
  /** Deliveries after which an event is parked instead of sent again; 0 for no limit. */
  maxDeliveries: number
}

/** Bytes that one stream may have in flight: far above what a window of events takes, so that only a fault meets it. */
const WINDOW_BYTES = 1 << 20

/** What one open stream carries at the moment. Where it reads several queues, they share it. */
export class StreamLoad {
  readonly settings: StreamSettings
  readonly #listeners: (() => void)[] = []
  #inFlight = 0
  #bytes = 0
  #blocked = false

  constructor (settings: StreamSettings) {
    this.settings = settings
  }

  /** `changed` is called after each change, so that whoever keeps streams in order can put this one in its new place. */
  watch (changed: () => void): void {
    this.#listeners.push(changed)
  }

  /** Whether the client has as much unacknowledged as it may. */
  get full (): boolean {
    return this.#inFlight >= this.settings.window || this.#bytes >= WINDOW_BYTES
  }

  /** Whether it takes another event now. */
  get free (): boolean { return !this.#blocked && !this.full }

  /** Part of the window that is in use. */
  get share (): number { return this.#inFlight / this.settings.window }

  /** The transport is full (true) or takes more again (false). */
  block (blocked: boolean): void {
    this.#blocked = blocked
    this.#changed()
  }

  /** An event is sent. */
  take (): void {
    this.#inFlight++
    this.#changed()
  }

  /** Adds the bytes of an event that was sent. */
  weigh (bytes: number): void {
    this.#bytes += bytes
    this.#changed()
  }

  /** An event is no longer in flight. */
  land (bytes: number): void {
    this.#inFlight--
    this.#bytes -= bytes
    this.#changed()
  }

  #changed (): void {
    for (const listener of this.#listeners) listener()
  }
}
