import { setTimeout as later } from 'node:timers/promises'
import type { QueueStatus } from '../../gen/landfall/control/v1/control.ts'
import type { EventResponse } from '../../agent/api/event-message.ts'
import { EventSubscriber } from '../../agent/cli/event-subscriber.ts'
import type { RunningAgent } from '../lib/agent.ts'
import { Campaign } from './campaign.ts'
import { queuesOf } from './control.ts'
import { Preload } from './preload.ts'
import type { Torture } from './torture.ts'
import { holds } from './patience.ts'

const DAY_S = 86_400

/** Settings by which a jump of a day would hurt, if anything went by the wall clock that must not. */
const SETTINGS = { store: { retention_days: 1 / 24 }, delivery: { idle_queue_hours: 1 }, tracker: { periodic_interval_hours: 24 * 366 } }

/** The agent looks for old events every second. */
const SOME_TICKS_MS = 3_000

/** An event must not come again before its deadline, and must come soon after. The client's own clock measures from the receipt. */
const ACK_TIMEOUT_S = 10
const EARLY_MS = ACK_TIMEOUT_S * 1000 - 500
const LATE_MS = ACK_TIMEOUT_S * 1000 + 5_000

const LAZY = 'lazy'

/** A client that acknowledges nothing and notes how long each event takes to come again. */
class LazyClient {
  readonly #subscriber: EventSubscriber
  readonly #cancel: () => void
  readonly #seen: Map<number, number>
  readonly #gaps: number[]

  private constructor (address: string, seen: Map<number, number>, gaps: number[]) {
    this.#seen = seen
    this.#gaps = gaps
    this.#subscriber = new EventSubscriber(address, 'first-attachment')
    const stream = this.#subscriber.open({
      streamType: { $case: 'durableQueue', value: { customName: LAZY } },
      acknowledgeOption: { $case: 'customAckTimeout', value: { seconds: BigInt(ACK_TIMEOUT_S), nanos: 0 } },
      maxInFlight: 50,
      startPosition: { $case: 'startAtOldestPossible', value: {} }
    })
    stream.on('error', () => {})
    stream.on('data', (event: EventResponse) => {
      const id = Number(event.metadata!.eventId)
      const before = this.#seen.get(id)
      if (before !== undefined) this.#gaps.push(performance.now() - before)
      this.#seen.set(id, performance.now())
    })
    this.#cancel = () => { stream.cancel() }
  }

  /** A new client. */
  static begin (address: string): LazyClient {
    return new LazyClient(address, new Map(), [])
  }

  /** Another connection of the same client in place of this one. */
  again (address: string): LazyClient {
    this.close()
    return new LazyClient(address, this.#seen, this.#gaps)
  }

  get received (): number { return this.#seen.size }

  /** Times from one delivery of an event to the next, ms. */
  get gaps (): readonly number[] { return this.#gaps }

  close (): void {
    this.#cancel()
    this.#subscriber.close()
  }
}

/** The wall clock is set a day ahead or back under a running agent, and stays so over its next start. */
export const clockJump: Torture = {
  name: 'clock-jump',
  promise: 'deadlines keep their pace, ids grow without gaps, retention and idle queues take nothing, sightings stand, over a restart too',
  rounds: { full: 10, quick: 2 },
  needs: { gcc: 'gcc' },
  stage: async (place, sabotage) => {
    const preload = await Preload.build(place)
    preload.shiftClock(0)
    let campaign: Campaign | undefined
    let shift = 0
    return async random => {
      campaign ??= await Campaign.begin(place, random, { settings: SETTINGS, env: preload.env })
      const { agent } = campaign
      const faults: string[] = []
      let before: QueueStatus | undefined
      const told = await campaign.round(random, async () => {
        shift = shift > 0 ? -DAY_S : DAY_S
        faults.push(...await jump(agent, () => { preload.shiftClock(shift) }, sabotage))
        before = await lazyQueue(agent)
        await agent.end('SIGKILL')
      })
      await later(SOME_TICKS_MS)
      const after = await lazyQueue(agent)
      if (after === undefined) faults.push('the idle queue is gone')
      else if (after.missed > 0n) faults.push(`retention took ${after.missed} events`)
      else if (left(after) < left(before!)) faults.push(`${left(before!)} events waited before the restart, ${left(after)} after it`)
      return [...told, ...faults]
    }
  }
}

/** Lets the clock jump while events wait for their deadlines. */
async function jump (agent: RunningAgent, shift: () => void, sabotage: boolean): Promise<string[]> {
  let lazy = LazyClient.begin(agent.address)
  try {
    if (!await holds(() => lazy.received > 0, LATE_MS)) return ['no event comes']
    shift()
    // The control gives the events back before their time.
    if (sabotage) lazy = lazy.again(agent.address)
    if (!await holds(() => lazy.gaps.length > 0, LATE_MS)) return [`no event comes again within ${LATE_MS} ms`]
    return lazy.gaps.filter(gap => gap < EARLY_MS || gap > LATE_MS).map(gap => `an event came again after ${Math.round(gap)} ms`)
  } finally {
    lazy.close()
  }
}

async function lazyQueue (agent: RunningAgent): Promise<QueueStatus | undefined> {
  return (await queuesOf(agent)).find(({ queue }) => queue!.name === LAZY)
}

function left ({ waiting, inFlight }: QueueStatus): number {
  return Number(waiting + inFlight)
}
