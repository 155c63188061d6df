import type { NodeType, Sighting } from '../diameter/sighting.ts'
import { countryOf } from './countries.ts'
import type { Order } from './order.ts'
import { isServedBy, otherType } from './registration.ts'
import type { Registration, Registrations, Subscriber } from './subscriber.ts'

const NODE_TYPES = ['mme', 'sgsn'] as const satisfies readonly NodeType[]

/** The country a registration is in, if that is known. */
export function countryOfRegistration (registration: Registration | undefined): string | undefined {
  return registration?.plmn === undefined ? undefined : countryOf(registration.plmn)
}

/** Whether some registration that nobody ended is one that `holds` is true of. */
export function someActive (registrations: Registrations, holds: (registration: Registration) => boolean): boolean {
  return NODE_TYPES.some(type => {
    const registration = registrations[type]
    return registration?.active === true && holds(registration)
  })
}

/**
 * The country that a sighting decides, given the state before it and the registrations after it; undefined when it decides none: it tells no
 * country that is known, or news of that time came already, or it only repeats one of two registrations that both stand.
 */
export function countryDecided (before: Subscriber, after: Registrations, sighting: Sighting, order: Order): string | undefined {
  const country = sighting.kind === 'ULR' ? byUpdate(before, after, sighting, order) : sighting.kind === 'NOR' ? byNotify(before, after, sighting) : undefined
  return country !== undefined && order.admits(before.countryTime) ? country : undefined
}

function byUpdate (before: Subscriber, after: Registrations, { node, plmn }: Sighting, order: Order): string | undefined {
  const country = plmn === undefined ? undefined : countryOf(plmn)
  const known = before.registrations[node]
  // A late one still tells the country when what came since was a network of no country.
  if (known !== undefined && !order.admits(known.time)) return countryOfRegistration(known) === undefined ? country : undefined
  // A phone registered with both node types near a border would flap if each repeat counted.
  const repeats = known?.active === true && known.plmn === plmn
  return repeats && after[otherType(node)]?.active === true ? undefined : country
}

/** A Notify that ends the other registration says that the SIM is where this one is. */
function byNotify (before: Subscriber, after: Registrations, { node, host, singleRegistration }: Sighting): string | undefined {
  const other = otherType(node)
  const ends = singleRegistration && before.registrations[other]?.active === true && after[other]?.active === false
  return ends && isServedBy(after[node], host) ? countryOfRegistration(after[node]) : undefined
}
