import { Commits } from './commits.ts'
import type { Network } from './network.ts'
import { RecordReader, RecordWriter } from './record.ts'
import { Tenants, type Tenant } from './tenant.ts'

/** What is configured of a tenant that decides whose a SIM is. */
export interface TenantRange {
  name: string
  imsiPrefixes: readonly string[]
}

const VERSION = 1
const WHAT = 'a tenant'

/** Every tenant that ever had data here, by number. Throws RecordDamaged. */
export function knownTenants (network: Network): Tenant[] {
  const known: Tenant[] = []
  for (const { key, value } of network.tenants.getRange()) {
    const record = new RecordReader(value, VERSION, WHAT)
    known.push({ number: key.readUInt16BE(), name: record.text() })
    record.end()
  }
  return known
}

/** Gives a number to each tenant that has none yet; resolves once that is on disk. */
export async function numberTenants (network: Network, names: readonly string[]): Promise<void> {
  const known = knownTenants(network)
  const fresh = names.filter(name => !known.some(tenant => tenant.name === name))
  if (fresh.length === 0) return
  let last = Math.max(0, ...known.map(({ number }) => number))
  await new Commits(network.root).run(() => {
    for (const name of fresh) {
      const key = Buffer.alloc(2)
      key.writeUInt16BE(++last)
      const record = new RecordWriter(VERSION)
      record.text(name)
      network.tenants.put(key, record.end())
    }
  })
}

/** The tenants as configured, with the numbers they have. All of `ranges` and `fallback` must be known. */
export function configuredTenants (network: Network, ranges: readonly TenantRange[], fallback: string | undefined): Tenants {
  const known = knownTenants(network)
  const numbered = (wanted: string): Tenant => known.find(({ name }) => name === wanted)!
  return new Tenants(
    ranges.map(({ name, imsiPrefixes }) => ({ tenant: numbered(name), prefixes: imsiPrefixes })),
    fallback === undefined ? undefined : numbered(fallback))
}
