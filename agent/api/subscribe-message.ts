import {
  OutcomeResult,
  type Event,
  type EventKind as WireKind,
  type KindSettings,
  type Opened as WireOpened,
  type Outcome,
  type SubscribeSettings
} from '../../gen/landfall/v1/events.ts'
import type { Identifier } from '../../gen/wgtwo/events/v1/events.ts'
import type { Opened } from '../delivery/dispatcher.ts'
import type { Delivery } from '../delivery/queue.ts'
import type { StartPosition } from '../delivery/start-position.ts'
import type { StreamSettings } from '../delivery/stream-load.ts'
import { LOG_KINDS, type LogKind, type LoggedEvent } from '../store/event-record.ts'
import { eventBody, timestamp } from './event-message.ts'
import { InvalidArgument } from './status.ts'
import { readAckTimeout, readQueueName, readStartId, readStartTime, readWindow } from './stream-settings.ts'

/** Bounds of the settings, as the proto file states them. */
const MAX_WINDOW = 1_000
const MAX_DELIVERIES = 1_000

/** Outcomes on the wire. */
export const ACK_RESULTS = {
  acknowledged: OutcomeResult.OUTCOME_RESULT_ACKNOWLEDGED,
  already: OutcomeResult.OUTCOME_RESULT_ALREADY,
  unknown: OutcomeResult.OUTCOME_RESULT_UNKNOWN
} as const
export const RETURN_RESULTS = {
  done: OutcomeResult.OUTCOME_RESULT_RETURNED,
  unknown: OutcomeResult.OUTCOME_RESULT_UNKNOWN,
  refused: OutcomeResult.OUTCOME_RESULT_REFUSED
} as const
export const EXTEND_RESULTS = { ...RETURN_RESULTS, done: OutcomeResult.OUTCOME_RESULT_EXTENDED } as const

/** What a client asked for, checked and with the defaults filled in. */
export interface SubscribeWish {
  kinds: { kind: LogKind, start: StartPosition }[]
  /** `undefined`: a regular stream. */
  queueName: string | undefined
  stream: StreamSettings
}

/** Reads the settings of a stream; `maxDeliveries` is the agent's own. Throws InvalidArgument naming field and bound. */
export function readSubscribeSettings (settings: SubscribeSettings, maxDeliveries: number): SubscribeWish {
  const { kinds, queue, ackTimeout, maxInFlight } = settings
  if (kinds.length === 0) throw new InvalidArgument('settings.kinds is empty: name at least one kind of events')
  const read = kinds.map((kind, index) => ({ kind: readKind(kind.kind, `settings.kinds[${index}].kind`), start: readStart(kind, `settings.kinds[${index}]`) }))
  if (new Set(read.map(({ kind }) => kind)).size < read.length) throw new InvalidArgument('settings.kinds names a kind twice')
  if (settings.maxDeliveries > MAX_DELIVERIES) {
    throw new InvalidArgument(`settings.max_deliveries is ${settings.maxDeliveries}, it may be 1 to ${MAX_DELIVERIES}`)
  }
  return {
    kinds: read,
    queueName: queue?.$case === 'regular' ? undefined : readQueueName(queue?.value ?? '', 'settings.durable_queue'),
    stream: {
      window: readWindow(maxInFlight, MAX_WINDOW, 'settings'),
      ackTimeoutMs: readAckTimeout(ackTimeout, 'settings.ack_timeout'),
      maxDeliveries: settings.maxDeliveries > 0 ? settings.maxDeliveries : maxDeliveries
    }
  }
}

function readStart ({ startPosition }: KindSettings, place: string): StartPosition {
  switch (startPosition?.$case) {
    case 'startAtId': return readStartId(startPosition.value, place)
    case 'startAtTimestamp': return readStartTime(startPosition.value, place)
    case 'startAtOldestPossible': return { at: 'oldest' }
    case undefined: return { at: 'new' }
  }
}

/** The kind that a wire value means. Throws InvalidArgument naming the field. */
export function readKind (kind: WireKind, place: string): LogKind {
  const found = LOG_KINDS[kind - 1]
  if (found === undefined) throw new InvalidArgument(`${place} is ${kind}, which is no kind of events`)
  return found
}

/** Kinds have the same order here and on the wire, where 0 is "unspecified". */
function wireKind (kind: LogKind): WireKind {
  return LOG_KINDS.indexOf(kind) + 1 as WireKind
}

/** An event as the stream carries it. */
export function wireEvent (event: LoggedEvent, delivery: Delivery, identifier: Identifier | undefined, withImsi: boolean): Event {
  const [[$case, value]] = Object.entries(eventBody(event, withImsi)) as [[string, unknown]]
  return {
    kind: wireKind(event.kind),
    id: BigInt(delivery.id),
    timestamp: timestamp(event.time),
    identifier,
    deliveryAttempt: delivery.attempt,
    firstDelivered: delivery.firstAt > 0 ? timestamp(delivery.firstAt) : undefined,
    isRedelivered: delivery.redelivered,
    event: { $case, value } as Exclude<Event['event'], undefined>
  }
}

/** What was found where the stream begins, as the stream carries it. */
export function wireOpened (opened: readonly Opened[]): WireOpened {
  return {
    kinds: opened.map(({ kind, startUsed, missed }) => ({
      kind: wireKind(kind),
      startPositionUsed: startUsed,
      missedEvents: BigInt(missed.count),
      missedUpToId: BigInt(missed.upTo)
    }))
  }
}

/** Outcomes of some ids, those of one result together. */
export function wireOutcomes (kind: LogKind, ids: readonly bigint[], results: readonly OutcomeResult[]): Outcome[] {
  const outcomes = new Map<OutcomeResult, Outcome>()
  ids.forEach((id, index) => {
    const result = results[index]!
    const outcome = outcomes.get(result)
    if (outcome === undefined) outcomes.set(result, { kind: wireKind(kind), result, ids: [id] })
    else outcome.ids.push(id)
  })
  return [...outcomes.values()]
}
