import type { Identifier } from '../../gen/wgtwo/events/v1/events.ts'
import type { Caller } from './caller.ts'
import type { Pseudonyms } from './pseudonym.ts'

/** What clients see instead of an IMSI. */
export class Identifiers {
  readonly #pseudonyms: Pseudonyms
  readonly #region: string

  constructor (pseudonyms: Pseudonyms, region: string) {
    this.#pseudonyms = pseudonyms
    this.#region = region
  }

  /** How a caller knows the subscription of an IMSI. */
  of ({ sector, tenant: { name } }: Caller, imsi: string): Identifier {
    return {
      subscriptionIdentifier: {
        value: this.#pseudonyms.pairwise(sector, name, imsi),
        wg2rn: this.resourceName(name, imsi)
      }
    }
  }

  /** Names a subscription in the log: no client sees another's value, and nobody the IMSI. */
  resourceName (tenant: string, imsi: string): string {
    return this.#pseudonyms.resourceName(tenant, this.#region, imsi)
  }
}
