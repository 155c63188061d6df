import {
  acknowledgingLate,
  acknowledgingTwice,
  halfOpen,
  killed,
  neverAcknowledging,
  stopped
} from './client-cases.ts'
import { notReading } from './deaf-clients.ts'
import type { Place } from './place.ts'
import type { Torture } from './torture.ts'

type Case = (place: Place) => Promise<string[]>

/** One round each. Those that need time more than anything else run side by side. */
const ROUNDS: readonly (readonly Case[])[] = [
  [stopped, halfOpen],
  [neverAcknowledging, acknowledgingLate],
  [killed],
  [acknowledgingTwice],
  [notReading]
]

/** Clients that stop, die, vanish, do not acknowledge, acknowledge too late or twice, or do not read, beside good ones. */
export const clients: Torture = {
  name: 'clients',
  promise: 'a bad client costs others nothing: what it holds goes to them within 30 s of its silence, or when it was not acknowledged in time',
  rounds: { full: 5 * ROUNDS.length, quick: ROUNDS.length },
  needs: { ip: 'iproute2', ss: 'iproute2', nft: 'nftables' },
  stage: async (place, sabotage) => {
    let round = 0
    return async () => {
      // The control: nothing is cut, so that the client is merely one which does not acknowledge for ten minutes.
      if (sabotage) return await halfOpen(place, false)
      const cases = ROUNDS[round++ % ROUNDS.length]!
      return (await Promise.all(cases.map(async run => await run(place)))).flat()
    }
  }
}
