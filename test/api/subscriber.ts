import { credentials, Metadata, status, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js'
import {
  EventServiceClient,
  SubscribeRequest,
  SubscribeSettings,
  type Event,
  type Opened,
  type Outcome,
  type OutcomeResult,
  type SubscribeResponse
} from '../../gen/landfall/v1/events.ts'
import type { Owner } from '../lib/temporary.ts'

export type Settings = Parameters<typeof SubscribeSettings.fromPartial>[0]
type Request = Parameters<typeof SubscribeRequest.fromPartial>[0]

/** A client of Subscribe whose messages can be waited for one after the other. */
export class Subscriber {
  readonly #call: ClientDuplexStream<SubscribeRequest, SubscribeResponse>
  readonly opened: Promise<Opened>
  readonly ended: Promise<{ code: status, details: string }>
  readonly events: Event[] = []
  readonly outcomes: Outcome[][] = []
  #wake: () => void = () => {}

  constructor (owner: Owner, address: string, settings: Settings | undefined, token?: string) {
    const client = new EventServiceClient(address, credentials.createInsecure())
    const metadata = new Metadata()
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`)
    this.#call = client.subscribe(metadata)
    this.ended = new Promise(resolve => {
      this.#call.on('error', ({ code, details }: ServiceError) => { resolve({ code, details }) })
      this.#call.on('end', () => { resolve({ code: status.OK, details: '' }) })
    })
    this.opened = new Promise(resolve => {
      this.#call.on('data', ({ message }: SubscribeResponse) => {
        if (message?.$case === 'opened') resolve(message.value)
        else if (message?.$case === 'events') this.events.push(...message.value.events)
        else if (message?.$case === 'outcomes') this.outcomes.push(message.value.outcomes)
        this.#wake()
      })
    })
    owner.teardown(() => { this.#call.cancel(); client.close() })
    if (settings !== undefined) this.say({ settings: SubscribeSettings.fromPartial(settings) })
  }

  say (request: Request): void {
    this.#call.write(SubscribeRequest.fromPartial(request))
  }

  finish (): void {
    this.#call.end()
  }

  cancel (): void {
    this.#call.cancel()
  }

  /** The next so many events. */
  async take (count: number): Promise<Event[]> {
    while (this.events.length < count) await new Promise<void>(resolve => { this.#wake = resolve })
    return this.events.splice(0, count)
  }

  /** Says something and waits for what became of it: [result, ids] each. */
  async ask (request: Request): Promise<[OutcomeResult, number[]][]> {
    this.say(request)
    while (this.outcomes.length === 0) await new Promise<void>(resolve => { this.#wake = resolve })
    return this.outcomes.shift()!.map(({ result, ids }) => [result, ids.map(Number)])
  }
}
