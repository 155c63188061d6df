import { status, type ServiceError } from '@grpc/grpc-js'
import type { SmsDeliveryEvent } from '../../gen/landfall/v1/sms.ts'
import type { EventResponse } from '../../agent/api/event-message.ts'
import { EventSubscriber } from '../../agent/cli/event-subscriber.ts'
import type { SmsLedger } from './sms-ledger.ts'

/** Events that may be in flight. */
const WINDOW = 200

/** A client that reads what becomes of messages, in one durable queue, and acknowledges. */
export class DeliveryWitness {
  readonly #subscriber: EventSubscriber
  readonly #cancel: () => void

  /** `acknowledges` is asked for each event. */
  constructor (address: string, ledger: SmsLedger, acknowledges: () => boolean = () => true) {
    this.#subscriber = new EventSubscriber(address, 'sms-delivery')
    const stream = this.#subscriber.open({
      streamType: { $case: 'durableQueue', value: { customName: '' } },
      acknowledgeOption: undefined,
      maxInFlight: WINDOW,
      startPosition: { $case: 'startAtOldestPossible', value: {} }
    })
    this.#cancel = () => { stream.cancel() }
    stream.on('error', ({ code, message }: ServiceError) => {
      if (code !== status.UNAVAILABLE && code !== status.CANCELLED) ledger.fault(`the stream of events ended: ${message}`)
    })
    stream.on('data', (response: EventResponse) => {
      ledger.told(Number(response.metadata!.eventId), (response as { smsDeliveryEvent: SmsDeliveryEvent }).smsDeliveryEvent)
      if (acknowledges()) this.#subscriber.ack(response).then(done => { if (!done) ledger.fault('an event was delivered, and its acknowledgement failed') }, () => {})
    })
  }

  close (): void {
    this.#cancel()
    this.#subscriber.close()
  }
}
