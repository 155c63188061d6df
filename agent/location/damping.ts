import { eventOf, type SubscriberEvent } from './event.ts'
import { isTime, Order } from './order.ts'
import type { TrackerPolicy } from './policy.ts'
import type { Subscriber, ToldChange } from './subscriber.ts'

const NO_EVENTS: readonly SubscriberEvent[] = Object.freeze([])

/** Whether the SIM is in another country than the one that was told last: a change waits to be told. */
export function isHeldBack ({ lastChange, country }: Subscriber): boolean {
  return lastChange !== undefined && country !== lastChange.country
}

/** Whether a change may be told at a time: none is damped, or the one told last is long enough ago. */
export function mayTell ({ lastChange: last }: Subscriber, order: Order, { countryChangeDampingMs }: TrackerPolicy): boolean {
  return last === undefined || countryChangeDampingMs === 0 || order.time >= last.time + countryChangeDampingMs || isAhead(last, order)
}

/** What is kept of a change that is told: nothing where none is damped. */
export function changeTold (country: string, time: number, policy: TrackerPolicy): ToldChange | undefined {
  return policy.countryChangeDampingMs > 0 ? { country, time } : undefined
}

/**
 * The change that was held back of a SIM, once it may be told, and the subscriber after it; the same object while there is none. It has the
 * time from which it might be told, which may be long ago: so it does not matter when anybody looks.
 */
export function released (state: Subscriber, order: Order, policy: TrackerPolicy): { state: Subscriber, change: SubscriberEvent | undefined } {
  const { lastChange: last, country, countryTime } = state
  if (last === undefined || country === undefined || !isHeldBack(state) || !mayTell(state, order, policy)) return { state, change: undefined }
  // Later than the damping's end, if that was shortened meanwhile: no change is told with a time at which it had not happened.
  const time = isAhead(last, order) ? order.time : Math.max(last.time + policy.countryChangeDampingMs, countryTime)
  return {
    state: { ...state, lastChange: changeTold(country, time, policy) },
    change: { ...eventOf('country-change', state, time), previousCountry: last.country, country }
  }
}

/** Tells the change that was held back of a SIM, once it may be told; the same state and no events otherwise. */
export function dueChange (state: Subscriber, now: number, policy: TrackerPolicy): { state: Subscriber, events: readonly SubscriberEvent[] } {
  // The clock may be between two milliseconds; times are whole.
  const time = Math.ceil(now)
  const { state: after, change } = isTime(time) ? released(state, new Order(time, policy.mode), policy) : { state, change: undefined }
  return { state: after, events: change === undefined ? NO_EVENTS : [change] }
}

/** Whether a change was stamped by a clock that has been set back since: it would hold others back until that time comes again. */
function isAhead (last: ToldChange, order: Order): boolean {
  return order.time < last.time && order.admits(last.time)
}
