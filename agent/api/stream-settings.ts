import type { StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import type { StreamSettings } from '../delivery/queue.ts'
import { InvalidArgument, NotServed } from './status.ts'

/** Bounds and defaults of the contract (contract section 2.1, "ack default", "custom_ack_timeout", "max_in_flight"). */
const DEFAULT_WINDOW = 50
const MAX_WINDOW = 200
const DEFAULT_ACK_TIMEOUT_MS = 30_000
const MIN_ACK_TIMEOUT_MS = 10_000
const MAX_ACK_TIMEOUT_MS = 600_000

/** Long enough for any sensible name, short enough for a key and a token. */
const MAX_NAME_BYTES = 128

/** What a client asked for, checked and with the defaults filled in. */
export interface StreamRequest extends StreamSettings {
  queueName: string
  /** False: an event counts as acknowledged once it is written. */
  explicitAck: boolean
}

/** Reads the settings of a stream. Throws InvalidArgument naming field and bound. */
export function readStreamSettings (configuration: StreamConfiguration | undefined): StreamRequest {
  const { streamType, acknowledgeOption, maxInFlight, startPosition } = configuration ?? {}
  if (streamType?.$case === 'regular') throw new NotServed('stream_configuration.regular is not served yet: leave it out for a durable queue')
  if (startPosition !== undefined && startPosition.$case !== 'startAtNew') {
    throw new NotServed('stream_configuration: only start_at_new is served yet as start position')
  }
  const queueName = streamType?.value.customName ?? ''
  if (Buffer.byteLength(queueName) > MAX_NAME_BYTES) {
    throw new InvalidArgument(`stream_configuration.durable_queue.custom_name has more than ${MAX_NAME_BYTES} bytes`)
  }
  return {
    queueName,
    window: readWindow(maxInFlight ?? 0),
    ackTimeoutMs: acknowledgeOption?.$case === 'customAckTimeout' ? readAckTimeout(acknowledgeOption.value) : DEFAULT_ACK_TIMEOUT_MS,
    explicitAck: acknowledgeOption?.$case !== 'disableExplicitAck'
  }
}

function readWindow (maxInFlight: number): number {
  if (maxInFlight > MAX_WINDOW) throw new InvalidArgument(`stream_configuration.max_in_flight is ${maxInFlight}, it may be 1 to ${MAX_WINDOW}`)
  return maxInFlight === 0 ? DEFAULT_WINDOW : maxInFlight
}

function readAckTimeout ({ seconds, nanos }: { seconds: bigint, nanos: number }): number {
  const timeout = Number(seconds) * 1000 + nanos / 1e6
  if (timeout >= MIN_ACK_TIMEOUT_MS && timeout <= MAX_ACK_TIMEOUT_MS) return timeout
  throw new InvalidArgument(`stream_configuration.custom_ack_timeout is ${timeout / 1000} s, it may be ` +
    `${MIN_ACK_TIMEOUT_MS / 1000} s to ${MAX_ACK_TIMEOUT_MS / 1000} s`)
}
