import type { NodeType, Sighting } from '../diameter/sighting.ts'
import { isDigits } from './digits.ts'
import type { Order } from './order.ts'
import { isPlmn } from './plmn.ts'
import type { Registration, Registrations } from './subscriber.ts'

/** Cancellation-Type SUBSCRIPTION_WITHDRAWAL (TS 29.272 clause 7.3.24): it ends whatever the node holds of the SIM. */
const WITHDRAWAL = 2

/** Most digits of an E.164 number. */
const NUMBER_DIGITS = 15

export function otherType (type: NodeType): NodeType {
  return type === 'mme' ? 'sgsn' : 'mme'
}

/** The registrations after a sighting; the same object when it changes none. */
export function registrationsAfter (registrations: Registrations, sighting: Sighting, order: Order): Registrations {
  switch (sighting.kind) {
    case 'ULR': return afterUpdate(registrations, sighting, order)
    case 'NOR': return afterNotify(registrations, sighting, order)
    case 'PUR':
    case 'CLR': return afterEnd(registrations, sighting, order)
    case 'AIR':
    case 'ECR':
    case 'IDR': return registrations
  }
}

/** Whether a sighting comes from (or a CLR goes to) the node that is on record as serving the SIM. */
export function isServedBy (registration: Registration | undefined, host: string | undefined): registration is Registration {
  return registration?.active === true && registration.host !== '' && registration.host === host
}

/** An Update-Location says all of a registration anew (TS 29.272 clause 5.2.1.1). */
function afterUpdate (registrations: Registrations, sighting: Sighting, order: Order): Registrations {
  const { node, plmn, host = '', realm = '', smsRegistered, smsNumber } = sighting
  const known = registrations[node]
  const after = known === undefined || order.admits(known.time)
    ? withRegistration(registrations, node, {
      plmn: plmn !== undefined && isPlmn(plmn) ? plmn : undefined,
      host,
      realm,
      time: order.time,
      active: true,
      smsRegistered,
      smsNumber: numberOf(smsNumber)
    })
    : registrations
  return sighting.singleRegistration ? withEnd(after, otherType(node), order) : after
}

/** A Notify changes what the node itself said before (TS 29.272 clause 5.2.5.1); it moves nobody. */
function afterNotify (registrations: Registrations, sighting: Sighting, order: Order): Registrations {
  const { node, host, smsRegistered } = sighting
  const smsNumber = numberOf(sighting.smsNumber)
  const known = registrations[node]
  if (!isServedBy(known, host) || !order.admits(known.time)) return registrations
  const says = smsRegistered !== undefined || smsNumber !== undefined
  const after = says
    ? withRegistration(registrations, node, {
      ...known,
      time: order.time,
      smsRegistered: smsRegistered ?? known.smsRegistered,
      smsNumber: smsNumber ?? known.smsNumber
    })
    : registrations
  return sighting.singleRegistration ? withEnd(after, otherType(node), order) : after
}

/**
 * A Cancel or a Purge ends what the node on record holds: after a move the HSS cancels the old node, which is none any more. The host says
 * which type that is where the message does not. One host may be on record as both; then only the type meant ends, and both at a withdrawal.
 */
function afterEnd (registrations: Registrations, sighting: Sighting, order: Order): Registrations {
  const { node, host, cancellationType } = sighting
  const other = otherType(node)
  let after = registrations
  if (isServedBy(registrations[node], host)) after = withEnd(after, node, order)
  const meant = registrations[node]?.host === host && cancellationType !== WITHDRAWAL
  if (!meant && isServedBy(registrations[other], host)) after = withEnd(after, other, order)
  return after
}

function withEnd (registrations: Registrations, type: NodeType, order: Order): Registrations {
  const known = registrations[type]
  if (known?.active !== true || !order.admits(known.time)) return registrations
  return withRegistration(registrations, type, { ...known, active: false, time: order.time })
}

function withRegistration (registrations: Registrations, type: NodeType, now: Registration): Registrations {
  const known = registrations[type]
  const same = known !== undefined && known.plmn === now.plmn && known.host === now.host && known.realm === now.realm && known.time === now.time &&
    known.active === now.active && known.smsRegistered === now.smsRegistered && known.smsNumber === now.smsNumber
  return same ? registrations : { ...registrations, [type]: now }
}

function numberOf (text: string | undefined): string | undefined {
  return text !== undefined && isDigits(text, 1, NUMBER_DIGITS) ? text : undefined
}
