import { z } from 'zod'
import { access } from './access.ts'
import { parseEndpoint } from '../lib/endpoint.ts'
import { DOOR_RULES } from './rules.ts'
import { sms } from './sms.ts'

/**
 * Every setting with its bounds and default. Names carry their unit. `config/landfall.yaml` explains each; unknown keys are errors.
 */
const port = z.int().min(1).max(65535)

/** HOST:PORT (IPv6 hosts in brackets) or unix:PATH. */
const address = z.string().refine(text => parseEndpoint(text) !== undefined,
  'must be an address and a port, such as 127.0.0.1:7118, [::1]:7118 or agent.example.net:7118, or unix:/PATH')

const capture = z.strictObject({
  ports: z.array(port).min(1).max(64).default([3868]),
  tls_ports: z.array(port).max(64).default([5658, 5868]),
  reassembly_mib: z.int().min(1).max(4096).default(64)
})

const diameter = z.strictObject({
  pending_requests: z.int().min(100).max(10_000_000).default(200_000),
  pending_seconds: z.int().min(1).max(600).default(60)
})

/** Tenants of one installation at most. */
const MAX_TENANTS = 64

const hours = z.number().min(0.001).max(24 * 366)
const dampingMinutes = z.int().min(0).max(24 * 60)
const homeCountry = z.string().regex(/^([A-Z]{2})?$/, 'must be an ISO 3166-1 alpha-2 code, such as NO, or empty')

const tenant = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a-z, 0-9 and "-"'),
  imsi_prefixes: z.array(z.string().regex(/^\d{1,15}$/, 'must be 1 to 15 digits, in quotes')).min(1).max(10_000),
  periodic_interval_hours: hours.optional(),
  country_change_damping_minutes: dampingMinutes.optional(),
  home_country: homeCountry.optional(),
  number_prefixes: z.array(z.string().regex(/^\d{1,15}$/, 'must be 1 to 15 digits, in quotes, without "+"')).max(10_000).default([]),
  country_change_imsi: z.boolean().default(false)
})

const tracker = z.strictObject({
  periodic_interval_hours: hours.default(14 * 24),
  country_change_damping_minutes: dampingMinutes.default(0),
  registered_without_sign_days: z.number().min(1).max(3660).default(60),
  home_country: homeCountry.default(''),
  learning_hours: z.number().min(0).max(24 * 366).default(0)
})

const store = z.strictObject({
  batch_events: z.int().min(1).max(100_000).default(2_000),
  batch_ms: z.number().min(0).max(1_000).default(2),
  retention_days: z.number().min(1 / 24).max(366).default(7),
  retention_mib: z.int().min(1).max(1_048_576).default(4_096),
  reserve_mib: z.int().min(1).max(65_536).default(64)
})

const delivery = z.strictObject({
  queues_per_client: z.int().min(1).max(10_000).default(100),
  streams: z.int().min(1).max(100_000).default(10_000),
  streams_per_client: z.int().min(1).max(100_000).default(10_000),
  idle_queue_hours: z.number().min(1).max(24 * 366).default(7 * 24),
  stream_minutes: z.number().min(1).max(24 * 60).default(60),
  max_deliveries: z.int().min(0).max(1_000).default(0),
  connections: z.int().min(1).max(100_000).default(2_000),
  connections_per_address: z.int().min(1).max(100_000).default(1_000),
  connections_per_client: z.int().min(1).max(100_000).default(100)
})

const log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info')
})

const tls = z.strictObject({
  certificate: z.string().default(''),
  key: z.string().default(''),
  client_ca: z.string().default(''),
  client_certificates: z.enum(['none', 'optional', 'required']).default('none')
})

/** The settings that decide who can come in, as DOOR_RULES read them. */
const doors = {
  listen: address.default('127.0.0.1:7118'),
  insecure: z.boolean().default(false),
  tls: tls.prefault({}),
  access: access.optional()
}

const settings = z.strictObject({
  state_directory: z.string().min(1).default('/var/lib/landfall'),
  control_socket: z.string().min(1).default('/run/landfall/control.sock'),
  ...doors,
  region: z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a-z, 0-9 and "-"').default('local'),
  capture: capture.prefault({}),
  diameter: diameter.prefault({}),
  tracker: tracker.prefault({}),
  store: store.prefault({}),
  delivery: delivery.prefault({}),
  sms: sms.prefault({}),
  tenants: z.array(tenant).max(MAX_TENANTS).default([]),
  default_tenant: z.string().default(''),
  log: log.prefault({})
}).superRefine(({ tenants, default_tenant: fallback, access }, context) => {
  const owners = new Map<string, string>()
  const names = new Set<string>()
  const wrong = (path: (string | number)[], message: string): void => { context.addIssue({ code: 'custom', path, message }) }
  tenants.forEach(({ name, imsi_prefixes: prefixes }, index) => {
    if (names.has(name)) wrong(['tenants', index, 'name'], `there are two tenants "${name}"`)
    names.add(name)
    prefixes.forEach((prefix, place) => {
      const owner = owners.get(prefix)
      if (owner !== undefined) wrong(['tenants', index, 'imsi_prefixes', place], `"${prefix}" is a prefix of "${owner}" already: a SIM belongs to one tenant`)
      owners.set(prefix, name)
    })
  })
  if (tenants.length > 1 && access === undefined) {
    wrong(['tenants'], 'several tenants need "access": without it everybody is the same client, and would see all of them')
  }
  if (fallback !== '' && !names.has(fallback)) wrong(['default_tenant'], `there is no tenant "${fallback}"`)
})

/** The rules speak once the settings that they are about are well-formed, whatever else is wrong: every mistake is named at once. */
const wellFormed = ({ value }: { value: unknown }): boolean => z.looseObject(doors).safeParse(value).success

export const configSchema = DOOR_RULES.reduce(
  (schema, { holds, path, message }) => schema.refine(holds, { path, message, when: wellFormed }), settings)

/** The whole configuration, defaults filled in. */
export type Config = z.infer<typeof configSchema>
