import type { Clock } from '../lib/clock.ts'
import type { Message } from '../store/message-record.ts'
import { timeKey } from '../store/outbox-keys.ts'
import type { Link, Outcome } from './link.ts'
import { nextFragment, sent, settled, subscriberReturned, timedOut } from './message.ts'
import type { Outbox } from './outbox.ts'
import { Ramp } from './ramp.ts'
import type { Receipts } from './receipts.ts'
import { submissionOf, type Destination } from './submission.ts'

/** Messages that are looked at in one turn at most, so that other work gets its own. */
const TURN = 200

/** Messages that time has ended which one commit settles at most. */
const ENDING = 200

/** The longest time without a look at the wall clock, which may be set, ms. */
const LOOK_MS = 60_000

/** What the relay needs of its surroundings. */
export interface RelayParts {
  outbox: Outbox
  clock: Clock
  /** The links that lead to where a message goes now, the one to prefer first. */
  paths: (message: Message, destination: Destination | undefined) => readonly Link[]
  /** Finds the subscriber of a number, newest registration first. */
  find: (tenant: number, msisdn: string) => Destination | undefined
  /** Resolves once the return of these SIMs is told from now on. */
  watch: (imsis: readonly string[]) => Promise<void>
  receipts: Receipts
  /** 0 to 1. */
  chance: () => number
  /** A record is damaged: the process must end. */
  fatal: (error: unknown) => void
}

/** One fragment that goes to a link. */
interface Dispatch { id: string, place: number, link: Link, subscriber: string, destination: Destination | undefined }

/** A message that is kept to be looked at; `subscriber`: it lets the next one of theirs go where it is not sent itself. */
interface Held { id: string, subscriber: string | undefined }

/**
 * Brings messages from the outbox to the links in the order in which they are due: one fragment of a subscriber at a time, as many
 * subscribers at once as the links take.
 *
 * Invariant: a message that may go out now is found by the next look at the index, or is in `#ready`, behind another one of its
 * subscriber's, or behind its link; or it is under way.
 */
export class Relay {
  readonly #parts: RelayParts
  readonly #ramps = new Map<Link, Ramp>()
  /** Messages to look at first. */
  readonly #ready: Held[] = []
  /** Messages that found another one of their subscriber under way. */
  readonly #behind = new Map<string, Held[]>()
  /** Messages whose link had no room. */
  readonly #stalled = new Map<Link, Held[]>()
  /** Ids of everything in the three above that has not ended. */
  readonly #held = new Set<string>()
  /** How many in the three above have ended. */
  #dead = 0
  /** Links that were up when they were last looked at. */
  readonly #wereUp = new Set<Link>()
  /** Subscribers with a fragment under way, and whether they have come back meanwhile. */
  readonly #underWay = new Map<string, { id: string, returned: boolean }>()
  /** How far the index was looked through. */
  #cursor: Buffer | undefined
  /** Resolves when the turn that is under way has ended. */
  #turning: Promise<void> | undefined
  #again = false
  #stopped = false
  #alarm: { at: number, cancel: () => void } | undefined
  /** Told when nothing is under way. */
  #quiet: () => void = () => {}

  /** `links`: all there are. */
  constructor (parts: RelayParts, links: readonly Link[]) {
    this.#parts = parts
    for (const link of links) this.#ramps.set(link, new Ramp(link))
  }

  /** Settles fragments of which nothing is known because an earlier process gave them to a link. Before anything is sent. */
  async recover (): Promise<void> {
    const { outbox, clock, chance } = this.#parts
    const ids = [...outbox.store.open()].map(({ id }) => id)
    const lost = (message: Message): number => message.fragments.findIndex(({ state }) => state === 'in-flight')
    const found = ids.filter(id => {
      const message = outbox.store.message(id)
      return message !== undefined && lost(message) >= 0
    })
    await outbox.change(found.map(id => ({ id, step: message => settled(message, lost(message), LOST, clock.now(), outbox.policy, chance()) })))
  }

  /** There may be something to do. */
  readonly wake = (): void => {
    if (this.#stopped) return
    if (this.#turning !== undefined) this.#again = true
    else this.#turning = this.#turn().catch(this.#parts.fatal)
  }

  /** A link has come up, or has room again. */
  linkReady (link: Link): void {
    this.#release(this.#stalled, link, this.#ramp(link).room)
    this.wake()
  }

  /** A message waits anew, or from an earlier time on. */
  waiting (message: Message): void {
    const { id, nextAt, endsAt } = message
    if (this.#isPassed(message)) this.#hold(this.#ready, { id, subscriber: undefined })
    if (nextAt <= this.#parts.clock.now()) this.wake()
    this.#arm(Math.min(nextAt, endsAt))
  }

  /** A message has ended: nobody needs to hold it any more. */
  ended (id: string): void {
    if (!this.#held.delete(id) || ++this.#dead < MAX_DEAD) return
    const isHeld = ({ id }: Held): boolean => this.#held.has(id)
    this.#ready.splice(0, Infinity, ...this.#ready.filter(isHeld))
    for (const lists of [this.#behind, this.#stalled] as Map<unknown, Held[]>[]) for (const [key, list] of lists) lists.set(key, list.filter(isHeld))
    this.#dead = 0
  }

  /** The network has seen that a subscriber can be reached: `ids`, their messages. */
  async returned (ids: readonly string[]): Promise<void> {
    const { outbox, clock } = this.#parts
    for (const underWay of this.#underWay.values()) if (ids.includes(underWay.id)) underWay.returned = true
    await outbox.change(ids.map(id => ({ id, step: message => subscriberReturned(message, clock.now()) })))
  }

  /** Sends nothing more; resolves when what is under way has its outcome. */
  async stop (): Promise<void> {
    this.#stopped = true
    this.#alarm?.cancel()
    await this.#turning
    if (this.#underWay.size > 0) await new Promise<void>(resolve => { this.#quiet = resolve })
  }

  async #turn (): Promise<void> {
    do {
      this.#again = false
      await this.#endSome()
      if (!this.#stopped) await this.#dispatch(this.#choose())
      await new Promise<void>(resolve => { setImmediate(resolve) })
    } while (this.#again && !this.#stopped)
    if (!this.#stopped) {
      const { due, ending } = this.#parts.outbox.store.nextTimes(this.#parts.clock.now())
      this.#arm(Math.min(due, ending))
    }
    this.#turning = undefined
  }

  /** Settles messages whose time has come. */
  async #endSome (): Promise<void> {
    const { outbox, clock } = this.#parts
    const ids = outbox.store.ending(clock.now(), ENDING)
    if (ids.length === 0) return
    await outbox.change(ids.map(id => ({ id, step: message => timedOut(message, clock.now(), outbox.policy) })))
    if (ids.length === ENDING) this.#again = true
  }

  /** What can go out now. */
  #choose (): Dispatch[] {
    const chosen: Dispatch[] = []
    this.#reroute()
    for (let looked = 0; [...this.#ramps.values()].some(({ room }) => room > 0); looked++) {
      if (looked === TURN) {
        this.#again = true
        break
      }
      const held = this.#next() ?? this.#nextStalled()
      if (held === undefined) break
      const dispatch = this.#look(held)
      if (dispatch !== undefined) chosen.push(dispatch)
    }
    return chosen
  }

  /** What waited for a link that has gone down may have another way. */
  #reroute (): void {
    for (const link of this.#ramps.keys()) {
      if (link.up) this.#wereUp.add(link)
      else if (this.#wereUp.delete(link)) this.#release(this.#stalled, link, Infinity)
    }
  }

  /** One that waits for a link that has room: those that were let go before it may have ended. */
  #nextStalled (): Held | undefined {
    for (const [link, ramp] of this.#ramps) {
      while (ramp.room > 0 && this.#stalled.has(link)) {
        this.#release(this.#stalled, link, ramp.room)
        const next = this.#next()
        if (next !== undefined) return next
      }
    }
    return undefined
  }

  #next (): Held | undefined {
    for (let ready = this.#ready.shift(); ready !== undefined; ready = this.#ready.shift()) {
      // One that has ended lets the next of its subscriber's be looked at, too.
      if (this.#held.delete(ready.id)) return ready
      if (ready.subscriber !== undefined) this.#release(this.#behind, ready.subscriber, 1)
    }
    for (;;) {
      const [next] = this.#parts.outbox.store.due(this.#parts.clock.now(), 1, this.#cursor)
      if (next === undefined) return undefined
      this.#cursor = next.key
      if (!this.#held.has(next.id)) return { id: next.id, subscriber: undefined }
    }
  }

  /** How a message can go out now; where it cannot, it is kept where it will be found when it can. */
  #look (held: Held): Dispatch | undefined {
    const { outbox, clock, paths, find } = this.#parts
    const message = outbox.store.message(held.id)
    const now = clock.now()
    // The clock was set back: the index shall lead to it again when its time has come.
    if (message !== undefined && message.nextAt > now && this.#isPassed(message)) this.#cursor = undefined
    const isDue = message !== undefined && message.nextAt <= now && now < message.deadlineAt
    const place = isDue ? nextFragment(message) : undefined
    if (message === undefined || place === undefined) {
      if (held.subscriber !== undefined) this.#release(this.#behind, held.subscriber, 1)
      return undefined
    }
    const subscriber = subscriberOf(message)
    if (this.#underWay.has(subscriber)) {
      // A message that has begun goes before those that have not.
      this.#hold(listOf(this.#behind, subscriber), { id: held.id, subscriber }, place > 0)
      return undefined
    }
    const destination = find(message.tenant, message.msisdn)
    const possible = paths(message, destination)
    const link = possible.find(({ up }) => up) ?? possible[0]
    if (link === undefined) {
      this.#underWay.set(subscriber, { id: held.id, returned: false })
      void this.#noPath(held.id, place, subscriber)
      return undefined
    }
    const ramp = this.#ramp(link)
    if (ramp.room <= 0) {
      this.#hold(listOf(this.#stalled, link), { id: held.id, subscriber })
      return undefined
    }
    ramp.take()
    this.#underWay.set(subscriber, { id: held.id, returned: false })
    return { id: held.id, place, link, subscriber, destination }
  }

  /** No link leads to the subscriber now: as if the network had said that they are away. */
  async #noPath (id: string, place: number, subscriber: string): Promise<void> {
    await this.#parts.outbox.change([{
      id,
      step: message => nextFragment(message) === place ? this.#settle(sent(message, place, ''), place, NO_PATH, subscriber) : message
    }])
    this.#free(subscriber)
  }

  /** On disk first, then to the links. */
  async #dispatch (dispatches: readonly Dispatch[]): Promise<void> {
    if (dispatches.length === 0) return
    const { outbox, watch } = this.#parts
    const watched = watch(dispatches.flatMap(({ destination }) => destination?.imsi ?? []))
    const messages = await outbox.change(dispatches.map(({ id, place, link, destination }) => ({
      id,
      // The number may have come to another SIM, or become known as one's: it is that SIM's return that counts from now on.
      step: message => nextFragment(message) === place ? { ...sent(message, place, link.name), imsi: destination?.imsi ?? message.imsi } : message
    })))
    await watched
    dispatches.forEach((dispatch, at) => {
      const message = messages[at]
      // It was cancelled, or erased, since it was looked at.
      if (message === undefined || message.endedAt > 0 || message.state !== 'in-flight') {
        this.#ramp(dispatch.link).giveBack()
        this.#free(dispatch.subscriber)
      } else void this.#send(dispatch, message)
    })
    // There may be more.
    this.#again = true
  }

  async #send ({ id, place, link, subscriber, destination }: Dispatch, message: Message): Promise<void> {
    const outcome = await this.#ramp(link).send(async () => await link.submit(submissionOf(message, place, destination, this.#parts.clock.now())))
    const { outbox, receipts } = this.#parts
    const step = (message: Message): Message => this.#settle(message, place, outcome, subscriber)
    // Without an id there are no receipts.
    if (outcome.kind === 'accepted' && outcome.id !== '') await receipts.named(link.name, outcome.id, { id, fragment: place }, step)
    else await outbox.change([{ id, step }])
    this.#release(this.#stalled, link, this.#ramp(link).room)
    this.#free(subscriber)
  }

  #settle (message: Message, place: number, outcome: Outcome, subscriber: string): Message {
    const { outbox, clock, chance } = this.#parts
    return settled(message, place, outcome, clock.now(), outbox.policy, chance(), this.#underWay.get(subscriber)?.returned)
  }

  #free (subscriber: string): void {
    this.#underWay.delete(subscriber)
    this.#release(this.#behind, subscriber, 1)
    if (this.#underWay.size === 0) this.#quiet()
    this.wake()
  }

  /** Whether the index was looked through beyond a message's place in it. */
  #isPassed ({ id, nextAt }: Message): boolean {
    return this.#cursor !== undefined && timeKey(nextAt, id).compare(this.#cursor) <= 0
  }

  #ramp (link: Link): Ramp { return this.#ramps.get(link)! }

  #hold (list: Held[], held: Held, first = false): void {
    if (this.#held.has(held.id)) return
    this.#held.add(held.id)
    if (first) list.unshift(held)
    else list.push(held)
  }

  #release<Key> (lists: Map<Key, Held[]>, key: Key, count: number): void {
    const list = lists.get(key)
    if (list === undefined || count <= 0) return
    this.#ready.push(...list.splice(0, count))
    if (list.length === 0) lists.delete(key)
  }

  /** Rings at a time of the wall clock, or at the next look at it. */
  #arm (at: number): void {
    if (this.#stopped || (this.#alarm !== undefined && this.#alarm.at <= at)) return
    this.#alarm?.cancel()
    const { clock } = this.#parts
    const cancel = clock.after(Math.min(Math.max(at - clock.now(), 0), LOOK_MS), () => {
      this.#alarm = undefined
      this.wake()
    })
    this.#alarm = { at, cancel }
  }
}

/** Messages that have ended which are held at most, in memory. */
const MAX_DEAD = 10_000

const LOST: Outcome = { kind: 'unknown', cause: 'restart' }
const NO_PATH: Outcome = { kind: 'temporary', cause: 'sgd.no-serving-node', absent: true }

function subscriberOf ({ tenant, msisdn }: Message): string {
  return `${tenant} ${msisdn}`
}

function listOf<Key> (lists: Map<Key, Held[]>, key: Key): Held[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}
