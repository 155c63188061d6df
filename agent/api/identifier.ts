import type { Identifier } from '../../gen/wgtwo/events/v1/events.ts'
import { CLIENT, TENANT } from '../store/tenant.ts'
import type { Pseudonyms } from './pseudonym.ts'

/** What clients see instead of an IMSI. */
export class Identifiers {
  readonly #pseudonyms: Pseudonyms
  readonly #region: string

  constructor (pseudonyms: Pseudonyms, region: string) {
    this.#pseudonyms = pseudonyms
    this.#region = region
  }

  of (imsi: string): Identifier {
    return {
      subscriptionIdentifier: {
        value: this.#pseudonyms.pairwise(CLIENT, TENANT.name, imsi),
        wg2rn: this.resourceName(imsi)
      }
    }
  }

  /** Names a subscription in the log: no client sees another's value, and nobody the IMSI. */
  resourceName (imsi: string): string {
    return this.#pseudonyms.resourceName(TENANT.name, this.#region, imsi)
  }
}
