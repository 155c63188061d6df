import { createInterface } from 'node:readline'
import type { ServiceError } from '@grpc/grpc-js'
import type { EventResponse } from '../../agent/api/event-message.ts'
import { EventSubscriber } from '../../agent/cli/event-subscriber.ts'

/** What a client in a process of its own is to do; its first argument, as JSON. */
export interface ClientWish {
  address: string
  /** Name of its durable queue. */
  queue: string
  window: number
  ackTimeoutSeconds: number
  /** Whether it acknowledges each event as it comes. */
  acknowledges: boolean
}

/** One line that it prints, as JSON. */
export type ClientLine =
  { said: 'opened' } |
  { said: 'event', id: number, redelivered: boolean, token: string } |
  { said: 'answer', token: string, success: boolean } |
  { said: 'ended', code: number }

const { address, queue, window, ackTimeoutSeconds, acknowledges } = JSON.parse(process.argv[2]!) as ClientWish
const subscriber = new EventSubscriber(address, 'first-attachment')
const stream = subscriber.open({
  streamType: { $case: 'durableQueue', value: { customName: queue } },
  acknowledgeOption: { $case: 'customAckTimeout', value: { seconds: BigInt(ackTimeoutSeconds), nanos: 0 } },
  maxInFlight: window,
  startPosition: { $case: 'startAtOldestPossible', value: {} }
})
stream.on('metadata', () => { tell({ said: 'opened' }) })
stream.on('error', ({ code }: ServiceError) => { tell({ said: 'ended', code }) })
stream.on('data', ({ metadata }: EventResponse) => {
  const { eventId, isRedelivered, ackInfo } = metadata!
  const token = ackInfo!.value
  tell({ said: 'event', id: Number(eventId), redelivered: isRedelivered, token })
  if (acknowledges) acknowledge(token)
})
// Whoever started it says by lines what else to acknowledge; when they are gone, so is this process.
createInterface(process.stdin).on('line', acknowledge).on('close', () => { process.exit(0) })

function acknowledge (token: string): void {
  subscriber.ack({ metadata: { ackInfo: { value: token } } } as EventResponse)
    .catch(() => false)
    .then(success => { tell({ said: 'answer', token, success }) })
}

function tell (line: ClientLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
