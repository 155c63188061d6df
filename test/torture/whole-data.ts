import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { RunningAgent } from '../lib/agent.ts'
import { play } from './campaign.ts'
import { emptied, states } from './control.ts'
import { Ledger } from './ledger.ts'
import type { Place } from './place.ts'
import { Traffic } from './traffic.ts'
import { Witness } from './witness.ts'

const SOUND = /all stored records are sound/

/** How often a starting agent's log is looked at. */
const LOOK_MS = 20

/** What data tell when they are whole. */
interface Told {
  imsis: readonly string[]
  /** What is known of each. */
  knows: readonly string[]
  events: Ledger
  total: number
}

/** An agent with data, stopped, and what its data tell when they are whole. */
export class WholeData {
  readonly agent: RunningAgent
  readonly #copy: string
  readonly #told: Told

  private constructor (agent: RunningAgent, copy: string, told: Told) {
    this.agent = agent
    this.#copy = copy
    this.#told = told
  }

  /** Fills an agent's data from a capture and lets a client read all of it, so that every event is on record and acknowledged. */
  static async make (place: Place, random: () => number): Promise<WholeData> {
    const directory = join(place.directory, 'data')
    const agent = await (await RunningAgent.make(place, { directory })).start()
    const sound = new Ledger()
    const witness = new Witness(agent.address, sound)
    const { path, imsis } = new Traffic(place.directory, random).next(1_000)
    const { events } = await play(agent, path)
    const total = Object.values(events).reduce((sum, count) => sum + Number(count), 0)
    await sound.until('all events are acknowledged', () => sound.settledInAll >= total)
    await witness.close()
    const knows = await states(agent, imsis)
    await agent.end()
    const copy = join(place.directory, 'whole')
    cpSync(directory, copy, { recursive: true })
    return new WholeData(agent, copy, { imsis, knows, events: sound, total })
  }

  get directory (): string { return this.agent.directory }

  /** One of the two data files. */
  file (random: () => number): string {
    return join(this.directory, random() % 2 === 0 ? 'network' : 'clients', 'data.mdb')
  }

  /** Puts the whole data back. */
  mend (): void {
    rmSync(this.directory, { recursive: true, force: true })
    cpSync(this.#copy, this.directory, { recursive: true })
  }

  /** Starts the agent; gives how it ended, or undefined when it serves data that its own full scan found to be sound. */
  async start (): Promise<number | string | undefined> {
    this.agent.log = ''
    await this.agent.start().catch(() => {})
    while (this.agent.exit === undefined && !SOUND.test(this.agent.log)) await later(LOOK_MS)
    return this.agent.exit
  }

  /** What a serving agent tells that is not as it was. */
  async compare (): Promise<string[]> {
    const { imsis, knows: knew, events, total } = this.#told
    const knows = await states(this.agent, imsis)
    const faults = imsis.flatMap((imsi, index) => knows[index] === knew[index] ? [] : [`SIM ${imsi} is ${knows[index]}, it was ${knew[index]}`])
    const note = (error: Error): void => { faults.push(error.message) }
    // The old queue has kept its position when nothing waits in it; the log is whole when a new queue gets all of it.
    await emptied(this.agent).catch(note)
    const again = new Ledger()
    const witness = new Witness(this.agent.address, again, () => true, 'from-the-beginning')
    await again.until('all events come to a new queue', () => again.settledInAll >= total, 10_000).catch(note)
    await witness.close()
    return [...faults, ...again.compare(events)]
  }
}
