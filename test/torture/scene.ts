import { readFileSync } from 'node:fs'
import type { ListQueuesResponse, QueueStatus } from '../../gen/landfall/control/v1/control.ts'
import { RunningAgent, type AgentOptions } from '../lib/agent.ts'
import { Arrivals } from './arrivals.ts'
import { ask, play, withControl } from './campaign.ts'
import { ClientProcess } from './client-process.ts'
import type { ClientWish } from './contract-client.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import type { Place } from './place.ts'

/** How often memory is looked at. */
const MEMORY_MS = 100

/** One agent with its clients, and SIMs that arrive when told to. */
export class Scene {
  readonly agent: RunningAgent
  readonly #place: Place
  readonly #prefix: readonly string[]
  readonly #arrivals: Arrivals
  /** First attachments told so far; their ids are 1 to this. */
  told = 0
  /** The most memory of its own that the agent was seen to have since this was last set, MiB. */
  peakMib = 0
  readonly #watch: NodeJS.Timeout

  private constructor (place: Place, agent: RunningAgent, prefix: readonly string[]) {
    this.agent = agent
    this.#place = place
    this.#prefix = prefix
    this.#arrivals = new Arrivals(temporaryDirectory(place))
    this.#watch = setInterval(() => { this.peakMib = Math.max(this.peakMib, this.memoryMib()) }, MEMORY_MS)
    place.teardown(() => { clearInterval(this.#watch) })
  }

  /** Starts an agent of its own. `options.prefix` goes for its clients as well. */
  static async begin (place: Place, options: AgentOptions = {}): Promise<Scene> {
    const agent = await (await RunningAgent.make(place, options)).start()
    return new Scene(place, agent, options.prefix ?? [])
  }

  /** Opens a client in a process of its own. */
  async client (wish: Partial<ClientWish> = {}): Promise<ClientProcess> {
    return await ClientProcess.open(this.#place, { address: this.agent.address, ...wish }, this.#prefix)
  }

  /** So many SIMs attach; resolves once that is on disk. */
  async arrive (count: number): Promise<void> {
    await play(this.agent, this.#arrivals.next(count))
    this.told += count
  }

  /** What `landfall queues` says of all queues of first attachments. */
  async queues (): Promise<QueueStatus[]> {
    const { queues } = await withControl(this.agent, async client => await ask<ListQueuesResponse>(done => client.listQueues({}, done)))
    return queues.filter(({ queue }) => queue!.kind === 'first-attachment')
  }

  /** What `landfall queues` says of the queue of this name. */
  async queue (name = 'shared'): Promise<QueueStatus> {
    return (await this.queues()).find(({ queue }) => queue!.name === name)!
  }

  /** The agent's memory that is its own, MiB; 0 when it has ended. */
  memoryMib (): number {
    if (this.agent.exit !== undefined) return 0
    const [, kib = '0'] = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${this.agent.pid}/status`, 'utf8')) ?? []
    return Number(kib) / 1024
  }

  /** Ends the agent; its clients end with the place. */
  async end (): Promise<void> {
    clearInterval(this.#watch)
    await this.agent.end('SIGKILL')
  }
}
