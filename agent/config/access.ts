import { z } from 'zod'
import { parseEndpoint } from '../lib/endpoint.ts'

/** HTTPS anywhere, plain HTTP on loopback: what goes there and comes from there decides who may call. */
const url = z.string().max(2_048).regex(/^(https:\/\/[^\s/?#@]+([/?][^\s#]*)?|http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d{1,5})?([/?][^\s#]*)?)$/,
  'must be an https:// URL, or http:// on loopback')

/** HOST:PORT; what the network can reach has a rule of its own (DOOR_RULES). */
const address = z.string().refine(text => 'host' in (parseEndpoint(text) ?? {}), 'must be an address and a port, such as 127.0.0.1:7119')

const name = z.string().min(1).max(2_048)

const issuer = z.strictObject({
  listen: address.default('127.0.0.1:7119'),
  url: url.optional(),
  token_minutes: z.number().min(1).max(24 * 60).default(60)
})

const jwks = z.strictObject({
  url: url.optional(),
  file: name.optional(),
  issuer: name,
  audience: name,
  client_claim: name.optional()
}).refine(({ url, file }) => (url === undefined) !== (file === undefined), 'needs either "url" or "file"')

const introspection = z.strictObject({
  url,
  client_id: name,
  client_secret_file: name,
  audience: name.optional(),
  client_claim: name.optional()
})

/** Who may call. Absent: nobody is checked, and only what stays on the box may be listened on. */
export const access = z.strictObject({
  calls_per_second: z.number().min(1).max(1_000_000).default(1_000),
  clock_skew_seconds: z.number().min(0).max(300).default(30),
  issuer: issuer.optional(),
  jwks: jwks.optional(),
  introspection: introspection.optional()
}).refine(({ issuer, jwks }) => jwks === undefined || jwks.issuer !== issuer?.url,
  'needs different names in "issuer.url" and "jwks.issuer": a token names one of them')

/** The section `access`, defaults filled in. */
export type AccessConfig = z.infer<typeof access>
