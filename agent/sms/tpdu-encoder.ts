import type { Address } from './address.ts'
import { encodeAddress } from './address-field.ts'
import type { Alphabet, Fragment } from './fragment.ts'
import { encodeTime, type ZonedTime } from './service-centre-time.ts'
import { FLAG, MESSAGE_TYPE, VALIDITY_FORMAT_SHIFT } from './tpdu.ts'
import { encodeUserData } from './user-data.ts'
import { encodeRelativeValidity, VALIDITY_FORMAT } from './validity.ts'

/** What an SMS-DELIVER is made of; see `Deliver`. */
export interface DeliverParts {
  from: Address
  pid: number
  dcs: number
  alphabet: Alphabet
  time: ZonedTime
  more: boolean
  statusReport?: boolean | undefined
  fragment: Fragment
}

/** What an SMS-SUBMIT is made of; see `Submit`. */
export interface SubmitParts {
  to: Address
  pid: number
  dcs: number
  alphabet: Alphabet
  reference: number
  /** What is left until the deadline, ms, which becomes a TP-VP that does not exceed it (but for the least there is, 5 minutes). */
  validForMs?: number | undefined
  statusReport?: boolean | undefined
  rejectDuplicates?: boolean | undefined
  fragment: Fragment
}

/** An SMS-DELIVER (TS 23.040 clause 9.2.2.1); undefined when the address or the fragment does not fit into one. */
export function encodeDeliver ({ from, pid, dcs, alphabet, time, more, statusReport, fragment }: DeliverParts): Uint8Array | undefined {
  const address = encodeAddress(from)
  const userData = encodeUserData(alphabet, fragment)
  if (address === undefined || userData === undefined) return undefined
  const first = MESSAGE_TYPE.deliver | (more ? 0 : FLAG.noMore) | (statusReport === true ? FLAG.statusReport : 0) | headerFlag(fragment)
  return Uint8Array.of(first, ...address, pid, dcs, ...encodeTime(time), ...userData)
}

/** An SMS-SUBMIT (TS 23.040 clause 9.2.2.2); undefined when the address or the fragment does not fit into one. */
export function encodeSubmit (parts: SubmitParts): Uint8Array | undefined {
  const { to, pid, dcs, alphabet, reference, validForMs, statusReport, rejectDuplicates, fragment } = parts
  const address = encodeAddress(to)
  const userData = encodeUserData(alphabet, fragment)
  if (address === undefined || userData === undefined) return undefined
  const validity = validForMs === undefined ? [] : [encodeRelativeValidity(validForMs)]
  const format = validForMs === undefined ? VALIDITY_FORMAT.none : VALIDITY_FORMAT.relative
  const first = MESSAGE_TYPE.submit | format << VALIDITY_FORMAT_SHIFT | (rejectDuplicates === true ? FLAG.rejectDuplicates : 0) |
    (statusReport === true ? FLAG.statusReport : 0) | headerFlag(fragment)
  return Uint8Array.of(first, reference, ...address, pid, dcs, ...validity, ...userData)
}

function headerFlag ({ header }: Fragment): number {
  return header.length === 0 ? 0 : FLAG.header
}
