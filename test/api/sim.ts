import type { Sighting } from '../../agent/diameter/sighting.ts'
import type { EventKind } from '../../agent/location/event.ts'
import { ulr } from '../lib/sightings.ts'

/** Whose SIMs are whose; SIMs of `NOBODY` fit no prefix. */
export const PREFIXES = { north: '24201', south: '24007' }
export const NOBODY = '31026'
export type TenantName = keyof typeof PREFIXES

/** Where SIMs can be, and what they can sit in. */
export const COUNTRIES = [['24201', 'NO'], ['24001', 'SE'], ['23801', 'DK']] as const
export const HANDSETS = ['35722009245138', '86650704004053', '49015420323751'] as const

/** What each tenant's logs hold, by kind: what happened, in the order of ids. */
export type Logs = Record<TenantName, Record<EventKind, string[]>>

export const emptyLogs = (): Record<EventKind, string[]> => ({ 'first-attachment': [], 'country-change': [], 'periodic-country': [], 'handset-change': [] })

/** A SIM, and what the logs of its tenant are to hold of it. */
export class Sim {
  readonly imsi: string
  #country: typeof COUNTRIES[number] | undefined
  #handset: string | undefined
  readonly #visited = new Set<string>()

  constructor (imsi: string) {
    this.imsi = imsi
  }

  /** It registers somewhere, in some handset: what that tells goes into its tenant's logs. */
  appear (country: typeof COUNTRIES[number], handset: string, logs: Logs): void {
    const tenant = (Object.keys(PREFIXES) as TenantName[]).find(name => this.imsi.startsWith(PREFIXES[name]))
    const tell = (kind: EventKind, what: string): void => { if (tenant !== undefined) logs[tenant][kind].push(`${this.imsi} ${what}`) }
    const [, code] = country
    if (this.#country === undefined) tell('first-attachment', '')
    else if (this.#country !== country) tell('country-change', `${this.#country[1]}>${code}`)
    if (!this.#visited.has(code)) tell('periodic-country', code)
    if (this.#handset !== handset) tell('handset-change', `${this.#handset ?? ''}>${handset}`)
    this.#country = country
    this.#handset = handset
    this.#visited.add(code)
  }

  /** Its registration as the network sees it. */
  seen (time: number): Sighting {
    return ulr({ imsi: this.imsi, time, plmn: this.#country![0], imei: this.#handset })
  }
}
