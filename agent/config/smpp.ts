import { z } from 'zod'

const name = z.string().min(1).max(2_048)

const tls = z.strictObject({
  ca: name.optional(),
  certificate: name.optional(),
  key: name.optional(),
  servername: z.string().min(1).max(253).optional()
}).refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), 'needs both "certificate" and "key", or neither')

/** command_status values (SMPP 3.4 clause 5.1.3); 0 is success and nothing else. */
const statuses = z.array(z.int().min(1).max(0xffff_ffff)).max(100).default([])

/** A string that goes into a PDU: printable, and no longer than SMPP has room for. */
const text = (min: number, max: number): z.ZodString => z.string().regex(new RegExp(`^[\\x20-\\x7e]{${min},${max}}$`),
  `must be ${min} to ${max} printable ASCII characters`)

/** The service centre that relays short messages by SMPP 3.4. Absent: there is no such way. */
export const smpp = z.strictObject({
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535).default(2775),
  tls: tls.optional(),
  system_id: text(1, 15),
  password_file: name,
  system_type: text(0, 12).default(''),
  bind: z.enum(['transceiver', 'pair']).default('transceiver'),
  window: z.int().min(1).max(1_000).default(10),
  fragments_per_second: z.number().min(0).max(100_000).default(0),
  response_seconds: z.number().min(1).max(600).default(60),
  enquire_seconds: z.number().min(1).max(600).default(30),
  id_format: z.enum(['same', 'hex-then-decimal', 'decimal-then-hex']).default('same'),
  short_code_ton_npi: z.string().regex(/^[0-6]\/(\d|1[0-8])$/, 'must be a TON and an NPI, such as 3/0').default('3/0'),
  default_alphabet: z.enum(['gsm7', 'latin1']).default('gsm7'),
  when_unknown: z.enum(['resend', 'fail']).default('resend'),
  permanent_statuses: statuses,
  temporary_statuses: statuses
}).refine(({ permanent_statuses: permanent, temporary_statuses: temporary }) => permanent.every(status => !temporary.includes(status)),
  'needs each status in "permanent_statuses" or in "temporary_statuses", not in both')

/** The section `smpp`, defaults filled in. */
export type SmppConfig = z.infer<typeof smpp>
