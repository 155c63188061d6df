import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { StoreDamaged } from './damage.ts'
import { writeDurably } from './durable-file.ts'
import { stateFiles } from './identity.ts'

/** Keys that are kept: the one that signs and those before it, whose tokens still live. */
const KEPT = 3

const PEM = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g

/**
 * The private keys (P-256) of this agent's own issuer, the newest last, which is the one that signs; a first one is made where there is
 * none. The file holds one PKCS#8 PEM after the other. Losing it makes the tokens that are out worthless. Throws StoreDamaged.
 */
export function openIssuerKeys (directory: string): KeyObject[] {
  const { issuerKey } = stateFiles(directory)
  if (!existsSync(issuerKey)) return rotateIssuerKey(directory, [])
  try {
    const keys = (readFileSync(issuerKey, 'utf8').match(PEM) ?? []).map(pem => createPrivateKey(pem))
    if (keys.length > 0 && keys.every(({ asymmetricKeyDetails }) => asymmetricKeyDetails?.namedCurve === 'prime256v1')) return keys
  } catch {}
  throw new StoreDamaged(`the key file ${issuerKey} is damaged (where that file alone is removed, a new one is made, and clients need new tokens)`, directory)
}

/** Makes a new key that signs from now on; gives the keys that are kept, the newest last. */
export function rotateIssuerKey (directory: string, keys: readonly KeyObject[]): KeyObject[] {
  const kept = [...keys, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey].slice(-KEPT)
  writeDurably(stateFiles(directory).issuerKey, kept.map(key => key.export({ type: 'pkcs8', format: 'pem' })).join(''))
  return kept
}
