import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import type { RunningAgent } from '../lib/agent.ts'
import { Campaign } from './campaign.ts'
import type { Torture } from './torture.ts'

/** The kill comes within this time after the replay began. */
const KILL_WITHIN_MS = 500

/** `kill -9` of the agent under replay and acknowledgements. */
export const kill: Torture = {
  name: 'kill',
  promise: 'no event is lost, ids have no gaps, nothing comes again whose acknowledgement was answered, the state is that of an undisturbed replay',
  rounds: { full: 200, quick: 10 },
  stage: async (place, sabotage) => {
    let campaign: Campaign | undefined
    return async random => {
      campaign ??= await Campaign.begin(place, random)
      const { agent } = campaign
      return await campaign.round(random, async () => {
        await later(random() % KILL_WITHIN_MS)
        const restore = sabotage ? await forget(agent, join(place.directory, 'earlier')) : undefined
        await agent.end('SIGKILL')
        restore?.()
      })
    }
  }
}

/** The control: the disk forgets what was written in the last moments, acknowledgements among it. */
export async function forget (agent: RunningAgent, copy: string): Promise<() => void> {
  process.kill(agent.pid, 'SIGSTOP')
  cpSync(agent.directory, copy, { recursive: true })
  process.kill(agent.pid, 'SIGCONT')
  await later(KILL_WITHIN_MS)
  return () => {
    rmSync(agent.directory, { recursive: true })
    cpSync(copy, agent.directory, { recursive: true })
    rmSync(copy, { recursive: true })
  }
}
