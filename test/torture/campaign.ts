import type { ReplayResponse } from '../../gen/landfall/control/v1/control.ts'
import { replayIntoAgent } from '../../agent/cli/replay.ts'
import { configSchema } from '../../agent/config/schema.ts'
import { EVENT_KINDS, type EventKind } from '../../agent/location/event.ts'
import { RunningAgent, type AgentOptions } from '../lib/agent.ts'
import { emptied, states } from './control.ts'
import { Ledger } from './ledger.ts'
import type { Place } from './place.ts'
import { Traffic } from './traffic.ts'
import { Witness } from './witness.ts'

/** Part of the events that are left unacknowledged while the agent is about to be harmed: one in so many. */
const LEFT = 5

/** Plays a capture into an agent; rejects when the agent ends meanwhile or refuses it. */
export async function play (agent: RunningAgent, path: string): Promise<ReplayResponse> {
  return await replayIntoAgent([path], configSchema.parse({ control_socket: agent.controlSocket }), 0, false)
}

/** A capture and the SIMs in it. */
export type Capture = ReturnType<Traffic['next']>

/**
 * An agent that is harmed again and again under replay and acknowledgements, beside one that nothing happens to. After each harm the capture
 * is played again, and then both must have told the same events under the same ids and know the same of every SIM.
 */
export class Campaign {
  readonly agent: RunningAgent
  readonly #reference: RunningAgent
  readonly #traffic: Traffic
  /** What the clients of the agent saw. */
  readonly ledger = new Ledger()
  readonly #sound = new Ledger()
  /** How many events the reference has told in all. */
  readonly #told = new Map<EventKind, number>(EVENT_KINDS.map(kind => [kind, 0]))
  #witness: Witness | undefined

  private constructor (agent: RunningAgent, reference: RunningAgent, traffic: Traffic) {
    this.agent = agent
    this.#reference = reference
    this.#traffic = traffic
  }

  /** Starts both agents; `options` are those of the one that suffers. */
  static async begin (place: Place, random: () => number, options: AgentOptions = {}): Promise<Campaign> {
    const reference = await (await RunningAgent.make(place)).start()
    const agent = await (await RunningAgent.make(place, options)).start()
    const campaign = new Campaign(agent, reference, new Traffic(place.directory, random))
    const witness = new Witness(reference.address, campaign.#sound)
    place.teardown(async () => { await Promise.all([witness.close(), campaign.#witness?.close()]) })
    return campaign
  }

  /**
   * One round. `harm` runs while a capture plays and clients acknowledge; when it resolves the agent does not run any more. Gives what is wrong
   * after the next start.
   */
  async round (random: () => number, harm: () => Promise<void>): Promise<string[]> {
    if (this.agent.exit !== undefined) throw new Error('there is nothing to harm: the agent does not run since the last round')
    const capture = await this.next()
    const suffering = await this.attend(() => random() % LEFT > 0)
    const playing = play(this.agent, capture.path).catch(() => {})
    await harm()
    await Promise.all([playing, suffering.close()])
    try {
      await this.agent.start()
    } catch (error) {
      return [...this.ledger.takeFaults(), `it does not start again: ${String(error)}`]
    }
    return await this.check(capture)
  }

  /** Makes the next capture and plays it into the reference. */
  async next (): Promise<Capture> {
    const capture = this.#traffic.next()
    const { events } = await play(this.#reference, capture.path)
    for (const kind of EVENT_KINDS) this.#told.set(kind, this.#told.get(kind)! + Number(events[kind] ?? 0n))
    await this.#sound.until('the reference tells its events', () => EVENT_KINDS.every(kind => this.#sound.settled(kind) === this.#told.get(kind)))
    return capture
  }

  /** Plays a capture again, acknowledges all, and gives what is then not as in the reference. */
  async check ({ path, imsis }: Capture): Promise<string[]> {
    const faults: string[] = []
    const note = (error: unknown): void => { faults.push(error instanceof Error ? error.message : String(error)) }
    const gone = this.agent.ended().then(how => { throw new Error(`it ended with ${how} after the harm was over`) })
    await Promise.race([gone, this.#settle(path)]).catch(note)
    const states = await Promise.race([gone, this.#compareStates(imsis)]).catch(note)
    return [...this.ledger.takeFaults(), ...this.ledger.compare(this.#sound), ...states ?? [], ...faults]
  }

  /** Lets a new client take over from the one before it. */
  async attend (acknowledges: () => boolean): Promise<Witness> {
    await this.#witness?.close()
    this.#witness = new Witness(this.agent.address, this.ledger, acknowledges)
    return this.#witness
  }

  async #settle (path: string): Promise<void> {
    await this.attend(() => true)
    await play(this.agent, path)
    await this.ledger.until('all events are acknowledged', () => this.#complete())
    await emptied(this.agent)
  }

  #complete (): boolean {
    return EVENT_KINDS.every(kind => this.ledger.settled(kind) >= this.#told.get(kind)!)
  }

  async #compareStates (imsis: readonly string[]): Promise<string[]> {
    const [found, wanted] = await Promise.all([states(this.agent, imsis), states(this.#reference, imsis)])
    return imsis.flatMap((imsi, index) => found[index] === wanted[index] ? [] : [`SIM ${imsi} is ${found[index]}, it should be ${wanted[index]}`])
  }
}
