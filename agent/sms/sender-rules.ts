import { TON, type Address } from './address.ts'

/** Which senders a client may name. */
export interface SenderRule {
  /** Name of a tenant and id of a client; undefined: all. */
  tenant: string | undefined
  client: string | undefined
  /** Each "+" and digits, a short code, or a text (case does not matter); with "*" at its end, all that begin so. */
  senders: readonly string[]
  /** Whether also messages that the phone does not show (silent, for the SIM or its toolkit) may be sent. */
  special: boolean
}

/** Who may send as whom. What no rule allows is not allowed; without any rule, where nobody is checked, everything is. */
export class SenderRules {
  readonly #rules: readonly SenderRule[]
  readonly #open: boolean

  /** `checked`: whether it is known who calls. */
  constructor (rules: readonly SenderRule[], checked: boolean) {
    this.#rules = rules
    this.#open = rules.length === 0 && !checked
  }

  /** Whether a client may send as an address. */
  allows (tenant: string, client: string, { ton, value }: Address): boolean {
    if (this.#open) return true
    const sender = `${ton === TON.international ? '+' : ''}${value}`.toLowerCase()
    return this.#of(tenant, client).some(({ senders }) => senders.some(pattern => fits(pattern.toLowerCase(), sender)))
  }

  /** Whether a client may send what the phone does not show. */
  allowsSpecial (tenant: string, client: string): boolean {
    return this.#open || this.#of(tenant, client).some(({ special }) => special)
  }

  /** The tenants whose services have an address. */
  tenantsOf ({ ton, value }: Address): (string | undefined)[] {
    const address = `${ton === TON.international ? '+' : ''}${value}`.toLowerCase()
    return this.#rules.filter(({ senders }) => senders.some(pattern => fits(pattern.toLowerCase(), address))).map(({ tenant }) => tenant)
  }

  #of (tenant: string, client: string): readonly SenderRule[] {
    return this.#rules.filter(rule => (rule.tenant ?? tenant) === tenant && (rule.client ?? client) === client)
  }
}

function fits (pattern: string, sender: string): boolean {
  return pattern.endsWith('*') ? sender.startsWith(pattern.slice(0, -1)) : sender === pattern
}
