import { isHeldBack } from './damping.ts'
import { isDigits } from './digits.ts'
import { handsetAfter, handsetTold } from './handset.ts'
import { isTime, Order } from './order.ts'
import { visitedAfter } from './periodic.ts'
import { unknownSubscriber, type Subscriber } from './subscriber.ts'

/** One row of an import: what the operator knew of a SIM before this installation saw it. */
export interface ImportedSubscriber {
  imsi: string
  /** International digits without "+". */
  msisdn?: string | undefined
  /** ISO 3166-1 alpha-2. */
  country?: string | undefined
  /** 14 to 16 digits. */
  imei?: string | undefined
  /** When this was so, ms since 1970: a fact on record that is newer stays. */
  time: number
}

/**
 * The subscriber after an import: it counts as attached before, and nothing is told. The country counts as told then, so that an import does
 * not make everybody due at once. The same object when nothing changed; what is not formed as promised is left out.
 */
export function imported (state: Subscriber | undefined, row: ImportedSubscriber): Subscriber | undefined {
  const { imsi, msisdn, country, time } = row
  if (!isDigits(imsi, 6, 15) || !isTime(time)) return state
  const order = new Order(time, 'replay')
  const before = state ?? unknownSubscriber(imsi)
  let after = before.attached ? before : { ...before, attached: true }
  if (msisdn !== undefined && isDigits(msisdn, 1, 15) && order.admits(before.numberTime) && (msisdn !== before.number || time !== before.numberTime)) {
    after = { ...after, number: msisdn, numberTime: time }
  }
  if (country !== undefined && isCountry(country) && order.admits(before.countryTime)) after = inCountry(after, country, time)
  const handset = handsetTold(row.imei, undefined)
  const known = handset === undefined ? before : handsetAfter(before, handset, order)
  return known.handset === before.handset ? after : { ...after, handset: known.handset, version: known.version }
}

function inCountry (state: Subscriber, country: string, time: number): Subscriber {
  const visited = state.visited.some(visit => visit.country === country) ? state.visited : visitedAfter(state.visited, country, time)
  const same = visited === state.visited && state.country === country && state.countryTime === time
  // It counts as told; a change that is held back is not lost by that, and is told to here.
  const lastChange = state.lastChange === undefined || isHeldBack(state) || state.country === country ? state.lastChange : { ...state.lastChange, country }
  return same ? state : { ...state, country, countryTime: time, visited, lastChange }
}

function isCountry (text: string): boolean {
  return /^[A-Z]{2}$/.test(text)
}
