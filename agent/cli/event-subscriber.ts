import { credentials, Metadata, type ChannelCredentials, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js'
import { SmsEventServiceClient } from '../../gen/landfall/v1/sms.ts'
import { AckStatus_StatusCode, type AckInfo, type AckStatus, type StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import { SubscriptionEventServiceClient } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import type { EventResponse } from '../api/event-message.ts'
import type { LogKind } from '../store/event-record.ts'

interface Ack { ackInfo: AckInfo | undefined }
type Open = (request: { streamConfiguration: StreamConfiguration | undefined }, metadata: Metadata) => ClientReadableStream<EventResponse>
type AckCall = (request: Ack, metadata: Metadata, callback: (error: ServiceError | null, answer: { ackStatus: AckStatus | undefined }) => void) => unknown

/** A client of one kind's stream, as anybody would write it against the contract. */
export class EventSubscriber {
  readonly #client: SubscriptionEventServiceClient
  readonly #sms: SmsEventServiceClient
  readonly #kind: LogKind
  readonly #metadata = new Metadata()

  /** `address`: HOST:PORT or unix:PATH; `token`: a bearer token, where one is needed; `channel`: how to trust what is there, plaintext by default. */
  constructor (address: string, kind: LogKind, token?: string, channel: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new SubscriptionEventServiceClient(address, channel)
    this.#sms = new SmsEventServiceClient(address, channel, { channelOverride: this.#client.getChannel() })
    this.#kind = kind
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`)
  }

  /** Opens the stream. */
  open (configuration: StreamConfiguration): ClientReadableStream<EventResponse> {
    const [client, sms] = [this.#client, this.#sms]
    const open: Record<LogKind, unknown> = {
      'handset-change': client.streamHandsetChangeEvents,
      'first-attachment': client.streamFirstAttachmentEvents,
      'country-change': client.streamCountryChangeEvents,
      'periodic-country': client.streamPeriodicCountryEvents,
      'sms-delivery': sms.streamSmsDeliveryEvents,
      'received-sms': sms.streamReceivedSmsEvents
    }
    return (open[this.#kind] as Open).call(this.#of(), { streamConfiguration: configuration }, this.#metadata)
  }

  /** Acknowledges an event; resolves with whether the server has stored that. */
  async ack (response: EventResponse): Promise<boolean> {
    const [client, sms] = [this.#client, this.#sms]
    const ack: Record<LogKind, unknown> = {
      'handset-change': client.ackHandsetChangeEvent,
      'first-attachment': client.ackFirstAttachmentEvent,
      'country-change': client.ackCountryChangeEvent,
      'periodic-country': client.ackPeriodicCountryEvent,
      'sms-delivery': sms.ackSmsDeliveryEvent,
      'received-sms': sms.ackReceivedSmsEvent
    }
    return await new Promise((resolve, reject) => {
      (ack[this.#kind] as AckCall).call(this.#of(), { ackInfo: response.metadata?.ackInfo }, this.#metadata, (error, answer) => {
        if (error === null) resolve(answer.ackStatus?.statusCode === AckStatus_StatusCode.STATUS_CODE_SUCCESS)
        else reject(error)
      })
    })
  }

  close (): void {
    this.#client.close()
  }

  /** The client that has the calls of its kind. */
  #of (): SubscriptionEventServiceClient | SmsEventServiceClient {
    return this.#kind === 'sms-delivery' || this.#kind === 'received-sms' ? this.#sms : this.#client
  }
}
