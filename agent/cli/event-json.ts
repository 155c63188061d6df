import { ReceivedSmsEvent, SmsDeliveryEvent } from '../../gen/landfall/v1/sms.ts'
import { eventBody } from '../api/event-message.ts'
import {
  CountryChangeEvent,
  FirstAttachmentEvent,
  HandsetChangeEvent,
  PeriodicCountryEvent
} from '../../gen/wgtwo/subscription/v1/subscription.ts'
import type { SubscriberEvent } from '../location/event.ts'

/** An event in the field names of the contract's JSON form, with what its metadata would tell. */
export function eventJson (event: SubscriberEvent): object {
  const { kind, imsi, time } = event
  return { type: kind, imsi, timestamp: new Date(time).toISOString(), ...bodyJson(eventBody(event)) }
}

/** The body of an event message in the contract's JSON form. */
export function bodyJson (body: object): object {
  const { handsetChangeEvent, firstAttachmentEvent, countryChangeEvent, periodicCountryEvent, smsDeliveryEvent, receivedSmsEvent } =
    body as Partial<Record<string, never>>
  if (handsetChangeEvent !== undefined) return { handsetChangeEvent: HandsetChangeEvent.toJSON(handsetChangeEvent) }
  if (firstAttachmentEvent !== undefined) return { firstAttachmentEvent: FirstAttachmentEvent.toJSON(firstAttachmentEvent) }
  if (countryChangeEvent !== undefined) return { countryChangeEvent: CountryChangeEvent.toJSON(countryChangeEvent) }
  if (smsDeliveryEvent !== undefined) return { smsDeliveryEvent: SmsDeliveryEvent.toJSON(smsDeliveryEvent) }
  if (receivedSmsEvent !== undefined) return { receivedSmsEvent: ReceivedSmsEvent.toJSON(receivedSmsEvent) }
  return { periodicCountryEvent: PeriodicCountryEvent.toJSON(periodicCountryEvent!) }
}
