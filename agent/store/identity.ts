import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Belonging } from './belonging.ts'
import { StoreDamaged } from './damage.ts'
import { writeDurably } from './durable-file.ts'

/** Layout of the state directory. Another one is refused: 1 was of versions before the first release. */
const FORMAT = 2

/** Bytes of the data's incarnation, of a run's mark, and of each key. */
const MARK_BYTES = 8
const KEY_BYTES = 32

/** Who the data are: made once, kept beside the data, and repeated inside both environments. */
export interface Identity extends Belonging {
  /** When the data were made, ms since 1970. A learning time counts from here. */
  madeAt: number
  /** Key of the pseudonyms. Losing it changes every subscription's identifier. */
  pseudonymKey: Buffer
  /** Key of the hashes that stay of erased SIMs; made from the pseudonyms' key. */
  erasureKey: Buffer
  /** Key of the ack tokens. Losing it makes tokens in flight worthless; their events are sent again. */
  tokenKey: Buffer
}

/** Where things lie in the state directory. */
export const stateFiles = (directory: string) => ({
  identity: join(directory, 'identity.json'),
  pseudonymKey: join(directory, 'pseudonym.key'),
  tokenKey: join(directory, 'ack-token.key'),
  /** Made when this agent's own issuer first starts. */
  issuerKey: join(directory, 'issuer.key'),
  /** Who subscribed, acknowledged, was refused or erased. */
  audit: join(directory, 'audit.jsonl'),
  network: join(directory, 'network'),
  clients: join(directory, 'clients'),
  networkData: join(directory, 'network', 'data.mdb'),
  clientsData: join(directory, 'clients', 'data.mdb'),
  /** Made by the service manager when the agent died of a signal that broken data cause. */
  inspectFirst: join(directory, 'inspect-first')
})

/**
 * Opens a state directory: reads who it is, or makes it where there is none yet. An identity without data (or data without an
 * identity) means that something was lost: LMDB would open an absent or empty file as a new, empty database, so it is refused here.
 * A first start that was cut short (an identity not yet sealed) is taken up again.
 */
export function openIdentity (directory: string, now: number): Identity {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const files = stateFiles(directory)
  if (existsSync(files.identity)) {
    const written = parseIdentity(directory)
    if (written.sealed) return readIdentity(directory)
    return makeIdentity(directory, written.incarnation, written.madeAt)
  }
  for (const data of [files.networkData, files.clientsData]) {
    if (existsSync(data)) throw new StoreDamaged('the identity file is missing beside existing data', directory)
  }
  return makeIdentity(directory, newMark(), now)
}

/** Reads an existing identity and checks that its data and keys are there. */
export function readIdentity (directory: string): Identity {
  const files = stateFiles(directory)
  // A start that was cut short is taken up with the mark that it may have left in one environment.
  const { incarnation, madeAt, nextRun = newMark() } = parseIdentity(directory)
  for (const data of [files.networkData, files.clientsData]) {
    if (!existsSync(data)) throw new StoreDamaged(`${data} is missing`, directory)
    if (statSync(data).size === 0) throw new StoreDamaged(`${data} is empty`, directory)
  }
  const pseudonymKey = readKey(credential(files.pseudonymKey) ?? files.pseudonymKey, directory)
  return { incarnation, run: nextRun, madeAt, pseudonymKey, erasureKey: erasureKey(pseudonymKey), tokenKey: readKey(files.tokenKey, directory) }
}

/** Says that a run is about to mark both environments: until `sealIdentity` they may carry its mark or that of the run before. */
export function announceRun (directory: string, run: string): void {
  writeIdentity(directory, { ...parseIdentity(directory), nextRun: run })
}

/** Seals an identity once both environments exist and carry the announced run's mark; from then on missing data are a loss. */
export function sealIdentity (directory: string): void {
  const { incarnation, madeAt, nextRun } = parseIdentity(directory)
  writeIdentity(directory, { incarnation, madeAt, sealed: true, run: nextRun })
}

/** The runs whose marks both environments may carry; undefined where nothing is known of that. */
export function knownRuns (directory: string): (string | undefined)[] | undefined {
  const { sealed, run, nextRun } = parseIdentity(directory)
  return sealed && run !== undefined ? [run, nextRun] : undefined
}

interface WrittenIdentity {
  incarnation: string
  madeAt: number
  sealed: boolean
  /** The run that both environments carry the mark of; absent before the first was sealed. */
  run?: string | undefined
  nextRun?: string | undefined
}

const MARK = /^[0-9a-f]{16}$/

function newMark (): string {
  return randomBytes(MARK_BYTES).toString('hex')
}

function parseIdentity (directory: string): WrittenIdentity {
  let written: Partial<Record<'format' | keyof WrittenIdentity, unknown>>
  try {
    written = JSON.parse(readFileSync(stateFiles(directory).identity, 'utf8'))
  } catch {
    throw new StoreDamaged('identity.json is not readable', directory)
  }
  const { format, incarnation, madeAt, sealed, run, nextRun } = written
  if (typeof format === 'number' && format > FORMAT) {
    throw new StoreDamaged(`the data are of format ${format} and this landfall knows up to ${FORMAT} (install the newer version again)`, directory)
  }
  if (typeof format === 'number' && format < FORMAT) {
    throw new StoreDamaged(`the data are of format ${format}, which this landfall does not read any more`, directory)
  }
  if (format !== FORMAT || !isMark(incarnation) || typeof madeAt !== 'number' || typeof sealed !== 'boolean' ||
      (run !== undefined && !isMark(run)) || (nextRun !== undefined && !isMark(nextRun))) throw new StoreDamaged('identity.json is damaged', directory)
  return { incarnation, madeAt, sealed, run, nextRun }
}

function isMark (value: unknown): value is string {
  return typeof value === 'string' && MARK.test(value)
}

function writeIdentity (directory: string, written: WrittenIdentity): void {
  writeDurably(stateFiles(directory).identity, JSON.stringify({ format: FORMAT, ...written }) + '\n')
}

function makeIdentity (directory: string, incarnation: string, madeAt: number): Identity {
  const files = stateFiles(directory)
  writeIdentity(directory, { incarnation, madeAt, sealed: false })
  for (const path of [files.network, files.clients]) mkdirSync(path, { recursive: true, mode: 0o700 })
  const given = credential(files.pseudonymKey)
  const pseudonymKey = given === undefined ? makeKey(files.pseudonymKey) : readKey(given, directory)
  return { incarnation, run: newMark(), madeAt, pseudonymKey, erasureKey: erasureKey(pseudonymKey), tokenKey: makeKey(files.tokenKey) }
}

/** The file of that name among the credentials that the service manager hands over (systemd.exec(5), LoadCredential), where there is one. */
function credential (path: string): string | undefined {
  const directory = process.env['CREDENTIALS_DIRECTORY']
  const file = directory === undefined ? undefined : join(directory, basename(path))
  return file !== undefined && existsSync(file) ? file : undefined
}

function erasureKey (pseudonymKey: Buffer): Buffer {
  return createHmac('sha256', pseudonymKey).update('erasure').digest()
}

function makeKey (path: string): Buffer {
  const key = randomBytes(KEY_BYTES)
  writeDurably(path, key.toString('hex') + '\n')
  return key
}

function readKey (path: string, directory: string): Buffer {
  let text = ''
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch {}
  if (!/^[0-9a-f]{64}$/.test(text)) throw new StoreDamaged(`the key file ${path} is missing or damaged`, directory)
  return Buffer.from(text, 'hex')
}
