import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryDirectory, type Owner } from './temporary.ts'

const run = promisify(execFile)
const DAY_MS = 86_400_000

/** A certificate and its key, in PEM files. */
export interface Issued { certificate: string, key: string }

/** What a certificate says. */
export interface Wish {
  /** As OpenSSL takes it: "/C=NO/CN=billing". */
  subject?: string
  /** As OpenSSL takes it: "DNS:localhost,URI:spiffe://x", or a section of its own, "@names". */
  names?: string
  /** Sections that `names` refers to. */
  sections?: string
  /** Days from now, negative in the past. */
  from?: number
  until?: number
}

/** A certification authority of a test's own, made by openssl. */
export class TestCa {
  /** Its own certificate. */
  readonly file: string
  readonly #directory: string
  #count = 0

  private constructor (directory: string) {
    this.#directory = directory
    this.file = join(directory, 'ca.pem')
  }

  /** Makes one; its files go with the owner. */
  static async make (owner: Owner): Promise<TestCa> {
    const ca = new TestCa(temporaryDirectory(owner))
    writeFileSync(join(ca.#directory, 'index'), '')
    writeFileSync(join(ca.#directory, 'ca.cnf'), `
[ca]
default_ca = own
[own]
database = ${ca.#directory}/index
new_certs_dir = ${ca.#directory}
certificate = ${ca.file}
private_key = ${ca.#directory}/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copyall
[any]
countryName = optional
organizationName = optional
commonName = optional
`)
    await openssl('req', '-x509', ...NEW_KEY, '-days', '30', '-subj', '/CN=Test CA', '-keyout', join(ca.#directory, 'ca.key'), '-out', ca.file)
    return ca
  }

  /** What a client needs to trust it. */
  get pem (): Buffer { return readFileSync(this.file) }

  /** Issues a certificate, by default for this machine and valid now. */
  async issue ({ subject = '/CN=localhost', names = 'DNS:localhost,IP:127.0.0.1', sections = '', from = -1, until = 90 }: Wish = {}): Promise<Issued> {
    const base = join(this.#directory, String(++this.#count))
    const issued = { certificate: `${base}.pem`, key: `${base}.key` }
    const wanted = names === '' ? '' : `[wanted]\nsubjectAltName = ${names}\n`
    writeFileSync(`${base}.cnf`, `[req]\ndistinguished_name = subject\n${wanted === '' ? '' : 'req_extensions = wanted\n'}[subject]\n${wanted}${sections}`)
    await openssl('req', '-new', '-config', `${base}.cnf`, '-utf8', ...NEW_KEY, '-subj', subject, '-keyout', issued.key, '-out', `${base}.csr`)
    await openssl('ca', '-batch', '-notext', '-preserveDN', '-config', join(this.#directory, 'ca.cnf'), '-in', `${base}.csr`, '-out', issued.certificate,
      '-startdate', dateIn(from), '-enddate', dateIn(until))
    return issued
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

async function openssl (...args: string[]): Promise<void> {
  await run('openssl', args)
}

/** Days from now as ASN.1's GeneralizedTime has it. */
function dateIn (days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '')
}
