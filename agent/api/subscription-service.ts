import {
  Metadata,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream
} from '@grpc/grpc-js'
import { AckStatus_StatusCode, type AckInfo, type AckStatus, type StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import type { SubscriptionEventServiceServer } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { LimitReached, type Dispatcher } from '../delivery/dispatcher.ts'
import type { Delivery } from '../delivery/queue.ts'
import type { AckTokens } from '../delivery/token.ts'
import type { EventKind } from '../location/event.ts'
import type { QueueName } from '../store/clients.ts'
import type { StoredEvent } from '../store/event-record.ts'
import { CLIENT, TENANT } from '../store/tenant.ts'
import { eventBody, timestamp, type EventResponse } from './event-message.ts'
import type { Pseudonyms } from './pseudonym.ts'
import { InvalidArgument, ResourceExhausted, Unavailable } from './status.ts'
import { readStreamSettings } from './stream-settings.ts'

interface StreamRequest { streamConfiguration: StreamConfiguration | undefined }
interface AckRequest { ackInfo: AckInfo | undefined }
interface AckResponse { ackStatus: AckStatus | undefined }
type EventCall = ServerWritableStream<StreamRequest, EventResponse>

/** What the service needs of the rest of the house. */
export interface SubscriptionServiceParts {
  dispatcher: Dispatcher
  tokens: AckTokens
  pseudonyms: Pseudonyms
  region: string
}

/** The four pairs of Stream and Ack. */
export class SubscriptionService {
  readonly #parts: SubscriptionServiceParts
  /** Ends each open stream. */
  readonly #open = new Map<EventCall, () => void>()
  #stopping = false

  constructor (parts: SubscriptionServiceParts) {
    this.#parts = parts
  }

  /** Handlers for the gRPC server. */
  handlers (): SubscriptionEventServiceServer {
    return {
      streamHandsetChangeEvents: this.#streamOf('handset-change'),
      ackHandsetChangeEvent: this.#ackOf('handset-change'),
      streamFirstAttachmentEvents: this.#streamOf('first-attachment'),
      ackFirstAttachmentEvent: this.#ackOf('first-attachment'),
      streamCountryChangeEvents: this.#streamOf('country-change'),
      ackCountryChangeEvent: this.#ackOf('country-change'),
      streamPeriodicCountryEvents: this.#streamOf('periodic-country'),
      ackPeriodicCountryEvent: this.#ackOf('periodic-country')
    }
  }

  /** Ends all streams with UNAVAILABLE, so that clients connect again, and opens no more. */
  stop (): void {
    this.#stopping = true
    for (const [call, end] of this.#open) {
      end()
      call.emit('error', new Unavailable('the agent is stopping: connect again'))
    }
  }

  /** The four differ in the name of one field only; `eventBody` fills the one that belongs to the kind. */
  #streamOf<Request extends StreamRequest, Response> (kind: EventKind): handleServerStreamingCall<Request, Response> {
    return call => { this.#stream(kind, call as unknown as EventCall) }
  }

  #ackOf<Request extends AckRequest, Response extends AckResponse> (kind: EventKind): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      void this.#ack(kind, call as ServerUnaryCall<AckRequest, AckResponse>, callback as unknown as sendUnaryData<AckResponse>)
    }
  }

  #stream (kind: EventKind, call: EventCall): void {
    try {
      if (this.#stopping) throw new Unavailable('the agent is stopping: connect again')
      this.#serve(kind, call)
    } catch (error) {
      call.emit('error', error instanceof LimitReached ? new ResourceExhausted(error.message) : error)
    }
  }

  #serve (kind: EventKind, call: EventCall): void {
    const { queueName, explicitAck, ...settings } = readStreamSettings(call.request.streamConfiguration)
    const queue: QueueName = { tenant: TENANT.number, client: CLIENT, kind, name: queueName }
    const send = (delivery: Delivery, stored: StoredEvent): boolean => {
      if (call.destroyed) return false
      const written = explicitAck ? undefined : () => { void this.#parts.dispatcher.ack(queue, delivery.id) }
      return call.write(this.#response(queue, delivery, stored), written)
    }
    const handle = this.#parts.dispatcher.open(queue, settings, { send })
    const end = (): void => {
      this.#open.delete(call)
      handle.close()
    }
    this.#open.set(call, end)
    call.on('drain', handle.resume)
    // After a cancel there is never a 'drain'; any of these is the end.
    call.on('cancelled', end)
    call.on('close', end)
    call.on('error', end)
    // The client's call is open once it has headers, so that it knows before the first event.
    call.sendMetadata(new Metadata())
  }

  #response (queue: QueueName, delivery: Delivery, stored: StoredEvent): EventResponse {
    const { tokens, pseudonyms, region } = this.#parts
    const event = stored.event!
    return {
      ...eventBody(event),
      metadata: {
        timestamp: timestamp(event.time),
        identifier: {
          subscriptionIdentifier: {
            value: pseudonyms.pairwise(CLIENT, TENANT.name, event.imsi),
            wg2rn: pseudonyms.resourceName(TENANT.name, region, event.imsi)
          }
        },
        ackInfo: { value: tokens.make({ queue, id: delivery.id }) },
        isRedelivered: delivery.redelivered,
        eventId: BigInt(delivery.id)
      }
    }
  }

  async #ack (kind: EventKind, call: ServerUnaryCall<AckRequest, AckResponse>, callback: sendUnaryData<AckResponse>): Promise<void> {
    const target = this.#parts.tokens.read(call.request.ackInfo?.value ?? '')
    if (target === undefined) {
      callback(new InvalidArgument('ack_info.value is not a token of this server: send back what came with the event, unchanged'))
      return
    }
    if (target.queue.kind !== kind) {
      callback(new InvalidArgument(`ack_info.value belongs to a ${target.queue.kind} event: acknowledge it with the call of that kind`))
      return
    }
    const outcome = await this.#parts.dispatcher.ack(target.queue, target.id)
    const statusCode = outcome === 'unknown' ? AckStatus_StatusCode.STATUS_CODE_FAILURE : AckStatus_StatusCode.STATUS_CODE_SUCCESS
    callback(null, { ackStatus: { statusCode } })
  }
}
