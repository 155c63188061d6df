import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { Campaign } from './campaign.ts'
import { DISK_NEEDS, LoopDisk } from './disk.ts'
import { Preload } from './preload.ts'
import type { Torture } from './torture.ts'
import { holds } from './patience.ts'

/** The power goes within this time after the replay began. */
const CUT_WITHIN_MS = 500

/** A thread that waits for the disk stops when it has it. */
const STOP_WITHIN_MS = 10_000

const DISK_MIB = 64

/** The disk keeps what was synced and nothing else, in the midst of replay and acknowledgements. */
export const powerCut: Torture = {
  name: 'power-cut',
  promise: 'when the power goes, no event is lost or told under another id, nothing comes again whose acknowledgement was answered, and the data are sound',
  rounds: { full: 50, quick: 2 },
  needs: { ...DISK_NEEDS, gcc: 'gcc' },
  stage: async (place, sabotage) => {
    const disk = await LoopDisk.make(place, 'disk', DISK_MIB)
    const env = sabotage ? neverSynced(await Preload.build(place)) : {}
    let campaign: Campaign | undefined
    return async random => {
      campaign ??= await Campaign.begin(place, random, { directory: join(disk.directory, 'data'), env })
      const { agent } = campaign
      return await campaign.round(random, async () => {
        // Of the control, what was before is on the disk, so that it loses this round and not everything.
        if (sabotage) await disk.sync()
        await later(random() % CUT_WITHIN_MS)
        await freeze(agent.pid)
        const remains = await disk.copy()
        await agent.end('SIGKILL')
        await disk.become(remains)
      })
    }
  }
}

/** The control: the agent believes that its data are on disk, and nobody has brought them there. */
function neverSynced (preload: Preload): Record<string, string> {
  preload.break({ path: 'data.mdb', call: 'sync', action: 'skip' })
  return preload.env
}

/** Stops every thread of a process, so that nothing moves while its disk is copied. */
async function freeze (pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const tasks = `/proc/${pid}/task`
  const stopped = (): boolean => readdirSync(tasks).every(task => /\) T /.test(readFileSync(join(tasks, task, 'stat'), 'utf8')))
  if (!await holds(stopped, STOP_WITHIN_MS)) throw new Error('the agent does not stop for the copy of its disk')
}
