import { EVENT_KINDS, type EventKind } from '../../agent/location/event.ts'

/** What clients of one durable queue have seen of one kind of events. */
class Page {
  /** Id → what the event said. */
  readonly contents = new Map<number, string>()
  /** Ids whose acknowledgement was answered. */
  readonly answered = new Set<number>()
  /** Ids whose acknowledgement was sent and never answered: it may have counted or not. */
  readonly doubtful = new Set<number>()
  /** Up to here it was compared and found to be sound. */
  compared = 0
}

/**
 * Keeps what clients saw and were told, over every crash, and notes what must not be: an event that comes again after its acknowledgement
 * was answered, one that comes again unmarked, an id that means two events.
 */
export class Ledger {
  readonly #pages = new Map<EventKind, Page>(EVENT_KINDS.map(kind => [kind, new Page()]))
  #faults: string[] = []
  /** Acknowledgements under way, and when each was sent. */
  #sent = new Map<string, number>()
  #quickestMs = Infinity
  #watchers = new Set<() => void>()

  /** An event has come. `content`: what it says, the delivery aside. */
  received (kind: EventKind, id: number, content: string, redelivered: boolean): void {
    const { contents, answered, doubtful } = this.#page(kind)
    doubtful.delete(id)
    if (answered.has(id)) this.fault(`${kind} ${id} came again after its acknowledgement was answered`)
    const before = contents.get(id)
    if (before !== undefined && before !== content) this.fault(`${kind} ${id} was another event before: ${before}, now ${content}`)
    if (before !== undefined && !redelivered) this.fault(`${kind} ${id} came again without a mark`)
    contents.set(id, content)
    this.#changed()
  }

  /** An acknowledgement is sent. */
  acknowledging (kind: EventKind, id: number): void {
    this.#sent.set(`${kind} ${id}`, performance.now())
  }

  /** The server has answered that an event is acknowledged. */
  answered (kind: EventKind, id: number): void {
    const sent = this.#sent.get(`${kind} ${id}`)
    if (sent !== undefined) this.#quickestMs = Math.min(this.#quickestMs, performance.now() - sent)
    const { answered, doubtful } = this.#page(kind)
    answered.add(id)
    doubtful.delete(id)
    this.#changed()
  }

  /** The agent has ended before it answered an acknowledgement. */
  unanswered (kind: EventKind, id: number): void {
    const { answered, doubtful } = this.#page(kind)
    if (!answered.has(id)) doubtful.add(id)
  }

  /** How many acknowledgements were answered in all. */
  get answers (): number {
    let sum = 0
    for (const { answered } of this.#pages.values()) sum += answered.size
    return sum
  }

  /** Begins to measure how long answers take, of acknowledgements that are sent from now on. */
  timeAnswers (): void {
    this.#sent.clear()
    this.#quickestMs = Infinity
  }

  /** How long the quickest answer took; Infinity when there was none. */
  get quickestMs (): number { return this.#quickestMs }

  fault (text: string): void {
    this.#faults.push(text)
  }

  /** The faults since the last time. */
  takeFaults (): string[] {
    return this.#faults.splice(0)
  }

  /** How many events of a kind are acknowledged, for all that clients know. */
  settled (kind: EventKind): number {
    const { answered, doubtful } = this.#page(kind)
    return answered.size + doubtful.size
  }

  /** The same for all kinds together. */
  get settledInAll (): number { return EVENT_KINDS.reduce((sum, kind) => sum + this.settled(kind), 0) }

  /** Compares what is new with a ledger that nothing happened to: the same ids, without gaps, with the same content, and all acknowledged. */
  compare (sound: Ledger): string[] {
    return EVENT_KINDS.flatMap(kind => {
      const page = this.#page(kind)
      const { contents, answered, doubtful } = page
      const expected = sound.#page(kind).contents
      const faults: string[] = []
      const last = Math.max(expected.size, contents.size)
      for (let id = page.compared + 1; id <= last; id++) {
        const [found, wanted] = [contents.get(id), expected.get(id)]
        if (found === undefined) faults.push(`${kind} ${id} is lost`)
        else if (wanted === undefined) faults.push(`${kind} ${id} is one too many: ${found}`)
        else if (found !== wanted) faults.push(`${kind} ${id} should be ${wanted}, it is ${found}`)
        else if (!answered.has(id) && !doubtful.has(id)) faults.push(`${kind} ${id} is not acknowledged`)
      }
      page.compared = last
      return faults
    })
  }

  /** Resolves once `done` holds; rejects after `limitMs`, saying what was waited for. */
  async until (what: string, done: () => boolean, limitMs = 60_000): Promise<void> {
    if (done()) return
    await new Promise<void>((resolve, reject) => {
      const watcher = (): void => {
        if (!done()) return
        clearTimeout(timer)
        this.#watchers.delete(watcher)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher)
        reject(new Error(`${what}: not within ${limitMs / 1000} s`))
      }, limitMs)
      this.#watchers.add(watcher)
    })
  }

  #page (kind: EventKind): Page { return this.#pages.get(kind)! }

  #changed (): void {
    for (const watcher of this.#watchers) watcher()
  }
}
