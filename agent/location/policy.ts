const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** What an operator decides about events. */
export interface TrackerPolicy {
  /**
   * `live`: stamps are those of the box's clock, which may be stepped. `replay`: stamps are a capture's, the only clock there is, so
   * whatever is older than a fact is older, by however much.
   */
  readonly mode: 'live' | 'replay'
  /** Time after which a country is told again for a SIM that is still there, ms. */
  readonly periodicIntervalMs: number
  /**
   * Time without any sign of life, counted from the end of the day of the last one, after which a registration that nobody ended no longer
   * counts as "still there", ms. Longer than the interval, since a phone that stays put may show nothing for weeks.
   */
  readonly registeredWithoutSignMs: number
  /**
   * Time after a country change was told for which further ones of that SIM are held back, so that one that crosses a border back and forth
   * does not flood the stream, ms. 0: every change is told.
   */
  readonly countryChangeDampingMs: number
  /** ISO 3166-1 alpha-2 of a country that is left out of periodic-country events. */
  readonly homeCountryExcluded: string | undefined
  /** True while a new installation gets to know its SIMs: what is seen of a SIM for the first time is recorded and not told. */
  readonly learning: boolean
}

/** What holds where nothing is configured. */
export const DEFAULT_POLICY: TrackerPolicy = {
  mode: 'live',
  periodicIntervalMs: 14 * DAY_MS,
  registeredWithoutSignMs: 60 * DAY_MS,
  countryChangeDampingMs: 0,
  homeCountryExcluded: undefined,
  learning: false
}

/** Live, answers may overtake each other by this much; a larger step back is the clock's, ms. */
export const REORDER_WINDOW_MS = 30_000

/** Live, a stamp that is further ahead of the arrival than this is wrong, ms. */
export const FUTURE_LIMIT_MS = 5 * MINUTE_MS

/** Countries that are kept per SIM: more than anybody visits within an interval, and a bound against a peer that makes networks up. */
export const MAX_VISITED = 64
