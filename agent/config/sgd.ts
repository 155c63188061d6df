import { z } from 'zod'

/** A DiameterIdentity (RFC 6733 clause 4.3.1): a full name of a host or realm, such as mme1.epc.example.net. */
const identity = z.string().max(253).regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i,
  'must be a full name, such as landfall.epc.mnc001.mcc242.3gppnetwork.org')

/** An international number (ITU-T E.164 clause 6.2.1). */
const digits = z.string().regex(/^[1-9]\d{2,14}$/, 'must be the digits of an international number, in quotes and without "+"')

/** The way into the network over SGd. Absent: there is none. */
export const sgd = z.strictObject({
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65535).default(3868),
  origin_host: identity,
  origin_realm: identity,
  sc_address: digits,
  smsc_host: identity.optional(),
  smsc_realm: identity.optional(),
  smsc_address: digits.optional(),
  utc_offset_minutes: z.int().min(-12 * 60).max(14 * 60).multipleOf(15).default(0),
  window: z.int().min(1).max(1_000).default(20),
  delivery_timer_seconds: z.int().min(30).max(600).default(60),
  watchdog_seconds: z.number().min(6).max(600).default(30),
  when_unknown: z.enum(['resend', 'fail']).default('resend')
}).refine(({ smsc_host: host, smsc_realm: realm }) => (host === undefined) === (realm === undefined),
  'needs both "smsc_host" and "smsc_realm", or neither')

/** The section `sgd`, defaults filled in. */
export type SgdConfig = z.infer<typeof sgd>
