/** An operator or MVNO: its SIMs, events and clients are told from all others'. */
export interface Tenant {
  /** Stands for it in keys; given once, for good. */
  number: number
  /** How people and configurations call it: 1 to 32 of a-z, 0-9 and "-". */
  name: string
}

/** Whose SIMs are whose: IMSI prefixes of any length, the longest that fits decides. */
export interface TenantRanges {
  tenant: Tenant
  prefixes: readonly string[]
}

/** The tenants of this installation. */
export class Tenants {
  readonly #all: readonly Tenant[]
  readonly #byPrefix = new Map<string, Tenant>()
  readonly #longest: number
  readonly #default: Tenant | undefined

  /** `fallback`: the tenant of SIMs that no prefix fits; without one they belong to nobody. */
  constructor (ranges: readonly TenantRanges[], fallback: Tenant | undefined) {
    this.#all = ranges.map(({ tenant }) => tenant)
    for (const { tenant, prefixes } of ranges) for (const prefix of prefixes) this.#byPrefix.set(prefix, tenant)
    this.#longest = Math.max(0, ...[...this.#byPrefix.keys()].map(({ length }) => length))
    this.#default = fallback
  }

  /** The tenants, in the order of the configuration. */
  get all (): readonly Tenant[] { return this.#all }

  /** Whose SIM an IMSI is; undefined for nobody's. */
  of (imsi: string): Tenant | undefined {
    for (let length = Math.min(this.#longest, imsi.length); length > 0; length--) {
      const tenant = this.#byPrefix.get(imsi.slice(0, length))
      if (tenant !== undefined) return tenant
    }
    return this.#default
  }

  byName (name: string): Tenant | undefined {
    return this.#all.find(tenant => tenant.name === name)
  }

  byNumber (number: number): Tenant | undefined {
    return this.#all.find(tenant => tenant.number === number)
  }
}

/** Where tokens are not checked there is one client. */
export const CLIENT = 'local'
