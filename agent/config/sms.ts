import { z } from 'zod'
import { sgd } from './sgd.ts'
import { smpp } from './smpp.ts'

const sender = z.string().regex(/^(\+?\d{1,20}\*?|\*|[^*]{1,16}\*?)$/,
  'must be "+" and digits, a short code or a text, with "*" at the end for all that begin so')

const senderRule = z.strictObject({
  tenant: z.string().min(1).max(32).optional(),
  client: z.string().min(1).max(255).optional(),
  senders: z.array(sender).max(1_000).default([]),
  special: z.boolean().default(false)
})

/** The relay of short messages; without a link there is none. */
export const sms = z.strictObject({
  smpp: smpp.optional(),
  sgd: sgd.optional(),
  to_subscriber: z.array(z.enum(['sgd', 'smpp'])).min(1).max(2).default(['sgd', 'smpp']),
  from_subscriber: z.enum(['sgd', 'smpp']).default('smpp'),
  queue_messages: z.int().min(1).max(10_000_000).default(200_000),
  queue_mib: z.int().min(1).max(65_536).default(512),
  queue_messages_per_client: z.int().min(1).max(10_000_000).default(100_000),
  messages_per_subscriber_hour: z.int().min(1).max(100_000).default(100),
  receipt_hours: z.number().min(0).max(24 * 14).default(24),
  keep_days: z.number().min(1).max(366).default(7),
  senders: z.array(senderRule).max(10_000).default([])
}).refine(({ from_subscriber: way, sgd }) => way !== 'sgd' || sgd === undefined || sgd.smsc_host !== undefined,
  { path: ['from_subscriber'], message: 'needs "sgd.smsc_host" and "sgd.smsc_realm": who takes what subscribers send' })
