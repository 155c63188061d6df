import type { Discards } from '../lib/discards.ts'
import { StreamTime } from '../lib/stream-time.ts'
import type { MessageOrigin } from '../transport/message-sink.ts'
import { COMMAND, EQUIPMENT_UNKNOWN, VENDOR_3GPP } from './codes.ts'
import { decode } from './decode.ts'
import { Facts } from './facts.ts'
import { FinishedTable } from './finished.ts'
import { makeHalf, type Half } from './half.ts'
import type { Sighting, SightingKind, SightingSink } from './sighting.ts'
import { IdentityCache } from './text-cache.ts'

/** Bounds of the transaction table. */
export interface TransactionOptions {
  /** Requests (and early answers) that wait at once; the oldest gives way. */
  pendingRequests: number
  /** How long a request waits, ms: longer than any peer's own timer (10 to 30 s). */
  pendingAgeMs: number
  /** How long an answer waits for a request that was captured on another interface, ms. */
  earlyAnswerAgeMs: number
}

export const DEFAULT_TRANSACTION_OPTIONS: TransactionOptions = { pendingRequests: 200_000, pendingAgeMs: 60_000, earlyAnswerAgeMs: 5_000 }

/** Halves looked at under one hash: peers that count Hop-by-Hop from the same start are this many at most. */
const MAX_CHAIN = 64

const KINDS: Readonly<Record<number, SightingKind>> = {
  [COMMAND.updateLocation]: 'ULR',
  [COMMAND.authenticationInformation]: 'AIR',
  [COMMAND.meIdentityCheck]: 'ECR',
  [COMMAND.notify]: 'NOR',
  [COMMAND.purgeUe]: 'PUR',
  [COMMAND.cancelLocation]: 'CLR',
  [COMMAND.insertSubscriberData]: 'IDR'
}

/**
 * Pairs requests with answers and makes a sighting of each that succeeded. A pair agrees in command, application and Hop-by-Hop, and
 * either runs on one connection in opposite directions or agrees in End-to-End and Session-Id as well (an answer may take another path).
 * Either half may come first. What was told once (a second leg through a relay, a resend) is not told again.
 */
export class Transactions {
  readonly #options: TransactionOptions
  readonly #onSighting: SightingSink
  readonly #discards: Discards
  readonly #facts = new Facts()
  readonly #identities = new IdentityCache()
  readonly #finished = new FinishedTable()
  readonly #time = new StreamTime()
  /** Heads of the chains of halves that wait, by hash. */
  readonly #waiting = new Map<number, Half>()
  /** All that wait, in the order in which they came; done ones are passed over. */
  #queue: Half[] = []
  #first = 0
  #count = 0

  constructor (options: TransactionOptions, onSighting: SightingSink, discards: Discards) {
    this.#options = options
    this.#onSighting = onSighting
    this.#discards = discards
  }

  /** Takes the next message. */
  message = (bytes: Uint8Array, start: number, end: number, origin: MessageOrigin): void => {
    const facts = this.#facts
    const decoded = decode(bytes, start, end, facts)
    if (decoded === 'other-command') return
    if (decoded === 'malformed') return this.#discards.count('diameter.malformed', bytes, start, end)
    if (facts.brokenGroup) this.#discards.count('diameter.malformed-group', bytes, start, end)
    const now = this.#time.advance(origin.seconds * 1000 + origin.nanoseconds / 1e6)
    this.#expire(now)
    const half = makeHalf(bytes, facts, origin, now, this.#identities)
    if (half.command === COMMAND.meIdentityCheck && !half.isRequest) half.success ||= isUnknownEquipment(facts)
    const other = this.#take(half)
    if (other === undefined) this.#wait(half)
    else if (half.isRequest) this.#finish(half, other)
    else this.#finish(other, half)
  }

  /** Ends the input: what still waits is given up. */
  end (): void {
    this.#expire(Infinity)
  }

  /** Halves that wait now. */
  stats (): { waiting: number } {
    return { waiting: this.#count }
  }

  /** Finds the other half and takes it out: the best of those that fit. */
  #take (half: Half): Half | undefined {
    let best: Half | undefined
    let bestFit = 0
    let steps = 0
    for (let other = this.#waiting.get(hashOf(half)); other !== undefined && steps < MAX_CHAIN; other = other.next, steps++) {
      const fit = fitOf(half, other)
      if (fit > bestFit) { best = other; bestFit = fit }
    }
    if (best !== undefined) this.#remove(best)
    return best
  }

  #wait (half: Half): void {
    if (this.#count >= this.#options.pendingRequests) this.#dropOldest()
    const hash = hashOf(half)
    half.next = this.#waiting.get(hash)
    this.#waiting.set(hash, half)
    this.#queue.push(half)
    this.#count++
  }

  #remove (half: Half): void {
    const hash = hashOf(half)
    let link = this.#waiting.get(hash)
    if (link === half) {
      if (half.next === undefined) this.#waiting.delete(hash)
      else this.#waiting.set(hash, half.next)
    } else {
      while (link !== undefined && link.next !== half) link = link.next
      if (link !== undefined) link.next = half.next
    }
    half.next = undefined
    half.done = true
    this.#count--
  }

  #expire (now: number): void {
    const { pendingAgeMs, earlyAnswerAgeMs } = this.#options
    while (this.#first < this.#queue.length) {
      const oldest = this.#queue[this.#first]!
      if (!oldest.done) {
        if (now - oldest.arrived <= (oldest.isRequest ? pendingAgeMs : earlyAnswerAgeMs)) break
        this.#giveUp(oldest)
      }
      this.#first++
    }
    // The part that is done with goes once it is the larger one, so that each element moves once on average.
    if (this.#first > 1_024 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
  }

  #giveUp (half: Half): void {
    this.#remove(half)
    this.#discards.count(half.isRequest ? 'diameter.request-without-answer' : 'diameter.answer-without-request')
  }

  #dropOldest (): void {
    while (this.#queue[this.#first]!.done) this.#first++
    this.#remove(this.#queue[this.#first]!)
    this.#discards.count('diameter.transactions-full')
  }

  #finish (request: Half, answer: Half): void {
    if (!answer.success) return this.#discards.count('diameter.refused')
    if (request.imsi === undefined) return this.#discards.count('diameter.no-imsi')
    if (this.#finished.isRepeated(request, this.#time.now)) return this.#discards.count('diameter.repeated')
    this.#onSighting(sightingOf(request, answer, request.imsi))
  }
}

/** Halves of one transaction have the same hash; few others do. */
function hashOf ({ hopByHop, command }: Half): number {
  return (hopByHop ^ Math.imul(command, 0x9e3779b1)) >>> 0
}

/** How well two halves fit: 0 not at all, more is better. */
function fitOf (a: Half, b: Half): number {
  if (a.isRequest === b.isRequest || a.hopByHop !== b.hopByHop || a.command !== b.command || a.applicationId !== b.applicationId) return 0
  const sameEnds = a.endToEnd === b.endToEnd
  const sameSession = a.session === b.session && a.session2 === b.session2
  const sameConnection = a.connection === b.connection && a.sourcePort === b.destinationPort && a.destinationPort === b.sourcePort
  if (!sameEnds || (!sameConnection && (!sameSession || a.session === 0))) return 0
  return 1 + (sameConnection ? 2 : 0) + (sameSession ? 4 : 0)
}

/** An EIR that does not know a handset has seen it all the same. */
function isUnknownEquipment ({ experimentalResultCode, experimentalVendor }: Facts): boolean {
  return experimentalResultCode === EQUIPMENT_UNKNOWN && experimentalVendor === VENDOR_3GPP
}

function sightingOf (request: Half, answer: Half, imsi: string): Sighting {
  return {
    kind: KINDS[request.command]!,
    time: answer.time,
    imsi,
    node: request.node,
    plmn: request.plmn,
    host: request.host,
    realm: request.realm,
    singleRegistration: request.singleRegistration,
    smsRegistered: answer.smsRegistered ?? request.smsRegistered,
    reachable: request.reachable,
    smsNumber: request.smsNumber,
    imei: request.imei,
    softwareVersion: request.softwareVersion,
    // The ULA's Subscription-Data, or that of an IDR.
    msisdn: answer.msisdn ?? request.msisdn,
    cancellationType: request.cancellationType
  }
}
