import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { SecretHash } from '../store/client-record.ts'

/** Bytes of a secret that is made here, of a salt and of a hash. */
const SECRET_BYTES = 32
const SALT_BYTES = 16
const HASH_BYTES = 32

/** scrypt's N, r and p (RFC 7914 clause 2): 32 MiB and about 80 ms for each guess. */
const COST = 2 ** 15
const BLOCK_SIZE = 8
const PARALLELIZATION = 1

/** Memory that one hash may take: 128 N r, and some room. */
const MAX_MEMORY = 2 ** 27

/** A new secret: 43 characters that need no encoding anywhere. */
export function makeSecret (): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** What is kept of a secret. */
export async function hashSecret (secret: string): Promise<SecretHash> {
  const parameters = { cost: COST, blockSize: BLOCK_SIZE, parallelization: PARALLELIZATION, salt: randomBytes(SALT_BYTES) }
  return { ...parameters, hash: await derive(secret, parameters) }
}

/** A hash that no secret has, so that asking for a client that is not there takes as long as for one that is. */
export const NOBODY: SecretHash = {
  cost: COST, blockSize: BLOCK_SIZE, parallelization: PARALLELIZATION, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES)
}

/** Whether it is the secret; takes the same time either way. */
export async function isSecret (secret: string, kept: SecretHash): Promise<boolean> {
  return timingSafeEqual(await derive(secret, kept), kept.hash)
}

async function derive (secret: string, { cost, blockSize, parallelization, salt }: Omit<SecretHash, 'hash'>): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    scrypt(secret, salt, HASH_BYTES, { cost, blockSize, parallelization, maxmem: MAX_MEMORY }, (error, hash) => {
      if (error === null) resolve(hash)
      else reject(error)
    })
  })
}
