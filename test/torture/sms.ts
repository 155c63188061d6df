import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { emptied } from './control.ts'
import { DeliveryWitness } from './delivery-witness.ts'
import { forget } from './kill.ts'
import type { Place } from './place.ts'
import { Preload } from './preload.ts'
import { FRIENDLY, STATUS, type Manner } from './service-centre.ts'
import { SmsStage } from './sms-stage.ts'
import type { Torture } from './torture.ts'

/** Few, so that messages of one subscriber get in each other's way. */
const SUBSCRIBERS = 40

const WINDOW = 20

/** The agent is killed so often in a round, each time within so many ms after it began to serve. */
const KILLS = 2
const KILL_WITHIN_MS = 1_200

/** Texts that are sent at once, and the longest pause after each, ms. */
const WORKERS = 6
const PAUSE_MS = 60

/** The wall clock jumps by one of these from one life of the agent to the next, so that what waits for its next try gets it. */
const LIVES_APART_S = [0, 0, 20, 90, 600]

/** And so far before the service centre behaves: more than the schedule lets pass between the tries that a round can make. */
const SETTLE_S = 7_200

/** Time in which everything must have ended then. */
const SETTLE_MS = 30_000

/** The longest an answer takes: the agent waits for one second. */
const LATEST_MS = 1_300

/** Part of the events that are left unacknowledged while the agent is about to be killed: one in so many. */
const LEFT = 5

/** One side of the torture: an agent that sends again what it does not know of, or one that gives that up. */
class Sms {
  readonly #stage: SmsStage
  readonly #preload: Preload
  readonly #giveUp: boolean
  readonly #copy: string
  #shiftS = 0
  #witness: DeliveryWitness | undefined

  private constructor (stage: SmsStage, preload: Preload, giveUp: boolean, copy: string) {
    this.#stage = stage
    this.#preload = preload
    this.#giveUp = giveUp
    this.#copy = copy
  }

  static async begin (place: Place, preload: Preload, giveUp: boolean): Promise<Sms> {
    const smpp = { window: WINDOW, response_seconds: 1, when_unknown: giveUp ? 'fail' : 'resend' }
    const stage = await SmsStage.set(place, SUBSCRIBERS, smpp, { messages_per_subscriber_hour: 100_000 }, preload.env)
    const sms = new Sms(stage, preload, giveUp, join(place.directory, 'earlier'))
    place.teardown(() => { sms.#witness?.close() })
    return sms
  }

  /** Texts flow while the agent is killed and the service centre misbehaves; gives what is wrong once both have been well for a while. */
  async round (random: () => number, sabotage: boolean): Promise<string[]> {
    const { agent, centre, client, ledger } = this.#stage
    const moods = new Moods(random)
    centre.manner = ({ to, number, text }) => moods.of(`${to} ${number} ${text}`)
    await this.#start(0, () => random() % LEFT > 0)
    client.begin(random, WORKERS, PAUSE_MS)
    for (let kill = 1; kill <= KILLS; kill++) {
      await later(random() % KILL_WITHIN_MS)
      const restore = sabotage && kill === KILLS ? await forget(agent, this.#copy) : undefined
      await agent.end('SIGKILL')
      restore?.()
      await this.#start(LIVES_APART_S[random() % LIVES_APART_S.length]!, () => random() % LEFT > 0)
    }
    await later(random() % KILL_WITHIN_MS)
    await client.rest()
    centre.manner = () => FRIENDLY
    await agent.end('SIGTERM')
    await this.#start(SETTLE_S, () => true)
    const faults: string[] = []
    await this.#stage.settled(SETTLE_MS).catch((error: unknown) => { faults.push(String(error)) })
    await emptied(agent).catch((error: unknown) => { faults.push(String(error)) })
    const { asked, accepted, again } = ledger.figures
    process.stderr.write(`  ${asked} texts, ${accepted} of them answered OK, ${again} came again; ${moods.doubts} times the service centre left it in doubt, ` +
      `when unknown: ${this.#giveUp ? 'fail' : 'resend'}\n`)
    faults.push(...ledger.check(this.#giveUp ? WINDOW * (KILLS + moods.cuts) + moods.doubts : undefined))
    // What is left open would be a fault of the next round as well.
    await agent.end('SIGKILL')
    return faults
  }

  /** Starts the agent in a later hour, with a client that reads its events. */
  async #start (aheadS: number, acknowledges: () => boolean): Promise<void> {
    this.#witness?.close()
    this.#shiftS += aheadS
    this.#preload.shiftClock(this.#shiftS)
    const { agent, ledger } = this.#stage
    await agent.start()
    this.#witness = new DeliveryWitness(agent.address, ledger, acknowledges)
  }
}

/** A service centre with moods. Each fragment leaves its sender in doubt once at most, so that with the kills it is never given up. */
class Moods {
  readonly #random: () => number
  readonly #doubted = new Set<string>()
  /** Connections that were cut. */
  cuts = 0

  constructor (random: () => number) {
    this.#random = random
  }

  /** Fragments that were not answered, or not in time. */
  get doubts (): number { return this.#doubted.size }

  of (fragment: string): Manner {
    const random = this.#random
    const receipt = random() % 4 === 0 ? 'before' : 'after'
    const answer = (status: number, delayMs = random() % 30): Manner => ({ how: 'answer', status, delayMs, receipt })
    const dice = random() % 100
    if (dice < 1) return answer(STATUS.throttled)
    if (dice < 8) return answer(STATUS.temporary)
    if (dice >= 20 || this.#doubted.has(fragment)) return answer(STATUS.ok)
    this.#doubted.add(fragment)
    if (dice < 14) return { ...FRIENDLY, how: 'silence', receipt }
    if (dice < 18) return answer(STATUS.ok, random() % LATEST_MS)
    this.cuts++
    return { ...FRIENDLY, how: 'cut' }
  }
}

/** `kill -9` of the agent while texts flow to a service centre that misbehaves. */
export const sms: Torture = {
  name: 'sms',
  promise: 'what was answered OK comes whole and ends once, nothing comes that was not asked for, and nothing twice without a word of it',
  rounds: { full: 40, quick: 4 },
  needs: { gcc: 'gcc' },
  stage: async (place, sabotage) => {
    const preload = await Preload.build(place)
    const sides = [await Sms.begin(place, preload, false), await Sms.begin(place, preload, true)] as const
    let round = 0
    return async random => await sides[round++ % 2 === 0 ? 0 : 1].round(random, sabotage)
  }
}
