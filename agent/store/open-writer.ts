import type { Clock } from '../lib/clock.ts'
import type { Belonging } from './belonging.ts'
import { openNetworkWriter } from './network.ts'
import { NetworkWriter } from './network-writer.ts'
import { configuredTenants, numberTenants, type TenantRange } from './tenant-table.ts'
import type { Tenants } from './tenant.ts'

/** Opens `network` for writing, with a number for each tenant. `erasureKey`: see Forgotten. Rejects with StoreDamaged, RecordDamaged. */
export async function openWriter (
  path: string,
  belonging: Belonging,
  { ranges, fallback }: { ranges: readonly TenantRange[], fallback: string | undefined },
  clock: Clock,
  erasureKey: Uint8Array
): Promise<{ writer: NetworkWriter, tenants: Tenants }> {
  const network = openNetworkWriter(path, belonging)
  await numberTenants(network, ranges.map(({ name }) => name))
  const tenants = configuredTenants(network, ranges, fallback)
  return { writer: new NetworkWriter(network, tenants, clock, erasureKey), tenants }
}
