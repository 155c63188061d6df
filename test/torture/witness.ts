import type { EventResponse } from '../../agent/api/event-message.ts'
import { bodyJson } from '../../agent/cli/event-json.ts'
import { EventSubscriber } from '../../agent/cli/event-subscriber.ts'
import { EVENT_KINDS, type EventKind } from '../../agent/location/event.ts'
import { credentials, type ClientDuplexStream } from '@grpc/grpc-js'
import {
  EventServiceClient,
  OutcomeResult,
  SubscribeRequest,
  SubscribeSettings,
  type Event,
  type Outcome,
  type SubscribeResponse
} from '../../gen/landfall/v1/events.ts'
import type { Ledger } from './ledger.ts'

/** Kinds that are read as the contract has it, one stream each; the others come in one Subscribe. */
const BY_CONTRACT: readonly EventKind[] = ['first-attachment', 'country-change']
const BY_SUBSCRIBE: readonly EventKind[] = ['handset-change', 'periodic-country']

/** Events that may be in flight on each stream. */
const WINDOW = 200

/** A client of all four kinds that writes down what it sees. It has one durable queue. */
export class Witness {
  readonly #ledger: Ledger
  readonly #acknowledges: () => boolean
  readonly #streams: { cancel: () => void, close: () => void }[] = []
  readonly #unanswered = new Set<Promise<void>>()
  /** Acknowledgements in Subscribe that wait for their outcome. */
  readonly #asked: { kind: EventKind, id: number }[] = []
  #closed = false

  /** `acknowledges` is asked for each event. Of a new queue, the streams begin with the oldest event. */
  constructor (address: string, ledger: Ledger, acknowledges: () => boolean = () => true, queue = '') {
    this.#ledger = ledger
    this.#acknowledges = acknowledges
    for (const kind of BY_CONTRACT) this.#stream(address, kind, queue)
    this.#subscribe(address, queue)
  }

  /** Leaves; what was not acknowledged stays so. */
  async close (): Promise<void> {
    this.#closed = true
    for (const stream of this.#streams) stream.cancel()
    await Promise.all(this.#unanswered)
    for (const { kind, id } of this.#asked) this.#ledger.unanswered(kind, id)
    for (const stream of this.#streams) stream.close()
  }

  #stream (address: string, kind: EventKind, queue: string): void {
    const subscriber = new EventSubscriber(address, kind)
    const stream = subscriber.open({
      streamType: { $case: 'durableQueue', value: { customName: queue } },
      acknowledgeOption: undefined,
      maxInFlight: WINDOW,
      startPosition: { $case: 'startAtOldestPossible', value: {} }
    })
    this.#streams.push({ cancel: () => { stream.cancel() }, close: () => { subscriber.close() } })
    stream.on('error', () => {})
    stream.on('data', (event: EventResponse) => {
      if (this.#closed) return
      const { eventId, isRedelivered } = event.metadata!
      const id = Number(eventId)
      this.#ledger.received(kind, id, JSON.stringify(bodyJson(event)), isRedelivered)
      if (!this.#acknowledges()) return
      this.#ledger.acknowledging(kind, id)
      const answer = subscriber.ack(event).then(done => {
        if (done) this.#ledger.answered(kind, id)
        else this.#ledger.fault(`${kind} ${id} was delivered, and its acknowledgement failed`)
      }, () => { this.#ledger.unanswered(kind, id) }).finally(() => { this.#unanswered.delete(answer) })
      this.#unanswered.add(answer)
    })
  }

  #subscribe (address: string, queue: string): void {
    const client = new EventServiceClient(address, credentials.createInsecure())
    const call: ClientDuplexStream<SubscribeRequest, SubscribeResponse> = client.subscribe()
    this.#streams.push({ cancel: () => { call.cancel() }, close: () => { client.close() } })
    call.on('error', () => {})
    call.on('data', ({ message }: SubscribeResponse) => {
      if (this.#closed) return
      if (message?.$case === 'events') this.#hear(call, message.value.events)
      if (message?.$case === 'outcomes') this.#outcomes(message.value.outcomes)
    })
    const kinds = BY_SUBSCRIBE.map(kind => ({ kind: wireKind(kind), startPosition: { $case: 'startAtOldestPossible' as const, value: {} } }))
    call.write(SubscribeRequest.fromPartial({ settings: SubscribeSettings.fromPartial({ kinds, queue: { $case: 'durableQueue', value: queue }, maxInFlight: WINDOW }) }))
  }

  #hear (call: ClientDuplexStream<SubscribeRequest, SubscribeResponse>, events: readonly Event[]): void {
    const done = events.filter(({ kind, id, event, isRedelivered }) => {
      this.#ledger.received(kindOf(kind), Number(id), JSON.stringify(bodyJson({ [event!.$case]: event!.value })), isRedelivered)
      return this.#acknowledges()
    })
    for (const { kind, id } of done) this.#ledger.acknowledging(kindOf(kind), Number(id))
    this.#asked.push(...done.map(({ kind, id }) => ({ kind: kindOf(kind), id: Number(id) })))
    if (done.length > 0) call.write(SubscribeRequest.fromPartial({ acknowledge: done.map(({ kind, id }) => ({ kind, ids: [id] })) }))
  }

  #outcomes (outcomes: readonly Outcome[]): void {
    for (const { kind, result, ids } of outcomes) {
      for (const id of ids) {
        if (result === OutcomeResult.OUTCOME_RESULT_ACKNOWLEDGED || result === OutcomeResult.OUTCOME_RESULT_ALREADY) {
          this.#ledger.answered(kindOf(kind), Number(id))
        } else this.#ledger.fault(`${kindOf(kind)} ${id} was delivered, and its acknowledgement found ${result}`)
      }
    }
  }
}

/** Kinds have the same order here and on the wire, where 0 is "unspecified". */
function wireKind (kind: EventKind): Event['kind'] {
  return EVENT_KINDS.indexOf(kind) + 1 as Event['kind']
}

function kindOf (wire: Event['kind']): EventKind {
  return EVENT_KINDS[wire - 1]!
}
