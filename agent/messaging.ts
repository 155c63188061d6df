import { SmsSender } from './api/sms-sender.ts'
import type { SmsControlParts } from './api/sms-control.ts'
import type { Config } from './config/schema.ts'
import type { Clock } from './lib/clock.ts'
import { Discards } from './lib/discards.ts'
import { SteadyTime } from './lib/steady-time.ts'
import type { Subscriber } from './location/subscriber.ts'
import type { Log } from './observe/log.ts'
import { sgdLink } from './sgd.ts'
import { TON } from './sms/address.ts'
import { decodeDcs } from './sms/dcs.ts'
import type { Link, Received } from './sms/link.ts'
import { Messages } from './sms/messages.ts'
import type { Destination } from './sms/submission.ts'
import { SenderRules } from './sms/sender-rules.ts'
import { smppLink } from './smpp.ts'
import type { NetworkReader } from './store/network-reader.ts'
import type { OutboxCommitted, OutboxStore } from './store/outbox.ts'
import type { ReceivedSmsEvent } from './store/sms-event.ts'
import type { Tenant, Tenants } from './store/tenant.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** What the relay of short messages needs of its surroundings. */
export interface MessagingParts {
  config: Config
  clock: Clock
  log: Log
  store: OutboxStore
  reader: NetworkReader
  tenants: Tenants
  /** From now on a SIM's return is told, or (not `wanted`) is not any more. */
  watch: (imsis: readonly string[], wanted: boolean) => Promise<void>
  grew: (committed: OutboxCommitted) => void
  fatal: (error: unknown) => void
}

/** The relay of short messages: joins configuration, store, links and the calls that hand messages in. */
export class Messaging {
  readonly messages: Messages
  /** What the calls and the commands use; undefined where no link is configured. What was stored before is looked after all the same. */
  readonly control: SmsControlParts | undefined
  readonly #parts: MessagingParts
  readonly #rules: SenderRules
  readonly #steady: SteadyTime

  /** Nothing is sent before `messages.start`. Throws RecordDamaged. */
  constructor (parts: MessagingParts) {
    const { config: { sms, access }, clock, store, reader, tenants, watch, grew, fatal } = parts
    const discards = new Discards()
    const links = makeLinks(parts, discards)
    this.#parts = parts
    this.#steady = new SteadyTime(clock)
    this.#rules = new SenderRules(sms.senders.map(({ tenant, client, senders, special }) => ({ tenant, client, senders, special })), access !== undefined)
    const byName = (name: string): Link[] => links.filter(link => link.name === name)
    const toSubscriber = sms.to_subscriber.flatMap(byName)
    const fromSubscriber = byName(sms.from_subscriber)
    const smppOnly = toSubscriber.filter(({ name }) => name !== SGD)
    this.messages = new Messages({
      store,
      clock,
      discards,
      links,
      watch,
      grew,
      fatal,
      limits: {
        messages: sms.queue_messages,
        bytes: sms.queue_mib * 2 ** 20,
        messagesPerClient: sms.queue_messages_per_client,
        perRecipientHour: sms.messages_per_subscriber_hour
      },
      policy: {
        failWhenUnknown: [...sms.smpp?.when_unknown === 'fail' ? ['smpp'] : [], ...sms.sgd?.when_unknown === 'fail' ? [SGD] : []],
        receiptGraceMs: Math.ceil(sms.receipt_hours * HOUR_MS),
        keepMs: Math.ceil(sms.keep_days * DAY_MS)
      },
      paths: (message, destination) => {
        if (message.direction === 'from-subscriber') return fromSubscriber
        if (destination?.servingNode === undefined) return smppOnly
        // The serving node has said that it takes none: the other way is tried in turn with it.
        return message.cause === NOT_SUPPORTED && message.failures % 2 === 1 ? [...toSubscriber].reverse() : toSubscriber
      },
      find: this.#find,
      simsOf: msisdn => {
        reader.refresh()
        return reader.subscribersByNumber(msisdn).map(({ imsi }) => imsi)
      },
      attribute: received => this.#attribute(received)
    })
    this.control = links.length === 0
      ? undefined
      : {
          messages: this.messages,
          links,
          sender: new SmsSender({
            messages: this.messages,
            rules: this.#rules,
            tenants,
            find: this.#find,
            takesFromSubscribers: fromSubscriber.length > 0,
            asciiNames: toSubscriber.some(({ name }) => name !== SGD),
            owns: ({ name }, msisdn) => this.#prefixesOf(name).some(prefix => msisdn.startsWith(prefix))
          })
        }
  }

  /** Removes events of messages that are older than what is kept. */
  async retain (): Promise<void> {
    await this.messages.retain(this.#steady.now() - this.#parts.config.store.retention_days * DAY_MS)
  }

  /** The SIM that a tenant's number leads to: the newest registration. */
  readonly #find = (tenant: number, msisdn: string): Destination | undefined => {
    const { reader } = this.#parts
    reader.refresh()
    const [newest] = reader.subscribersOfNumber(tenant, msisdn).sort((a, b) => registeredAt(b) - registeredAt(a))
    if (newest === undefined) return undefined
    const { mme } = newest.registrations
    const serves = mme?.active === true && mme.smsRegistered === true && mme.host !== '' && mme.realm !== ''
    return { imsi: newest.imsi, servingNode: serves ? { host: mme.host, realm: mme.realm } : undefined }
  }

  /** A message from a subscriber to a service is their tenant's; where nobody knows them, the one whose rules name the service; else the only one's. */
  #attribute ({ from, to, pid, dcs, header, body }: Received): { tenant: number, event: Omit<ReceivedSmsEvent, 'kind' | 'time'> } | undefined {
    const { tenants } = this.#parts
    const known = from.ton === TON.international
      ? tenants.all.map(tenant => ({ tenant, found: this.#find(tenant.number, from.value) })).find(({ found }) => found !== undefined)
      : undefined
    const tenant = known?.tenant ?? this.#ownerOf(from.value) ?? this.#serviceOwner(to) ?? (tenants.all.length === 1 ? tenants.all[0] : undefined)
    if (tenant === undefined) return undefined
    return { tenant: tenant.number, event: { imsi: known?.found?.imsi, from, to, pid, dcs, alphabet: decodeDcs(dcs).alphabet, header, body } }
  }

  #ownerOf (msisdn: string): Tenant | undefined {
    return this.#parts.tenants.all.find(({ name }) => this.#prefixesOf(name).some(prefix => msisdn.startsWith(prefix)))
  }

  #serviceOwner (to: Received['to']): Tenant | undefined {
    const [name] = this.#rules.tenantsOf(to)
    return name === undefined ? undefined : this.#parts.tenants.byName(name)
  }

  #prefixesOf (name: string): readonly string[] {
    return this.#parts.config.tenants.find(tenant => tenant.name === name)?.number_prefixes ?? []
  }
}

const SGD = 'sgd'

/** Cause of an MME that does not take short messages for the subscriber. */
const NOT_SUPPORTED = 'sgd.facility-not-supported'

function registeredAt ({ registrations: { mme, sgsn } }: Subscriber): number {
  return Math.max(mme?.time ?? 0, sgsn?.time ?? 0)
}

/** The links that are configured. */
function makeLinks ({ config: { sms }, clock, log }: MessagingParts, discards: Discards): Link[] {
  const links: Link[] = []
  if (sms.sgd !== undefined) links.push(sgdLink({ config: sms.sgd, clock, discards, log }))
  if (sms.smpp !== undefined) links.push(smppLink({ config: sms.smpp, clock, discards, log }))
  return links
}
