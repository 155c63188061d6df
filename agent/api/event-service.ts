import type { sendUnaryData, ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js'
import type {
  AcknowledgeRequest,
  AcknowledgeResponse,
  EventServiceServer,
  SubscribeRequest,
  SubscribeResponse
} from '../../gen/landfall/v1/events.ts'
import { callerOf, demandScope } from './caller.ts'
import { auditRefusal } from './audit.ts'
import { ACK_RESULTS } from './subscribe-message.ts'
import { Subscription } from './subscription.ts'
import { readToken, stopping, type DeliveryParts } from './subscription-service.ts'
import { InvalidArgument } from './status.ts'

/** Tokens in one call at most. */
const MAX_TOKENS = 1_000

/** Landfall's own service: events with their acknowledgements in one stream, and acknowledgements by the hundred. */
export class EventService {
  readonly #parts: DeliveryParts
  readonly #open = new Set<Subscription>()
  #stopping = false

  constructor (parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Handlers for the gRPC server. */
  handlers (): EventServiceServer {
    return {
      subscribe: call => { this.#subscribe(call) },
      acknowledge: (call, callback) => {
        this.#acknowledge(call, callback).catch((error: unknown) => {
          auditRefusal(this.#parts.audit, callerOf(call), call.getPath(), error)
          callback(error as Error)
        })
      }
    }
  }

  /** Ends all streams: no more deliveries, acknowledgements that were read are committed and answered, then UNAVAILABLE. */
  async stop (): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.#open].map(async subscription => { await subscription.end(stopping()) }))
  }

  #subscribe (call: ServerDuplexStream<SubscribeRequest, SubscribeResponse>): void {
    if (this.#stopping) {
      call.emit('error', stopping())
      return
    }
    const subscription = new Subscription(call, callerOf(call), this.#parts, () => { this.#open.delete(subscription) })
    this.#open.add(subscription)
  }

  async #acknowledge (
    call: ServerUnaryCall<AcknowledgeRequest, AcknowledgeResponse>, callback: sendUnaryData<AcknowledgeResponse>
  ): Promise<void> {
    const { request: { tokens } } = call
    if (tokens.length < 1 || tokens.length > MAX_TOKENS) throw new InvalidArgument(`tokens has ${tokens.length} entries, it may have 1 to ${MAX_TOKENS}`)
    const caller = callerOf(call)
    const targets = tokens.map(token => readToken(this.#parts.tokens, caller, token))
    for (const kind of new Set(targets.map(({ queue }) => queue.kind))) demandScope(caller, this.#parts.scopes.ofKind(kind), `acknowledging ${kind} events`)
    const outcomes = await this.#parts.dispatcher.ackAll(targets)
    callback(null, { results: outcomes.map(outcome => ACK_RESULTS[outcome]) })
  }
}
