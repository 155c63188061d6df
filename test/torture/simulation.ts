import { runHistory, type Sabotage } from '../delivery/history.ts'
import type { Torture } from './torture.ts'

/** What is broken in the control, each in turn. */
const SABOTAGES: readonly Sabotage[] = ['forgets acknowledgements', 'window too wide', 'resends early']

/** Seeds that the control tries for each: not every history comes upon what is broken. */
const CONTROL_SEEDS = 200

/** Histories before other work gets its turn. */
const SEEDS_PER_TURN = 500

/** Random histories of queues and streams on a clock of their own, each checked at every step. One round is one seed. */
export const simulation: Torture = {
  name: 'simulation',
  promise: 'never more in flight than the window, no resend before its deadline, each event acknowledged or waiting or parked, the least loaded first',
  rounds: { full: 100_000, quick: 2_000 },
  stage: async (_place, sabotage) => {
    if (sabotage) return async random => controlHistory(random)
    let run = 0
    return async random => {
      if (++run % SEEDS_PER_TURN === 0) await new Promise(resolve => { setImmediate(resolve) })
      return history(random())
    }
  }
}

function history (seed: number, sabotage?: Sabotage): string[] {
  try {
    runHistory(seed, sabotage)
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** Finds a fault only when the check sees each kind of sabotage. */
function controlHistory (random: () => number): string[] {
  const found = SABOTAGES.map(sabotage => {
    for (let tries = 0; tries < CONTROL_SEEDS; tries++) {
      const faults = history(random(), sabotage)
      if (faults.length > 0) return `${sabotage}: ${faults[0]}`
    }
    return undefined
  })
  return found.every(fault => fault !== undefined) ? found : []
}
