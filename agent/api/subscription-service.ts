import { randomBytes } from 'node:crypto'
import {
  Metadata,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream
} from '@grpc/grpc-js'
import type { SmsEventServiceServer } from '../../gen/landfall/v1/sms.ts'
import { AckStatus_StatusCode, type AckInfo, type AckStatus, type StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import type { SubscriptionEventServiceServer } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import type { AckTarget, Dispatcher, Opened } from '../delivery/dispatcher.ts'
import type { QueueTarget } from '../delivery/live-queue.ts'
import type { Delivery } from '../delivery/queue.ts'
import type { AckTokens } from '../delivery/token.ts'
import type { LogKind, StoredEvent } from '../store/event-record.ts'
import { callerOf, demandLife, type Caller } from './caller.ts'
import { auditRefusal, who, type Audit } from './audit.ts'
import { eventBody, timestamp, type EventResponse } from './event-message.ts'
import type { Identifiers } from './identifier.ts'
import type { MethodScopes } from './method-scopes.ts'
import { deliveryStatus, InvalidArgument, PermissionDenied, Unavailable } from './status.ts'
import { limitLife, type LifeLimits } from './stream-life.ts'
import { readStreamSettings } from './stream-settings.ts'

interface StreamRequest { streamConfiguration: StreamConfiguration | undefined }
interface AckRequest { ackInfo: AckInfo | undefined }
interface AckResponse { ackStatus: AckStatus | undefined }
type EventCall = ServerWritableStream<StreamRequest, EventResponse>

/** What the services that deliver events need of the rest of the house. */
export interface DeliveryParts extends LifeLimits {
  dispatcher: Dispatcher
  tokens: AckTokens
  identifiers: Identifiers
  scopes: MethodScopes
  audit: Audit
  /** Names of the tenants whose country changes carry the IMSI. */
  imsiOfMoves: ReadonlySet<string>
  /** Deliveries after which an event is parked; 0 for no limit. */
  maxDeliveries: number
}

/** Bytes of the name that a regular stream's own queue has. */
const REGULAR_NAME_BYTES = 8

/** The queue that a stream of a client reads: the named one, or one of its own. */
export function queueTarget ({ tenant, client }: Caller, kind: LogKind, name: string | undefined): QueueTarget {
  const durable = name !== undefined
  return { queue: { tenant: tenant.number, client, kind, name: name ?? randomBytes(REGULAR_NAME_BYTES).toString('hex') }, durable }
}

/** What an ack token of the caller's names. Throws InvalidArgument or PermissionDenied. */
export function readToken (tokens: AckTokens, caller: Caller, value: string): AckTarget {
  const target = tokens.read(value)
  if (target === undefined) throw new InvalidArgument('this is not a token of this server: send back the ack_info that came with the event, unchanged')
  const { tenant, client } = target.queue
  if (tenant !== caller.tenant.number || client !== caller.client) throw new PermissionDenied('this token was given to another client')
  return target
}

/** The pairs of Stream and Ack: the contract's four, and the two about short messages. */
export class SubscriptionService {
  readonly #parts: DeliveryParts
  /** Ends each open stream. */
  readonly #open = new Map<EventCall, () => void>()
  #stopping = false

  constructor (parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Handlers of the contract's streams. */
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

  /** Handlers of the streams about short messages. */
  smsHandlers (): SmsEventServiceServer {
    return {
      streamSmsDeliveryEvents: this.#streamOf('sms-delivery'),
      ackSmsDeliveryEvent: this.#ackOf('sms-delivery'),
      streamReceivedSmsEvents: this.#streamOf('received-sms'),
      ackReceivedSmsEvent: this.#ackOf('received-sms')
    }
  }

  /** Ends all streams with UNAVAILABLE, so that clients connect again, and opens no more. */
  stop (): void {
    this.#stopping = true
    for (const [call, end] of this.#open) {
      end()
      call.emit('error', stopping())
    }
  }

  /** They differ in the name of one field only; `eventBody` fills the one that belongs to the kind. */
  #streamOf<Request extends StreamRequest, Response> (kind: LogKind): handleServerStreamingCall<Request, Response> {
    return call => { this.#stream(kind, call as unknown as EventCall) }
  }

  #ackOf<Request extends AckRequest, Response extends AckResponse> (kind: LogKind): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      this.#ack(kind, call as ServerUnaryCall<AckRequest, AckResponse>, callback as unknown as sendUnaryData<AckResponse>)
        .catch((error: unknown) => {
          auditRefusal(this.#parts.audit, callerOf(call), call.getPath(), error)
          callback(error as Error)
        })
    }
  }

  #stream (kind: LogKind, call: EventCall): void {
    try {
      if (this.#stopping) throw stopping()
      this.#serve(kind, call)
    } catch (error) {
      auditRefusal(this.#parts.audit, callerOf(call), call.getPath(), error)
      call.emit('error', deliveryStatus(error))
    }
  }

  #serve (kind: LogKind, call: EventCall): void {
    const { dispatcher, clock, audit, maxDeliveries } = this.#parts
    const caller = callerOf(call)
    demandLife(caller, clock.now())
    const { queueName, start, explicitAck, window, ackTimeoutMs } = readStreamSettings(call.request.streamConfiguration)
    const target = queueTarget(caller, kind, queueName)
    const send = (_live: unknown, delivery: Delivery, stored: StoredEvent): boolean => {
      if (call.destroyed) return false
      const written = explicitAck ? undefined : () => { void dispatcher.ack({ ...target, id: delivery.id }) }
      return call.write(this.#response(caller, target, delivery, stored), written)
    }
    const handle = dispatcher.open([{ ...target, start }], { window, ackTimeoutMs, maxDeliveries }, { send })
    const keepLife = limitLife(this.#parts, caller, why => {
      end()
      call.emit('error', why)
    })
    const end = (): void => {
      if (!this.#open.delete(call)) return
      keepLife()
      handle.close()
      audit('ended', what)
    }
    const what = { ...who(caller), kinds: [kind], queue: queueName }
    audit('subscribed', what)
    this.#open.set(call, end)
    call.on('drain', handle.resume)
    // After a cancel there is never a 'drain'; any of these is the end.
    call.on('cancelled', end)
    call.on('close', end)
    call.on('error', end)
    // The client's call is open once it has headers, so that it knows before the first event.
    call.sendMetadata(openedHeaders(handle.opened[0]!, start.at !== 'new'))
  }

  #response (caller: Caller, target: QueueTarget, delivery: Delivery, stored: StoredEvent): EventResponse {
    const { tokens, identifiers, imsiOfMoves } = this.#parts
    const event = stored.event!
    return {
      ...eventBody(event, imsiOfMoves.has(caller.tenant.name)),
      metadata: {
        timestamp: timestamp(event.time),
        identifier: event.imsi === undefined ? undefined : identifiers.of(caller, event.imsi),
        ackInfo: { value: tokens.make({ ...target, id: delivery.id }) },
        isRedelivered: delivery.redelivered,
        eventId: BigInt(delivery.id)
      }
    }
  }

  async #ack (kind: LogKind, call: ServerUnaryCall<AckRequest, AckResponse>, callback: sendUnaryData<AckResponse>): Promise<void> {
    const target = readToken(this.#parts.tokens, callerOf(call), call.request.ackInfo?.value ?? '')
    if (target.queue.kind !== kind) {
      throw new InvalidArgument(`ack_info.value belongs to a ${target.queue.kind} event: acknowledge it with the call of that kind`)
    }
    const outcome = await this.#parts.dispatcher.ack(target)
    const statusCode = outcome === 'unknown' ? AckStatus_StatusCode.STATUS_CODE_FAILURE : AckStatus_StatusCode.STATUS_CODE_SUCCESS
    const trailer = new Metadata()
    trailer.set('landfall-ack-outcome', outcome)
    callback(null, { ackStatus: { statusCode } }, trailer)
  }
}

/** The agent stops. */
export function stopping (): Unavailable {
  return new Unavailable('the agent is stopping: connect again')
}

/**
 * What a client is told where a stream opens, in words for programs: `landfall-start-position: unused` when it asked for one and a position
 * was stored; `landfall-missed-events` and `landfall-missed-up-to-id` when retention took something from its queue.
 */
function openedHeaders ({ startUsed, missed }: Opened, startAsked: boolean): Metadata {
  const headers = new Metadata()
  if (startAsked && !startUsed) headers.set('landfall-start-position', 'unused')
  if (missed.count > 0) {
    headers.set('landfall-missed-events', String(missed.count))
    headers.set('landfall-missed-up-to-id', String(missed.upTo))
  }
  return headers
}
