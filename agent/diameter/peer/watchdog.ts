import type { Clock } from '../../lib/clock.ts'

/** Each interval is so much longer or shorter, at random, so that peers that started together do not ask together (RFC 3539 clause 3.4.1). */
const JITTER_MS = 2_000

/** Answered watchdogs after which a connection that replaces a lost one carries requests again (RFC 3539 clause 3.4.1). */
const REOPEN_ANSWERS = 3

/** What a watchdog does to its connection. */
export interface WatchdogActions {
  /** Sends a DWR. */
  probe: () => void
  /** It became fit or unfit for requests. */
  changed: () => void
  /** The peer is gone: the connection has to be closed. */
  dead: () => void
}

/**
 * The watchdog of one connection (RFC 3539 clause 3.4.1). Of its states INITIAL and DOWN have no connection and so no watchdog; `reopen` is where
 * a connection begins that replaces one lost without goodbye: the peer may throw away what it has for us until it trusts us again.
 */
export class Watchdog {
  readonly #intervalMs: number
  readonly #clock: Clock
  readonly #actions: WatchdogActions
  #state: 'okay' | 'suspect' | 'reopen'
  /** A DWR waits for its answer. */
  #pending = false
  /** Answers since it was reopened; -1: one was missed. */
  #answers = 0
  #cancel = (): void => {}

  constructor (intervalMs: number, begin: 'okay' | 'reopen', clock: Clock, actions: WatchdogActions) {
    this.#intervalMs = intervalMs
    this.#clock = clock
    this.#actions = actions
    this.#state = begin
    if (begin === 'reopen') this.#probe()
    this.#wind()
  }

  /** Why no request may be sent, in words; undefined when they may. */
  get trouble (): string | undefined {
    switch (this.#state) {
      case 'okay': return undefined
      case 'suspect': return 'the peer does not answer'
      case 'reopen': return 'the peer came back without a goodbye, and has to answer some watchdogs first'
    }
  }

  /** A message came: `isAnswer` for a DWA. */
  heard (isAnswer: boolean): void {
    if (isAnswer) this.#pending = false
    if (this.#state === 'reopen') {
      if (isAnswer && ++this.#answers >= REOPEN_ANSWERS) this.#turn('okay')
      // Only answers count here, and the timer runs on: it asks again.
      return
    }
    this.#wind()
    if (this.#state === 'suspect') this.#turn('okay')
  }

  stop (): void {
    this.#cancel()
  }

  #expired (): void {
    if (!this.#pending) this.#probe()
    else if (this.#state === 'okay') this.#turn('suspect')
    else if (this.#state === 'reopen' && this.#answers >= 0) this.#answers = -1
    else return this.#actions.dead()
    this.#wind()
  }

  #probe (): void {
    this.#pending = true
    this.#actions.probe()
  }

  #wind (): void {
    this.#cancel()
    this.#cancel = this.#clock.after(this.#intervalMs + (Math.random() * 2 - 1) * JITTER_MS, () => { this.#expired() })
  }

  #turn (state: 'okay' | 'suspect'): void {
    this.#state = state
    this.#actions.changed()
  }
}
