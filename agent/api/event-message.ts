import type { StreamReceivedSmsEventsResponse, StreamSmsDeliveryEventsResponse } from '../../gen/landfall/v1/sms.ts'
import type { Metadata } from '../../gen/wgtwo/events/v1/events.ts'
import type { Country, E164, Imsi } from '../../gen/wgtwo/common/v1/types.ts'
import type {
  Handset,
  StreamCountryChangeEventsResponse,
  StreamFirstAttachmentEventsResponse,
  StreamHandsetChangeEventsResponse,
  StreamPeriodicCountryEventsResponse
} from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { countryName } from '../location/countries.ts'
import type { EventHandset } from '../location/event.ts'
import type { LoggedEvent } from '../store/event-record.ts'
import { deliveryEvent, receivedEvent } from './sms-event-message.ts'

/** The body of any of the responses: everything but the metadata. */
export type EventBody =
  Omit<StreamHandsetChangeEventsResponse, 'metadata'> | Omit<StreamFirstAttachmentEventsResponse, 'metadata'> |
  Omit<StreamCountryChangeEventsResponse, 'metadata'> | Omit<StreamPeriodicCountryEventsResponse, 'metadata'> |
  Omit<StreamSmsDeliveryEventsResponse, 'metadata'> | Omit<StreamReceivedSmsEventsResponse, 'metadata'>

export type EventResponse = EventBody & { metadata: Metadata | undefined }

/** Puts an event into the words of the contract. `withImsi`: a country change carries the IMSI, which is an extension. */
export function eventBody (event: LoggedEvent, withImsi = false): EventBody {
  if (event.kind === 'sms-delivery') return { smsDeliveryEvent: deliveryEvent(event) }
  if (event.kind === 'received-sms') return { receivedSmsEvent: receivedEvent(event) }
  const imsi: Imsi = { value: event.imsi }
  const number: E164 | undefined = event.number === undefined ? undefined : { e164: `+${event.number}` }
  switch (event.kind) {
    case 'handset-change':
      return { handsetChangeEvent: { previous: handset(event.previousHandset), current: handset(event.handset), imsi, number } }
    case 'first-attachment':
      return { firstAttachmentEvent: { number, imsi } }
    case 'country-change':
      return {
        countryChangeEvent: {
          previous: country(event.previousCountry), current: country(event.country), number, imsi: withImsi ? imsi : undefined
        }
      }
    case 'periodic-country':
      return { periodicCountryEvent: { number, imsi, country: country(event.country) } }
  }
}

function handset (known: EventHandset | undefined): Handset | undefined {
  return known === undefined ? undefined : { imeiSv: { imei: known.imei, softwareVersion: known.softwareVersion ?? '' } }
}

function country (code: string | undefined): Country | undefined {
  return code === undefined ? undefined : { code, name: countryName(code) }
}

/** Milliseconds since 1970 as the contract's Timestamp. */
export function timestamp (ms: number): { seconds: bigint, nanos: number } {
  const seconds = Math.floor(ms / 1000)
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) }
}
