import type { NodeType } from '../diameter/sighting.ts'
import type { KnownHandset, KnownVersion, Registration, Subscriber, VisitedCountry } from '../location/subscriber.ts'
import { RecordReader, RecordWriter } from './record.ts'

/** A serving node's names. */
interface Names { host: string, realm: string }

/** The layout without a last change, as earlier releases write and read it: where no change is damped there is no other. */
const PLAIN = 1
const VERSION = 2
const WHAT = 'a subscriber'

/** Which parts a subscriber has. */
const HAS = { attached: 1, mme: 2, sgsn: 4, country: 8, handset: 16, version: 32, number: 64, visited: 128 } as const

/** Which parts a registration has; `plmn6` is a PLMN with three digits of MNC. */
const OF_NODE = { active: 1, named: 2, plmn5: 4, plmn6: 8, saysSms: 16, forSms: 32, smsNumber: 64 } as const

/** Digits that say which handset it is (TS 23.003 clause 6.2.1). */
const HANDSET_DIGITS = 14

const NODE_TYPES = ['mme', 'sgsn'] as const satisfies readonly NodeType[]

/**
 * Layout: version, what there is, the newest of all times, then each part; its times as the distance back from the newest, its digits two a
 * byte, its node by the number that `intern` gives it; in version 2 the last change at the end. A subscriber with one registration takes about
 * 60 bytes.
 */
export function encodeSubscriber (subscriber: Subscriber, intern: (host: string, realm: string) => number): Buffer {
  const { registrations: { mme, sgsn }, country, handset, version, number, visited, lastChange } = subscriber
  const record = new RecordWriter(lastChange === undefined ? PLAIN : VERSION)
  record.byte((subscriber.attached ? HAS.attached : 0) | (mme !== undefined ? HAS.mme : 0) | (sgsn !== undefined ? HAS.sgsn : 0) |
    (country !== undefined ? HAS.country : 0) | (handset !== undefined ? HAS.handset : 0) | (version !== undefined ? HAS.version : 0) |
    (number !== undefined ? HAS.number : 0) | (visited.length > 0 ? HAS.visited : 0))
  const newest = newestTime(subscriber)
  record.number(newest)
  record.number(newest - subscriber.lastSeen)
  if (mme !== undefined) putRegistration(record, mme, newest, intern)
  if (sgsn !== undefined) putRegistration(record, sgsn, newest, intern)
  if (country !== undefined) {
    record.country(country)
    record.number(newest - subscriber.countryTime)
  }
  if (handset !== undefined) {
    record.digits(handset.imei)
    record.number(newest - handset.time)
  }
  if (version !== undefined) putVersion(record, version, handset, newest)
  if (number !== undefined) {
    record.digits(number)
    record.number(newest - subscriber.numberTime)
  }
  if (visited.length > 0) {
    record.number(visited.length)
    for (const visit of visited) {
      record.country(visit.country)
      record.number(newest - visit.toldAt)
    }
  }
  if (lastChange !== undefined) {
    record.country(lastChange.country)
    record.number(newest - lastChange.time)
  }
  return record.end()
}

/** Throws RecordDamaged. A node that `node` does not know any more is one without names. */
export function decodeSubscriber (imsi: string, bytes: Uint8Array, node: (id: number) => Names | undefined): Subscriber {
  const record = new RecordReader(bytes, VERSION, WHAT)
  const has = record.byte()
  const newest = record.number()
  const lastSeen = newest - record.number()
  const registrations: Partial<Record<NodeType, Registration>> = {}
  for (const type of NODE_TYPES) {
    if ((has & HAS[type]) !== 0) registrations[type] = takeRegistration(record, newest, node)
  }
  const country = (has & HAS.country) !== 0 ? record.country() : undefined
  const countryTime = country === undefined ? 0 : newest - record.number()
  const imei = (has & HAS.handset) !== 0 ? record.digits() : undefined
  const handsetTime = imei === undefined ? 0 : newest - record.number()
  const version = (has & HAS.version) !== 0 ? takeVersion(record, imei, newest) : undefined
  const number = (has & HAS.number) !== 0 ? record.digits() : undefined
  const numberTime = number === undefined ? 0 : newest - record.number()
  const visited: VisitedCountry[] = []
  for (let left = (has & HAS.visited) !== 0 ? record.number() : 0; left > 0; left--) {
    visited.push({ country: record.country(), toldAt: newest - record.number() })
  }
  const lastChange = record.version > PLAIN ? { country: record.country(), time: newest - record.number() } : undefined
  record.end()
  const handset: KnownHandset | undefined = imei === undefined
    ? undefined
    : { imei, softwareVersion: version?.imei === imei.slice(0, HANDSET_DIGITS) ? version.softwareVersion : undefined, time: handsetTime }
  return {
    imsi,
    attached: (has & HAS.attached) !== 0,
    registrations,
    country,
    countryTime,
    handset,
    version,
    number,
    numberTime,
    lastSeen,
    visited,
    lastChange
  }
}

function newestTime ({ registrations: { mme, sgsn }, countryTime, handset, version, numberTime, lastSeen, visited, lastChange }: Subscriber): number {
  let newest = Math.max(lastSeen, countryTime, numberTime, mme?.time ?? 0, sgsn?.time ?? 0, handset?.time ?? 0, version?.time ?? 0, lastChange?.time ?? 0)
  for (const { toldAt } of visited) newest = Math.max(newest, toldAt)
  return newest
}

function putRegistration (record: RecordWriter, registration: Registration, newest: number, intern: (host: string, realm: string) => number): void {
  const { plmn, host, realm, time, active, smsRegistered, smsNumber } = registration
  const named = host !== '' || realm !== ''
  record.byte((active ? OF_NODE.active : 0) | (named ? OF_NODE.named : 0) |
    (plmn === undefined ? 0 : plmn.length === 5 ? OF_NODE.plmn5 : OF_NODE.plmn6) |
    (smsRegistered === undefined ? 0 : OF_NODE.saysSms) | (smsRegistered === true ? OF_NODE.forSms : 0) |
    (smsNumber === undefined ? 0 : OF_NODE.smsNumber))
  record.number(newest - time)
  if (named) record.number(intern(host, realm))
  if (plmn !== undefined) record.number(Number(plmn))
  if (smsNumber !== undefined) record.digits(smsNumber)
}

function takeRegistration (record: RecordReader, newest: number, node: (id: number) => Names | undefined): Registration {
  const has = record.byte()
  const time = newest - record.number()
  const { host, realm } = ((has & OF_NODE.named) !== 0 ? node(record.number()) : undefined) ?? { host: '', realm: '' }
  const plmnDigits = (has & OF_NODE.plmn5) !== 0 ? 5 : 6
  const plmn = (has & (OF_NODE.plmn5 | OF_NODE.plmn6)) !== 0 ? String(record.number()).padStart(plmnDigits, '0') : undefined
  return {
    plmn,
    host,
    realm,
    time,
    active: (has & OF_NODE.active) !== 0,
    smsRegistered: (has & OF_NODE.saysSms) !== 0 ? (has & OF_NODE.forSms) !== 0 : undefined,
    smsNumber: (has & OF_NODE.smsNumber) !== 0 ? record.digits() : undefined
  }
}

/** A version is nearly always that of the handset on record: its IMEI is then left out, as a string of no digits. */
function putVersion (record: RecordWriter, version: KnownVersion, handset: KnownHandset | undefined, newest: number): void {
  record.digits(handset?.imei.slice(0, HANDSET_DIGITS) === version.imei ? '' : version.imei)
  record.text(version.softwareVersion)
  record.number(newest - version.time)
}

function takeVersion (record: RecordReader, handset: string | undefined, newest: number): KnownVersion {
  const imei = record.digits()
  return {
    imei: imei === '' && handset !== undefined ? handset.slice(0, HANDSET_DIGITS) : imei,
    softwareVersion: record.text(),
    time: newest - record.number()
  }
}
