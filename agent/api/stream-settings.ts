import type { StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import type { StartPosition } from '../delivery/start-position.ts'
import { InvalidArgument } from './status.ts'

/** Bounds and defaults of the contract (contract section 2.1, "ack default", "custom_ack_timeout", "max_in_flight"). */
const DEFAULT_WINDOW = 50
const MAX_WINDOW = 200
const DEFAULT_ACK_TIMEOUT_MS = 30_000
const MIN_ACK_TIMEOUT_MS = 10_000
const MAX_ACK_TIMEOUT_MS = 600_000

/** Long enough for any sensible name, short enough for a key and a token. */
const MAX_NAME_BYTES = 128

/** What a client asked for, checked and with the defaults filled in. */
export interface StreamRequest {
  /** `undefined`: a regular stream. */
  queueName: string | undefined
  window: number
  ackTimeoutMs: number
  start: StartPosition
  /** False: an event counts as acknowledged once it is written. */
  explicitAck: boolean
}

/** A protobuf Duration or Timestamp. */
interface Seconds { seconds: bigint, nanos: number }

const PLACE = 'stream_configuration'

/** Reads the settings of a stream. Throws InvalidArgument naming field and bound. */
export function readStreamSettings (configuration: StreamConfiguration | undefined): StreamRequest {
  const { streamType, acknowledgeOption, maxInFlight, startPosition } = configuration ?? {}
  return {
    queueName: streamType?.$case === 'regular' ? undefined : readQueueName(streamType?.value.customName ?? '', `${PLACE}.durable_queue.custom_name`),
    window: readWindow(maxInFlight ?? 0, MAX_WINDOW, PLACE),
    ackTimeoutMs: readAckTimeout(acknowledgeOption?.$case === 'customAckTimeout' ? acknowledgeOption.value : undefined, `${PLACE}.custom_ack_timeout`),
    start: readStart(startPosition),
    explicitAck: acknowledgeOption?.$case !== 'disableExplicitAck'
  }
}

function readStart (start: StreamConfiguration['startPosition']): StartPosition {
  switch (start?.$case) {
    case 'startAtId': return readStartId(start.value, PLACE)
    case 'startAtTimestamp': return readStartTime(start.value, PLACE)
    case 'startAtOldestPossible': return { at: 'oldest' }
    case 'startAtNew':
    case undefined: return { at: 'new' }
  }
}

/** Throws InvalidArgument. */
export function readStartId (id: bigint, place: string): StartPosition {
  if (id < 1n) throw new InvalidArgument(`${place}.start_at_id is ${id}: ids begin at 1`)
  // Beyond any id that there can be, it is answered as such; it need not be exact.
  return { at: 'id', id: Number(id) }
}

/** Throws InvalidArgument. */
export function readStartTime ({ seconds, nanos }: Seconds, place: string): StartPosition {
  // Bounds of google.protobuf.Timestamp: years 1 to 9999.
  if (seconds < -62_135_596_800n || seconds > 253_402_300_799n || nanos < 0 || nanos > 999_999_999) {
    throw new InvalidArgument(`${place}.start_at_timestamp is no time of the years 1 to 9999`)
  }
  return { at: 'time', time: Number(seconds) * 1000 + nanos / 1e6 }
}

/** `place`: the field, for the error. Throws InvalidArgument. */
export function readQueueName (name: string, place: string): string {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw new InvalidArgument(`${place} has more than ${MAX_NAME_BYTES} bytes`)
  if (/\p{Cc}/u.test(name)) throw new InvalidArgument(`${place} has control characters`)
  // What was not UTF-8 has become this by now; two such names could be the same one.
  if (name.includes('\ufffd')) throw new InvalidArgument(`${place} is not UTF-8`)
  return name
}

/** 0 is the default. Throws InvalidArgument. */
export function readWindow (maxInFlight: number, most: number, place: string): number {
  if (maxInFlight > most) throw new InvalidArgument(`${place}.max_in_flight is ${maxInFlight}, it may be 1 to ${most}`)
  return maxInFlight === 0 ? DEFAULT_WINDOW : maxInFlight
}

/** Throws InvalidArgument. */
export function readAckTimeout (duration: Seconds | undefined, place: string): number {
  return duration === undefined ? DEFAULT_ACK_TIMEOUT_MS : readDuration(duration, MIN_ACK_TIMEOUT_MS, MAX_ACK_TIMEOUT_MS, place)
}

/** A duration in milliseconds. Throws InvalidArgument naming the bounds. */
export function readDuration ({ seconds, nanos }: Seconds, fromMs: number, toMs: number, place: string): number {
  const duration = Number(seconds) * 1000 + nanos / 1e6
  if (duration >= fromMs && duration <= toMs) return duration
  throw new InvalidArgument(`${place} is ${duration / 1000} s, it may be ${fromMs / 1000} s to ${toMs / 1000} s`)
}
