import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { credentials, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js'
import { service } from 'grpc-health-check'
import type { RunningAgent } from '../lib/agent.ts'
import { landfall } from '../lib/cli.ts'
import { Campaign, play, type Capture } from './campaign.ts'
import { emptied } from './control.ts'
import { DISK_NEEDS, LoopDisk, memoryDisk } from './disk.ts'
import { Filler } from './filler.ts'
import type { Torture } from './torture.ts'
import { holds } from './patience.ts'

const DISK_MIB = 48
const RESERVE_MIB = 4
const RESERVE_BYTES = RESERVE_MIB * 2 ** 20

/** The disk fills within this time after the replay began. */
const FILL_WITHIN_MS = 200

/** The agent looks at the disk every second. */
const NOTICE_WITHIN_MS = 5_000

/** A disk that somebody else fills, and empties again; ext4 and a disk in memory by turns. */
export const diskFull: Torture = {
  name: 'disk-full',
  promise: 'on a full disk new state is refused in clear words while acknowledgements and health go on; once there is room it goes on by itself, and nothing is lost',
  rounds: { full: 20, quick: 2 },
  needs: DISK_NEEDS,
  stage: async (place, sabotage) => {
    const disks = [(await LoopDisk.make(place, 'ext4', DISK_MIB)).directory, await memoryDisk(place, 'memory', DISK_MIB)]
    const sieges = disks.map(disk => ({ disk, filler: new Filler(disk), campaign: undefined as Campaign | undefined }))
    let rounds = 0
    return async random => {
      const siege = sieges[rounds++ % sieges.length]!
      const { disk, filler } = siege
      siege.campaign ??= await Campaign.begin(place, random, { directory: join(disk, 'data'), settings: { store: { reserve_mib: RESERVE_MIB } } })
      const { campaign } = siege
      // The control: nobody fills the disk.
      const fill = sabotage ? () => {} : (leave: number) => { filler.fill(leave) }
      const waiting = await campaign.next()
      const refused = await campaign.next()
      const faults = await starve(campaign, [waiting, refused], fill, random)
      const { agent } = campaign
      const begin = agent.log.length
      filler.remove()
      if (!sabotage && !await holds(() => agent.log.includes('there is room on the disk', begin), NOTICE_WITHIN_MS)) faults.push('it does not see that there is room')
      return [...faults, ...await campaign.check({ path: refused.path, imsis: [...waiting.imsis, ...refused.imsis] })]
    }
  }
}

/** Fills the disk beside a replay, while events wait; gives what was wrong as long as it was full. */
async function starve (
  campaign: Campaign, [waiting, { path }]: readonly [Capture, Capture], fill: (leave: number) => void, random: () => number
): Promise<string[]> {
  const { agent } = campaign
  await campaign.attend(() => false)
  await play(agent, waiting.path)
  const begin = agent.log.length
  const beside = outcome(play(agent, path))
  await later(random() % FILL_WITHIN_MS)
  // A commit that is under way still has room.
  fill(RESERVE_BYTES / 2)
  const noticed = await holds(() => agent.log.includes('the disk is full', begin), NOTICE_WITHIN_MS)
  // Now the agent has given up its reserve; nobody else takes that.
  fill(RESERVE_BYTES)
  const partly = await beside
  const refusal = await outcome(play(agent, path))
  const faults = noticed ? [] : ['the log does not say that the disk is full']
  if (!/MiB free.*nothing new is stored until there is room/.test(refusal)) faults.push(`new state is not refused: ${refusal} (the replay before it: ${partly})`)
  const { stdout } = await landfall(['queues', '--config', agent.config])
  if (!stdout.includes('The disk is full')) faults.push(`"landfall queues" does not say that the disk is full: ${stdout}`)
  const health = await healthOf(agent)
  if (health !== 'SERVING') faults.push(`health is ${health}`)
  const settled = campaign.ledger.answers
  await campaign.attend(() => true)
  await emptied(agent).catch((error: Error) => { faults.push(`acknowledgements do not go on: ${error.message}`) })
  if (campaign.ledger.answers === settled) faults.push('no acknowledgement was answered')
  if (agent.exit !== undefined) faults.push(`it ended with ${agent.exit}: ${agent.log.slice(begin)}`)
  return faults
}

/** What came of a replay, in words. */
async function outcome (replay: Promise<unknown>): Promise<string> {
  return await replay.then(() => 'it was played', (error: Error) => error.message)
}

/** What grpc.health.v1 says of the whole agent, or how it fails. */
async function healthOf (agent: RunningAgent): Promise<string> {
  const client = new (makeGenericClientConstructor(service, 'Health'))(agent.address, credentials.createInsecure())
  const check = client['check'] as (request: object, done: (error: ServiceError | null, answer: { status: string }) => void) => void
  try {
    return await new Promise(resolve => { check.call(client, { service: '' }, (error, answer) => { resolve(error === null ? answer.status : error.message) }) })
  } finally {
    client.close()
  }
}
