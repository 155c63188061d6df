import type { QueueStatus } from '../../gen/landfall/control/v1/control.ts'
import { RunningAgent, type AgentOptions } from '../lib/agent.ts'
import { Arrivals } from './arrivals.ts'
import { play } from './campaign.ts'
import { queuesOf } from './control.ts'
import { ClientProcess } from './client-process.ts'
import type { ClientWish } from './contract-client.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { Http2Client, openRequest } from './http2-client.ts'
import { Missed, until, within } from './patience.ts'
import type { Place } from './place.ts'

/** Time from an arrival to the answered acknowledgement of its event, and for a newcomer to get in, whatever else goes on. */
const SERVED_MS = 5_000

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
  #bystander: ClientProcess | undefined
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

  /** Lets a client attend that `served` asks about. */
  async attend (): Promise<void> {
    this.#bystander = await this.client({ queue: 'bystander' })
  }

  /** Checks that the agent still serves: the client that attends gets a new event and acknowledges it, and a new one gets in (`newcomers`). */
  async served (fault: (text: string) => void, newcomers = true): Promise<void> {
    if (this.agent.exit !== undefined) throw new Missed(`the agent has ended with ${this.agent.exit}`)
    await within('a replay is taken', SERVED_MS, this.arrive(1))
    const { answers } = this.#bystander!
    await until('who was connected acknowledges a new event', () => answers.length === this.told, SERVED_MS)
    if (!answers.at(-1)!.success) fault('an acknowledgement failed')
    if (!newcomers) return
    const newcomer = await within('a new client connects', SERVED_MS, Http2Client.connect(this.#place, this.agent.address))
    const { headers } = await within('a new client\'s stream opens', SERVED_MS, newcomer.call(openRequest(undefined, 1)))
    if (headers['grpc-status'] !== undefined) fault(`a new client is refused with ${headers['grpc-status']}`)
    newcomer.destroy()
  }

  /** What `landfall queues` says of all queues of first attachments. */
  async queues (): Promise<QueueStatus[]> {
    return (await queuesOf(this.agent)).filter(({ queue }) => queue!.kind === 'first-attachment')
  }

  /** What `landfall queues` says of the queue of this name. */
  async queue (name = 'shared'): Promise<QueueStatus> {
    return (await this.queues()).find(({ queue }) => queue!.name === name)!
  }

  /** The agent's memory that is its own, MiB; 0 when it has ended. */
  memoryMib (): number {
    return this.agent.memoryMib()
  }

  /** Ends the agent; its clients end with the place. */
  async end (): Promise<void> {
    clearInterval(this.#watch)
    await this.agent.end('SIGKILL')
  }
}
