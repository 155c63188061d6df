import {
  MessageClass,
  type SendDataToSubscriberRequest,
  type SendTextFromSubscriberRequest,
  type SendTextToSubscriberRequest
} from '../../gen/wgtwo/sms/v1/sms.ts'
import type { SendSmsRequest } from '../../gen/landfall/control/v1/control.ts'
import { parseAddress, TON, type Address } from '../sms/address.ts'
import type { Messages } from '../sms/messages.ts'
import type { Acceptance, Order } from '../sms/outbox.ts'
import { isReplace, isSpecial } from '../sms/protocol-identifier.ts'
import type { MessageClass as ClassNumber } from '../sms/dcs.ts'
import type { Encoded } from '../sms/fragment.ts'
import { encodeData, encodeText, type DataOptions } from '../sms/segmentation.ts'
import type { SenderRules } from '../sms/sender-rules.ts'
import { CLIENT, type Tenant, type Tenants } from '../store/tenant.ts'
import type { Caller } from './caller.ts'
import { Reject } from './sms-reject.ts'

/** Longest content: UTF-16 code units of a text, bytes of data. */
const MAX_CONTENT = 2_000

/** How long a message is tried at most, and where nothing else is asked for, ms. */
const MAX_VALIDITY_MS = 7 * 24 * 3_600_000

/** Control characters that a text may not have: all but tab, line feed, form feed and carriage return. */
const CONTROL = /(?![\t\n\f\r])\p{Cc}/u

const MAX_PORT = 65_535

/** What became of a request: a refusal for good is a Reject in words. */
export type Sent = Acceptance | { kind: 'rejected', why: string }

/** What sending needs of the rest of the house. */
export interface SenderParts {
  messages: Messages
  rules: SenderRules
  tenants: Tenants
  /** Whose a number is, as far as the network has shown: the SIM that has it, and undefined where the tenant has none. */
  find: (tenant: number, msisdn: string) => { imsi: string | undefined } | undefined
  /** Whether there is a way for what subscribers send. */
  takesFromSubscribers: boolean
  /** Whether names go over SMPP, where service centres differ about what is not ASCII. */
  asciiNames: boolean
  /** Whether a number is within those that are the tenant's by configuration. */
  owns: (tenant: Tenant, msisdn: string) => boolean
}

/** How data are to be coded. */
type Wish = Omit<DataOptions, 'reference' | 'referenceBits'>

/** An idempotency key, and all that was asked for under it. */
type Idempotency = Order['idempotency']

/** Checks what clients want sent, and hands it to the outbox. */
export class SmsSender {
  readonly #parts: SenderParts

  constructor (parts: SenderParts) {
    this.#parts = parts
  }

  async textFromSubscriber (caller: Caller, request: SendTextFromSubscriberRequest, idempotency: Idempotency): Promise<Sent> {
    return await this.#send(() => {
      if (!this.#parts.takesFromSubscribers) throw new Reject('what subscribers send has no way here: the link of "sms.from_subscriber" is not configured')
      const msisdn = readNumber(request.fromSubscriber, 'from_subscriber')
      const to = readAddress(request.toAddress, 'to_address')
      if (to.ton === TON.alphanumeric) throw new Reject('to_address is a text: give "+" and digits, or a short number')
      const subscriber = this.#own(caller.tenant, msisdn, 'from_subscriber')
      return {
        ...this.#common(caller, msisdn, subscriber.imsi, request.deliveryDeadline),
        direction: 'from-subscriber',
        from: { ton: TON.international, value: msisdn },
        to,
        pid: 0,
        ...readText(request.content),
        idempotency
      }
    })
  }

  async textToSubscriber (caller: Caller, request: SendTextToSubscriberRequest, idempotency: Idempotency): Promise<Sent> {
    return await this.#send(() => ({ ...this.#toSubscriber(caller, request), pid: 0, ...readText(request.content), idempotency }))
  }

  async dataToSubscriber (caller: Caller, request: SendDataToSubscriberRequest, idempotency: Idempotency): Promise<Sent> {
    return await this.#send(() => {
      const { content, protocolIdentifier: pid, setSmsPpCpi: cpi } = request
      if (content.length < 1 || content.length > MAX_CONTENT) throw new Reject(`content has ${content.length} bytes, it may have 1 to ${MAX_CONTENT}`)
      if (pid < 0 || pid > 255) throw new Reject('protocol_identifier may be 0 to 255')
      const options: Wish = { ...readCoding(request), ports: readPorts(request), commandPacket: cpi }
      const order = this.#toSubscriber(caller, request)
      const coded = code(reference => encodeData(content, { ...options, reference, referenceBits: 8 }))
      demandFits(coded.fragments, pid, options)
      if ((isSpecial(pid) || options.class === 2 || cpi) && !this.#parts.rules.allowsSpecial(caller.tenant.name, caller.client)) {
        throw new Reject('this client may not send what the phone does not show: protocol_identifier 0x40 and 0x7c to 0x7f, class 2 and set_sms_pp_cpi need ' +
          '"special: true" in its rule (sms.senders)')
      }
      return { ...order, pid, ...coded, idempotency }
    })
  }

  /** The operator's own message: no rule applies. */
  async operators ({ to, from, content, deadlineSeconds, tenant: name }: SendSmsRequest): Promise<Sent> {
    return await this.#send(() => {
      const msisdn = readNumber(to, '--to')
      const tenant = this.#tenantOf(msisdn, name)
      const caller = { tenant, client: CLIENT }
      const deadline = deadlineSeconds === 0 ? undefined : { seconds: BigInt(deadlineSeconds), nanos: 0 }
      const coded = content?.$case === 'data' ? readData(content.value) : readText(content?.value ?? '')
      return {
        ...this.#common(caller, msisdn, this.#parts.find(tenant.number, msisdn)?.imsi, deadline),
        direction: 'to-subscriber',
        from: this.#readSender(from, '--from'),
        to: { ton: TON.international, value: msisdn },
        pid: 0,
        ...coded,
        idempotency: undefined
      }
    })
  }

  async #send (read: () => Order): Promise<Sent> {
    let order
    try {
      order = read()
    } catch (error) {
      if (error instanceof Reject) return { kind: 'rejected', why: error.message }
      throw error
    }
    return await this.#parts.messages.accept(order)
  }

  #toSubscriber (
    caller: Caller, request: { toSubscriber: string, fromAddress: string, deliveryDeadline: Deadline }
  ): Omit<Order, 'pid' | 'fragments' | 'encode' | 'idempotency'> {
    const msisdn = readNumber(request.toSubscriber, 'to_subscriber')
    const from = this.#readSender(request.fromAddress, 'from_address')
    const { imsi } = this.#own(caller.tenant, msisdn, 'to_subscriber')
    if (!this.#parts.rules.allows(caller.tenant.name, caller.client, from)) {
      throw new Reject('this client may not send from this from_address: the operator allows senders in sms.senders')
    }
    return {
      ...this.#common(caller, msisdn, imsi, request.deliveryDeadline),
      direction: 'to-subscriber',
      from,
      to: { ton: TON.international, value: msisdn }
    }
  }

  #common ({ tenant, client }: Pick<Caller, 'tenant' | 'client'>, msisdn: string, imsi: string | undefined, deadline: Deadline):
  Pick<Order, 'tenant' | 'client' | 'msisdn' | 'imsi' | 'validForMs'> {
    return { tenant: tenant.number, client, msisdn, imsi, validForMs: readDeadline(deadline) }
  }

  #readSender (text: string, field: string): Address {
    const address = readAddress(text, field)
    if (this.#parts.asciiNames && /[^\x20-\x7e]/.test(address.value)) {
      throw new Reject(`${field} has a character that is not ASCII, which service centres show differently`)
    }
    return address
  }

  /** The tenant's subscriber of a number. */
  #own (tenant: Tenant, msisdn: string, field: string): { imsi: string | undefined } {
    const subscriber = this.#parts.find(tenant.number, msisdn)
    if (subscriber === undefined && !this.#parts.owns(tenant, msisdn)) {
      throw new Reject(`${field} is no subscriber of this tenant: the network has not shown the number here, and it begins with none of its number_prefixes`)
    }
    return subscriber ?? { imsi: undefined }
  }

  #tenantOf (msisdn: string, name: string): Tenant {
    const { tenants, find, owns } = this.#parts
    if (name !== '') {
      const named = tenants.byName(name)
      if (named === undefined) throw new Reject(`there is no tenant of this name; there are ${tenants.all.map(({ name }) => name).join(', ')}`)
      return named
    }
    const [only, ...others] = tenants.all
    const found = tenants.all.find(({ number }) => find(number, msisdn) !== undefined) ?? tenants.all.find(tenant => owns(tenant, msisdn))
    if (found !== undefined) return found
    if (only === undefined || others.length > 0) throw new Reject('no tenant is known to have this number: name one with --tenant')
    return only
  }
}

type Deadline = SendTextToSubscriberRequest['deliveryDeadline']

/** A subscriber's number: "+" and 7 to 15 digits (E.164). Gives the digits. */
function readNumber (text: string, field: string): string {
  if (!/^\+[1-9]\d{6,14}$/.test(text)) throw new Reject(`${field} must be an international number: "+" and 7 to 15 digits, the first of them not 0`)
  return text.slice(1)
}

function readAddress (text: string, field: string): Address {
  const address = parseAddress(text)
  if (typeof address === 'string') throw new Reject(`${field} ${address}`)
  return address
}

function readDeadline (deadline: Deadline): number {
  if (deadline === undefined) return MAX_VALIDITY_MS
  const ms = Number(deadline.seconds) * 1_000 + deadline.nanos / 1e6
  if (!(ms > 0 && ms <= MAX_VALIDITY_MS)) throw new Reject('delivery_deadline must be more than zero and at most 7 days')
  return ms
}

function readText (text: string): Pick<Order, 'fragments' | 'encode'> {
  if (text.length < 1 || text.length > MAX_CONTENT) {
    throw new Reject(`content has ${text.length} characters, it may have 1 to ${MAX_CONTENT}; those beyond the basic plane, such as emoji, count as two`)
  }
  if (CONTROL.test(text)) throw new Reject('content has control characters: only tab, line feed, form feed and carriage return may be in it')
  return code(reference => encodeText(text, { reference, referenceBits: 8 }))
}

function readData (bytes: Uint8Array): Pick<Order, 'fragments' | 'encode'> {
  if (bytes.length < 1 || bytes.length > MAX_CONTENT) throw new Reject(`the data have ${bytes.length} bytes, they may have 1 to ${MAX_CONTENT}`)
  return code(reference => encodeData(bytes, { reference, referenceBits: 8 }))
}

/** Says whether it can be coded, before a reference is taken for it: that changes nothing of its length. */
function code (encode: (reference: number) => Encoded | string): Pick<Order, 'fragments' | 'encode'> {
  const encoded = encode(0)
  if (typeof encoded === 'string') throw new Reject(`content: ${encoded}`)
  return { fragments: encoded.fragments.length, encode: reference => encode(reference) as Encoded }
}

function readCoding ({ dcsCodingGroup }: SendDataToSubscriberRequest): Pick<Wish, 'group' | 'class'> {
  const classOf = (value: MessageClass | undefined): { class?: ClassNumber } => {
    if (value === undefined || value === MessageClass.MESSAGE_CLASS_UNSPECIFIED) return {}
    if (value < 1 || value > 4) throw new Reject('message_class must be one of the four classes')
    return { class: value - 1 as ClassNumber }
  }
  switch (dcsCodingGroup?.$case) {
    case 'messageClass': return { group: 'general', ...classOf(dcsCodingGroup.value) }
    case 'codingGroupGeneral': return { group: 'general', ...classOf(dcsCodingGroup.value.messageClass) }
    case 'codingGroupMessageClass': {
      const found = classOf(dcsCodingGroup.value.messageClass)
      if (found.class === undefined) throw new Reject('coding_group_message_class needs a message_class: that group has no coding without one')
      return { group: 'class', ...found }
    }
    case undefined: return { group: 'general' }
  }
}

function readPorts ({ applicationPort }: SendDataToSubscriberRequest): Wish['ports'] {
  if (applicationPort === undefined) return undefined
  const { originatorPort: source, destinationPort: destination } = applicationPort
  if (source > MAX_PORT || destination > MAX_PORT) throw new Reject(`a port in application_port may be 0 to ${MAX_PORT}`)
  return { source, destination, bits: 16 }
}

/** What the contract and the standards forbid of messages that take more than one fragment, or have no port. */
function demandFits (fragments: number, pid: number, { class: messageClass, ports }: Wish): void {
  const several = fragments > 1
  if (several && messageClass === 0) throw new Reject('a flash message must fit in one fragment: shorten content')
  if (several && isReplace(pid)) {
    throw new Reject('protocol_identifier 0x41 to 0x47 replaces a message, so each fragment would replace the one before: shorten content')
  }
  if ((messageClass === 0 || messageClass === 1) && (ports === undefined || ports.destination === 0)) {
    throw new Reject('data of class 0 (flash) and 1 (ME-specific) need application_port.destination_port: nothing on the phone would take them')
  }
}
