import type { Message } from '../../agent/sms/smpp/message.ts'

/** A message that says nothing, from a phone to a service. */
export const EMPTY: Message = {
  serviceType: '',
  source: { ton: 1, npi: 1, value: '4790000001' },
  destination: { ton: 3, npi: 0, value: '1234' },
  esmClass: 0,
  protocolId: 0,
  priority: 0,
  scheduleDeliveryTime: '',
  validityPeriod: '',
  registeredDelivery: 0,
  replaceIfPresent: 0,
  dataCoding: 0,
  defaultMessageId: 0,
  shortMessage: new Uint8Array(0),
  tlvs: new Map()
}

/** Octets, to be compared and to be read. */
export const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
