import { RecordReader, RecordWriter } from './record.ts'

/** A secret as it is kept: scrypt (RFC 7914) of it, with the parameters that it was made with. */
export interface SecretHash {
  /** N: memory and time, a power of two. */
  cost: number
  /** r and p. */
  blockSize: number
  parallelization: number
  salt: Buffer
  hash: Buffer
}

/** A client that may call. */
export interface RegisteredClient {
  id: string
  /** Number of its tenant. */
  tenant: number
  /** Clients of one sector see the same pseudonyms. */
  sector: string
  /** What it may do, at most. */
  scopes: readonly string[]
  /** Undefined: this agent's own issuer gives it no tokens. */
  secret: SecretHash | undefined
  /** Names by which certificates prove that it is this client. */
  certificates: readonly string[]
  /** When it was added, ms since 1970. */
  addedAt: number
  /** 16 hexadecimal digits that tell this registration from others under the same id: tokens end with it. */
  registration: string
}

const VERSION = 1

/**
 * Layout: tenant, sector, number of scopes and each, 1 and the secret's parameters, salt and hash or 0, number of certificates and each, time,
 * registration. The id is the key.
 */
export function encodeClient ({ tenant, sector, scopes, secret, certificates, addedAt, registration }: RegisteredClient): Buffer {
  const writer = new RecordWriter(VERSION)
  writer.number(tenant)
  writer.text(sector)
  writer.number(scopes.length)
  for (const scope of scopes) writer.text(scope)
  writer.byte(secret === undefined ? 0 : 1)
  if (secret !== undefined) {
    for (const value of [secret.cost, secret.blockSize, secret.parallelization]) writer.number(value)
    writer.bytes(secret.salt)
    writer.bytes(secret.hash)
  }
  writer.number(certificates.length)
  for (const name of certificates) writer.text(name)
  writer.number(Math.floor(addedAt))
  writer.bytes(Buffer.from(registration, 'hex'))
  return writer.end()
}

/** Throws RecordDamaged. */
export function decodeClient (id: string, record: Uint8Array): RegisteredClient {
  const reader = new RecordReader(record, VERSION, 'a registered client')
  const client = {
    id,
    tenant: reader.number(),
    sector: reader.text(),
    scopes: readTexts(reader),
    secret: reader.byte() === 1 ? readSecret(reader) : undefined,
    certificates: readTexts(reader),
    addedAt: reader.number(),
    registration: reader.bytes().toString('hex')
  }
  reader.end()
  return client
}

function readTexts (reader: RecordReader): string[] {
  const texts: string[] = []
  for (let left = reader.number(); left > 0; left--) texts.push(reader.text())
  return texts
}

/** The bytes are copied: those of a record live as long as its transaction. */
function readSecret (reader: RecordReader): SecretHash {
  const cost = reader.number()
  const blockSize = reader.number()
  const parallelization = reader.number()
  return { cost, blockSize, parallelization, salt: Buffer.from(reader.bytes()), hash: Buffer.from(reader.bytes()) }
}
