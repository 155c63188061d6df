import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { RunningAgent } from '../lib/agent.ts'
import { play } from './campaign.ts'
import { Ledger } from './ledger.ts'
import type { Place } from './place.ts'
import type { Torture } from './torture.ts'
import { Traffic } from './traffic.ts'
import { Witness } from './witness.ts'

/** Exit code of damaged data (sysexits(3), EX_DATAERR). */
const DATA_ERROR = 65

const REMEDY = /restore/i

/** Parts of backups that are put back, with none of which the agent may start. `early` and `late` are two backups of a stopped agent. */
const MIXES: readonly { name: string, network?: Backup, clients?: Backup }[] = [
  { name: 'an older network beside the present clients', network: 'early' },
  { name: 'older clients beside the present network', clients: 'early' },
  { name: 'an older network beside less old clients', network: 'early', clients: 'late' },
  { name: 'older clients beside a less old network', network: 'late', clients: 'early' },
  { name: 'the last network beside the present clients', network: 'late' },
  { name: 'the last clients beside the present network', clients: 'late' },
  { name: 'a network of the present run beside later clients', network: 'running' }
]

type Backup = 'early' | 'late' | 'running'

/** Parts of different backups, put back beside one another; and a whole backup, which must serve. */
export const restore: Torture = {
  name: 'restore',
  promise: 'environments of different pasts are refused with the remedy, and nothing is changed; a whole backup serves',
  rounds: { full: 5 * MIXES.length, quick: MIXES.length },
  stage: async (place, sabotage) => {
    let number = 0
    return async random => {
      const { name, network, clients } = MIXES[number++ % MIXES.length]!
      const agent = await aged(place, random)
      const before = join(agent.directory, '..', 'present')
      cpSync(agent.directory, before, { recursive: true })
      // The control puts nothing back, so that the agent starts.
      if (!sabotage) {
        if (network !== undefined) put(agent, network, 'network')
        if (clients !== undefined) put(agent, clients, 'clients')
      }
      const faults = await refused(agent, name)
      rmSync(agent.directory, { recursive: true })
      cpSync(before, agent.directory, { recursive: true })
      return [...faults, ...await serves(agent, 'the data as they were'), ...await servesBackup(agent, random() % 2 === 0 ? 'early' : 'late')]
    }
  }
}

/** An agent with a past: backups were made of it twice while it was stopped, and once of its network alone while it ran. It is stopped. */
async function aged (place: Place, random: () => number): Promise<RunningAgent> {
  const agent = await RunningAgent.make(place)
  const traffic = new Traffic(place.directory, random)
  for (const backup of ['early', 'late', 'running'] as const) {
    await agent.start()
    if (backup === 'running') cpSync(join(agent.directory, 'network'), join(agent.directory, '..', backup, 'network'), { recursive: true })
    const ledger = new Ledger()
    const witness = new Witness(agent.address, ledger)
    const { events } = await play(agent, traffic.next(60).path)
    await ledger.until('events come', () => ledger.settled('country-change') >= Number(events['country-change'] ?? 0n))
    await witness.close()
    await agent.end()
    if (backup !== 'running') cpSync(agent.directory, join(agent.directory, '..', backup), { recursive: true })
  }
  return agent
}

function put (agent: RunningAgent, backup: Backup, part: 'network' | 'clients'): void {
  rmSync(join(agent.directory, part), { recursive: true })
  cpSync(join(agent.directory, '..', backup, part), join(agent.directory, part), { recursive: true })
}

/** The agent must refuse its data, twice alike, and say what to do. */
async function refused (agent: RunningAgent, name: string): Promise<string[]> {
  const faults: string[] = []
  for (let time = 1; time <= 2; time++) {
    agent.log = ''
    try {
      await agent.start()
      faults.push(`${name}: it was not refused`)
      await agent.end()
    } catch {
      const code = await agent.ended()
      if (code !== DATA_ERROR) faults.push(`${name}: the agent ended with ${code} instead of ${DATA_ERROR}`)
      if (!REMEDY.test(agent.log)) faults.push(`${name}: the remedy is not named in ${agent.log}`)
    }
  }
  return faults
}

async function serves (agent: RunningAgent, name: string): Promise<string[]> {
  try {
    await agent.start()
    await agent.end()
    return []
  } catch (error) {
    return [`${name}: ${String(error)}`]
  }
}

async function servesBackup (agent: RunningAgent, backup: Backup): Promise<string[]> {
  rmSync(agent.directory, { recursive: true })
  cpSync(join(agent.directory, '..', backup), agent.directory, { recursive: true })
  return await serves(agent, `the ${backup} backup as a whole`)
}
