import { credentials, Metadata, type ChannelCredentials, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js'
import { AckStatus_StatusCode, type AckInfo, type AckStatus, type StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import { SubscriptionEventServiceClient } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import type { EventResponse } from '../api/event-message.ts'
import type { EventKind } from '../location/event.ts'

interface Ack { ackInfo: AckInfo | undefined }
type Open = (request: { streamConfiguration: StreamConfiguration | undefined }, metadata: Metadata) => ClientReadableStream<EventResponse>
type AckCall = (request: Ack, metadata: Metadata, callback: (error: ServiceError | null, answer: { ackStatus: AckStatus | undefined }) => void) => unknown

/** A client of one kind's stream, as anybody would write it against the contract. */
export class EventSubscriber {
  readonly #client: SubscriptionEventServiceClient
  readonly #kind: EventKind
  readonly #metadata = new Metadata()

  /** `address`: HOST:PORT or unix:PATH; `token`: a bearer token, where one is needed; `channel`: how to trust what is there, plaintext by default. */
  constructor (address: string, kind: EventKind, token?: string, channel: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new SubscriptionEventServiceClient(address, channel)
    this.#kind = kind
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`)
  }

  /** Opens the stream. */
  open (configuration: StreamConfiguration): ClientReadableStream<EventResponse> {
    const client = this.#client
    const open: Record<EventKind, unknown> = {
      'handset-change': client.streamHandsetChangeEvents,
      'first-attachment': client.streamFirstAttachmentEvents,
      'country-change': client.streamCountryChangeEvents,
      'periodic-country': client.streamPeriodicCountryEvents
    }
    return (open[this.#kind] as Open).call(client, { streamConfiguration: configuration }, this.#metadata)
  }

  /** Acknowledges an event; resolves with whether the server has stored that. */
  async ack (response: EventResponse): Promise<boolean> {
    const client = this.#client
    const ack: Record<EventKind, unknown> = {
      'handset-change': client.ackHandsetChangeEvent,
      'first-attachment': client.ackFirstAttachmentEvent,
      'country-change': client.ackCountryChangeEvent,
      'periodic-country': client.ackPeriodicCountryEvent
    }
    return await new Promise((resolve, reject) => {
      (ack[this.#kind] as AckCall).call(client, { ackInfo: response.metadata?.ackInfo }, this.#metadata, (error, answer) => {
        if (error === null) resolve(answer.ackStatus?.statusCode === AckStatus_StatusCode.STATUS_CODE_SUCCESS)
        else reject(error)
      })
    })
  }

  close (): void {
    this.#client.close()
  }
}
