import { constants } from 'node:os'
import { EXIT } from '../../agent/cli/verb.ts'
import type { RunningAgent } from '../lib/agent.ts'
import { Campaign } from './campaign.ts'
import { Preload, type DiskFault } from './preload.ts'
import type { Torture } from './torture.ts'
import { holds } from './patience.ts'

const { EIO, ENOSPC } = constants.errno
const SLOW_MS = 500

/** What can be wrong with one file. `lasts`: it is still so at the next start; `slow`: nothing fails. */
const FAULTS: readonly { fault: Omit<DiskFault, 'path'>, lasts?: true, slow?: true }[] = [
  { fault: { call: 'sync', action: 'errno', number: EIO, count: 1 } },
  { fault: { call: 'sync', action: 'errno', number: EIO }, lasts: true },
  { fault: { call: 'sync', action: 'delay', number: SLOW_MS }, slow: true },
  { fault: { call: 'write', action: 'errno', number: ENOSPC, count: 1 } },
  { fault: { call: 'write', action: 'short', count: 1 } },
  { fault: { call: 'meta', action: 'errno', number: EIO, count: 1 } }
]
const FILES = ['clients/data.mdb', 'network/data.mdb']
const CASES = FILES.flatMap(path => FAULTS.map(({ fault, ...rest }) => ({ fault: { path, ...fault }, ...rest })))

/** The control: the file's last word on each commit never reaches it, and the agent is told that it did. */
const LIE: DiskFault = { path: 'clients/data.mdb', call: 'meta', action: 'skip' }

/** So many calls succeed before the fault, at most; a capture makes more commits than that. */
const MOST_BEFORE = 4
const BATCH_EVENTS = 50

/** A commit that failed ends the agent within this time. */
const END_WITHIN_MS = 10_000

/** A slow commit and the answer to an acknowledgement are seen within this time. */
const SLOW_WITHIN_MS = 30_000

/** Syncs and writes that fail, fall short or take long, on each of the two files in turn. */
export const diskFaults: Torture = {
  name: 'disk-faults',
  promise: 'an agent whose disk fails answers nothing that is not stored, says so and ends, and goes on from there once the disk is well; a slow disk delays answers',
  rounds: { full: 5 * CASES.length, quick: CASES.length },
  needs: { gcc: 'gcc' },
  stage: async (place, sabotage) => {
    const preload = await Preload.build(place)
    let campaign: Campaign | undefined
    let rounds = 0
    return async random => {
      const options = { env: preload.env, settings: { store: { batch_events: BATCH_EVENTS } } }
      const current = campaign ??= await Campaign.begin(place, random, options)
      const { fault, lasts, slow } = CASES[rounds++ % CASES.length]!
      const chosen = sabotage ? LIE : fault
      const faults: string[] = []
      const found = await current.round(random, async () => {
        if (slow && !sabotage) faults.push(...await standSlow(preload, current, chosen))
        else faults.push(...await fail(preload, current.agent, { ...chosen, after: random() % MOST_BEFORE }, lasts ?? false))
        preload.mend()
        await current.agent.end('SIGKILL')
      })
      return [...faults, ...found].map(text => `${Object.values(chosen).join(' ')}: ${text}`)
    }
  }
}

/** Breaks the disk and gives what was wrong with the end that must follow. */
async function fail (preload: Preload, agent: RunningAgent, fault: DiskFault, lasts: boolean): Promise<string[]> {
  const begin = agent.log.length
  preload.break(fault)
  if (!await holds(() => agent.exit !== undefined, END_WITHIN_MS)) return [`the agent runs on (the disk has failed ${preload.hits} times)`]
  const faults = badEnd(agent, begin)
  if (preload.hits === 0) faults.push('the disk has not failed')
  if (!lasts) return faults
  // With a disk that still fails it may serve until it must store something, or not begin at all; but its data are not damaged.
  const again = agent.log.length
  const begun = await agent.start().then(() => true, () => false)
  return begun ? faults : [...faults, ...badEnd(agent, again).map(text => `the start after it: ${text}`)]
}

/** What is wrong with how an agent ended: it must say why, and not that its data are damaged. It may have to kill itself, where a thread hangs. */
function badEnd (agent: RunningAgent, begin: number): string[] {
  const { exit } = agent
  const said = agent.log.slice(begin)
  if (exit === EXIT.ok || exit === EXIT.data || (typeof exit === 'string' && exit !== 'SIGKILL')) return [`the agent ended with ${exit}: ${said}`]
  return /commit|I\/O|input\/output|no space/i.test(said) ? [] : [`the agent ended with ${exit} and did not say why: ${said}`]
}

/** Makes the disk slow and gives what was wrong then: nothing may fail, and no acknowledgement be answered before the disk has it. */
async function standSlow (preload: Preload, { agent, ledger }: Campaign, fault: DiskFault): Promise<string[]> {
  preload.break(fault)
  ledger.timeAnswers()
  const faults: string[] = []
  const seen = (): boolean => preload.hits > 0 && ledger.quickestMs < Infinity
  if (!await holds(seen, SLOW_WITHIN_MS)) faults.push(`${preload.hits} slow commits, and the quickest answer took ${ledger.quickestMs} ms`)
  const { quickestMs } = ledger
  if (fault.path.startsWith('clients') && quickestMs < SLOW_MS) faults.push(`an acknowledgement was answered after ${quickestMs} ms, before it was on disk`)
  if (agent.exit !== undefined) faults.push(`the agent ended with ${agent.exit} although nothing failed`)
  return faults
}
