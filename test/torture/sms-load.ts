import { cancelSms } from './control.ts'
import { faultsOf, until } from './patience.ts'
import { FRIENDLY } from './service-centre.ts'
import { SmsStage } from './sms-stage.ts'
import type { Submitted } from './submitted.ts'
import type { TextClient } from './text-client.ts'
import type { Torture } from './torture.ts'

/** Messages of the first round, of those that follow, and of the control. */
const FIRST = 20_000
const FOLLOWING = 100_000
const CONTROL = 2_000

/** Calls that are under way at once. */
const CALLS = 50

const WINDOW = 100

/** How long an answer takes, so that submissions do wait for it. */
const ANSWER_MS = 5

/** What the relay gives a link that has just come up, and each one that is taken lets one more be under way. */
const START = 2

/** Messages that are relayed before memory is measured: a process that has done nothing yet has little of its code and of its heap. */
const WARM = 1_000

/** How much memory of its own the agent may need more than it had then. */
const GROWTH_MIB = 100

/** Time for each part of a round. */
const PART_MS = 120_000

/** Notes in which order messages come, and whether the link is loaded with care. */
class Watch {
  readonly #stage: SmsStage
  readonly #fault: (text: string) => void
  /** Numbers of the subscribers, in the order in which their message came first. */
  readonly order: string[] = []
  readonly #seen = new Set<string>()
  mostOutstanding = 0
  #faults = 0

  constructor (stage: SmsStage, fault: (text: string) => void) {
    this.#stage = stage
    this.#fault = fault
  }

  note ({ to }: Submitted): void {
    const { outstanding, taken } = this.#stage.centre
    this.mostOutstanding = Math.max(this.mostOutstanding, outstanding)
    if (outstanding > Math.min(WINDOW, START + taken) && this.#faults++ === 0) this.#fault(`${outstanding} are under way when ${taken} were taken`)
    if (this.#seen.has(to)) return
    this.#seen.add(to)
    this.order.push(to)
  }
}

/** How far messages were overtaken: the most that were accepted before one and came after it. `accepted`: when, by number, ms since 1970. */
function overtaken (order: readonly string[], accepted: ReadonlyMap<string, number>): number {
  const times = [...accepted.values()].sort((a, b) => a - b)
  const before = new Map<number, number>()
  times.forEach((time, place) => { if (!before.has(time)) before.set(time, place) })
  return order.reduce((most, number, place) => Math.max(most, before.get(accepted.get(number)!)! - place), 0)
}

/** Many messages wait for a link that is down; it comes up, is lost in the midst, and comes up again. */
export const smsLoad: Torture = {
  name: 'sms-load',
  promise: 'messages wait for the link in bounded memory and are flushed in their order, the load ramps up, and a lost connection loses nothing',
  rounds: { full: 2, quick: 1 },
  stage: async (place, sabotage) => {
    let round = 0
    return async () => {
      const count = sabotage ? CONTROL : round++ === 0 ? FIRST : FOLLOWING
      const sms = { queue_messages: count, queue_messages_per_client: count, messages_per_subscriber_hour: 2 }
      const stage = await SmsStage.set(place, count, { window: WINDOW }, sms)
      try {
        return await faultsOf(`${count} messages`, async fault => { await load(stage, count, sabotage, fault) })
      } finally {
        stage.client.close()
        await stage.agent.end('SIGKILL')
      }
    }
  }
}

async function load (stage: SmsStage, count: number, sabotage: boolean, fault: (text: string) => void): Promise<void> {
  const { agent, centre, client, ledger } = stage
  await agent.start()
  const cold = agent.memoryMib()
  await send(client, WARM)
  await stage.settled(PART_MS)
  const before = agent.memoryMib()
  centre.open = false
  centre.cut()
  const watch = new Watch(stage, fault)
  centre.manner = submitted => {
    watch.note(submitted)
    return { ...FRIENDLY, delayMs: ANSWER_MS }
  }
  const start = performance.now()
  const { accepted, last } = await send(client, count)
  const acceptMs = performance.now() - start
  const waiting = agent.memoryMib()
  // The control: the operator takes one back, and it must be missed.
  if (sabotage) await cancelSms(agent, last)
  centre.open = true
  await until('the link comes up', () => watch.order.length > 0, PART_MS)
  const first = performance.now()
  const firstHalf = await until('half of the messages come', () => watch.order.length >= count / 2, PART_MS)
  const half = watch.order.length
  centre.cut()
  await until('the others come', () => watch.order.length >= accepted.size - (sabotage ? 1 : 0), PART_MS)
  const flushMs = performance.now() - first
  await stage.settled(PART_MS)
  const growth = Math.max(waiting, agent.memoryMib()) - before
  const late = overtaken(watch.order.slice(0, half), accepted)
  const mib = (amount: number): string => `${Math.round(amount)} MiB`
  process.stderr.write(`  ${accepted.size} messages: accepted ${rate(count, acceptMs)}; before the cut ${rate(half, firstHalf)}, ` +
    `all in ${(flushMs / 1000).toFixed(1)} s; at most ${watch.mostOutstanding} under way, overtaken by ${late}; ` +
    `memory ${mib(cold)} after its start, ${mib(before)} once it had worked, ${mib(growth)} more then\n`)
  if (watch.order.length < accepted.size) fault(`${accepted.size - watch.order.length} messages never came`)
  if (late > WINDOW) fault(`a message was overtaken by ${late} that were accepted later, the window is ${WINDOW}`)
  if (watch.mostOutstanding < WINDOW) fault(`never more than ${watch.mostOutstanding} were under way: the window of ${WINDOW} is not used`)
  if (growth > GROWTH_MIB) fault(`the agent needs ${Math.round(growth)} MiB more than when it had begun to work, ${GROWTH_MIB} are allowed`)
  for (const text of ledger.takeFaults()) fault(text)
}

/** Sends texts; gives when each was accepted, by number, ms since 1970, and the id of one of the last. */
async function send (client: TextClient, count: number): Promise<{ accepted: Map<string, number>, last: string }> {
  const accepted = new Map<string, number>()
  let begun = 0
  let last = ''
  const work = async (): Promise<void> => {
    while (begun++ < count) {
      const { to, messageId } = await client.one()
      accepted.set(to, acceptedAt(messageId))
      last = messageId
    }
  }
  await Promise.all(Array.from({ length: CALLS }, work))
  return { accepted, last }
}

/** The first twelve digits of an id are the time. */
function acceptedAt (id: string): number {
  return parseInt(id.slice(0, 12), 16)
}

function rate (count: number, ms: number): string {
  return `${Math.round(count / ms * 1000)} a second`
}
