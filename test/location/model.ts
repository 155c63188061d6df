import type { NodeType, Sighting } from '../../agent/diameter/sighting.ts'
import { countryOf } from '../../agent/location/countries.ts'
import type { TrackerPolicy } from '../../agent/location/policy.ts'
import type { Subscriber } from '../../agent/location/subscriber.ts'
import { DAY } from './sightings.ts'

interface Node { plmn: string | undefined, host: string, time: number, active: boolean }

/**
 * The tracker's rules once more, as plainly as they can be said and with no eye to speed: facts are asked of the whole history, only
 * registrations are kept. For replays: whatever is older is older.
 */
export class Model {
  readonly #history: Sighting[] = []
  readonly #policy: TrackerPolicy
  readonly nodes = new Map<NodeType, Node>()
  readonly told = new Map<string, number>()
  country: string | undefined
  countryTime = 0
  lastSeen = 0

  constructor (policy: TrackerPolicy) {
    this.#policy = policy
  }

  /** Takes a sighting and returns what must be told of it, as `kind detail`. */
  take (sighting: Sighting): string[] {
    const { kind, time } = sighting
    const before = { attached: this.attached, country: this.country, handset: this.handset }
    this.#history.push(sighting)
    const decides = this.#move(sighting)
    if (decides !== undefined && time >= this.countryTime) {
      this.country = decides
      this.countryTime = time
    }
    const alive = kind === 'ULR' || kind === 'ECR' || (kind === 'NOR' && this.#serves(sighting.node, sighting.host)) ||
      (kind === 'AIR' && sighting.plmn !== undefined && [...this.nodes.values()].some(node => node.active && node.plmn === sighting.plmn))
    if (alive) this.lastSeen = Math.max(this.lastSeen, Math.floor(time / DAY) * DAY)
    const events: string[] = []
    if (!before.attached && this.attached && !this.#policy.learning) events.push('first-attachment')
    if (before.country !== undefined && before.country !== this.country) events.push(`country-change ${before.country}>${this.country}`)
    if (alive && time >= this.countryTime && this.#isDue(time)) {
      this.told.set(this.country!, time)
      if (!this.#policy.learning || before.country !== undefined) events.push(`periodic-country ${this.country}`)
    }
    const isOther = this.handset !== undefined && this.handset.slice(0, 14) !== before.handset?.slice(0, 14)
    if (isOther && !(this.#policy.learning && before.handset === undefined)) events.push(`handset-change ${before.handset ?? '-'}>${this.handset}`)
    return events
  }

  /** Takes a moment at which nothing happened. */
  wait (time: number): string[] {
    if (!this.#isDue(time)) return []
    this.told.set(this.country!, time)
    return [`periodic-country ${this.country}`]
  }

  get attached (): boolean { return this.#history.some(({ kind }) => kind === 'ULR') }
  get handset (): string | undefined { return this.#newest(({ imei }) => imei) }
  get number (): string | undefined { return this.#newest(({ msisdn }) => msisdn) }

  /** The software version that was told last, if it was told of the handset that was seen last. */
  get softwareVersion (): string | undefined {
    const told = this.#newest(({ imei, softwareVersion }) => softwareVersion === undefined ? undefined : `${imei?.slice(0, 14)} ${softwareVersion}`)
    return told?.slice(0, 14) === this.handset?.slice(0, 14) ? told?.slice(15) : undefined
  }

  #newest (fact: (sighting: Sighting) => string | undefined): string | undefined {
    let newest: Sighting | undefined
    for (const sighting of this.#history) {
      if (fact(sighting) !== undefined && (newest === undefined || sighting.time >= newest.time)) newest = sighting
    }
    return newest === undefined ? undefined : fact(newest)
  }

  /** Moves registrations; returns the country that this decides. */
  #move ({ kind, time, node, host = '', plmn, singleRegistration, smsRegistered, smsNumber, cancellationType }: Sighting): string | undefined {
    const other: NodeType = node === 'mme' ? 'sgsn' : 'mme'
    const was = this.nodes.get(node)
    if (kind === 'PUR' || kind === 'CLR') {
      const here = this.#serves(node, host)
      const there = this.#serves(other, host)
      if (here) this.#end(node, time)
      if (there && (was?.host !== host || cancellationType === 2)) this.#end(other, time)
      return undefined
    }
    if (kind === 'NOR' && was !== undefined && this.#serves(node, host) && time >= was.time) {
      if (smsRegistered !== undefined || smsNumber !== undefined) this.nodes.set(node, { ...was, time })
      if (singleRegistration && this.#end(other, time)) return was.plmn === undefined ? undefined : countryOf(was.plmn)
    }
    if (kind !== 'ULR') return undefined
    const late = was !== undefined && time < was.time
    if (!late) this.nodes.set(node, { plmn, host, time, active: true })
    if (singleRegistration) this.#end(other, time)
    const country = plmn === undefined ? undefined : countryOf(plmn)
    if (late) return was.plmn === undefined || countryOf(was.plmn) === undefined ? country : undefined
    const stays = was?.active === true && was.plmn === plmn && this.nodes.get(other)?.active === true
    return stays ? undefined : country
  }

  #serves (type: NodeType, host: string | undefined): boolean {
    const node = this.nodes.get(type)
    return node?.active === true && node.host === host
  }

  #end (type: NodeType, time: number): boolean {
    const node = this.nodes.get(type)
    if (node?.active !== true || time < node.time) return false
    this.nodes.set(type, { ...node, active: false, time })
    return true
  }

  #isDue (time: number): boolean {
    const { country } = this
    if (country === undefined || country === this.#policy.homeCountryExcluded) return false
    const told = this.told.get(country)
    const there = [...this.nodes.values()].some(({ active, plmn }) => active && plmn !== undefined && countryOf(plmn) === country)
    return there && time < this.lastSeen + DAY + this.#policy.registeredWithoutSignMs && (told === undefined || time >= told + this.#policy.periodicIntervalMs)
  }

  /** How a state differs from the model; empty when it does not. */
  differences (state: Subscriber | undefined): string[] {
    const ours = {
      attached: this.attached,
      country: this.country,
      countryTime: this.countryTime,
      handset: this.handset,
      softwareVersion: this.softwareVersion,
      number: this.number,
      lastSeen: this.lastSeen,
      nodes: [...this.nodes].sort(),
      told: [...this.told].sort()
    }
    const theirs = {
      attached: state?.attached ?? false,
      country: state?.country,
      countryTime: state?.countryTime ?? 0,
      handset: state?.handset?.imei,
      softwareVersion: state?.handset?.softwareVersion,
      number: state?.number,
      lastSeen: state?.lastSeen ?? 0,
      nodes: Object.entries(state?.registrations ?? {}).map(([type, { plmn, host, time, active }]) => [type, { plmn, host, time, active }]).sort(),
      told: (state?.visited ?? []).map(({ country, toldAt }) => [country, toldAt]).sort()
    }
    return Object.keys(ours).filter(key => JSON.stringify(ours[key as keyof typeof ours]) !== JSON.stringify(theirs[key as keyof typeof ours]))
  }
}
