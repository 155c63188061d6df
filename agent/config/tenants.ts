import type { Config } from './schema.ts'

/** Whose SIMs are whose, as configured. */
export interface TenantWish {
  ranges: { name: string, imsiPrefixes: readonly string[] }[]
  /** The tenant of SIMs that no prefix fits; undefined: they are nobody's. */
  fallback: string | undefined
}

/** Where no tenant is configured, there is this one, and every SIM is its. */
const ONLY = 'local'

export function tenantWish ({ tenants, default_tenant: fallback }: Config): TenantWish {
  if (tenants.length === 0) return { ranges: [{ name: ONLY, imsiPrefixes: [] }], fallback: ONLY }
  return {
    ranges: tenants.map(({ name, imsi_prefixes: imsiPrefixes }) => ({ name, imsiPrefixes })),
    fallback: fallback === '' ? undefined : fallback
  }
}
