import { chownSync, closeSync, openSync, readFileSync, statSync, truncateSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { lockDirectory } from '../../agent/store/lock.ts'
import { system } from './place.ts'
import type { Torture } from './torture.ts'
import { WholeData } from './whole-data.ts'

/** Exit codes of sysexits(3): damaged data, held by another process, a permission is missing. */
const DATA_ERROR = 65
const HELD = 75
const NO_PERMISSION = 77

/** LMDB's page size here. */
const PAGE = 4096

/** Nobody's user id on Debian. */
const NOBODY = 65_534

/** One kind of damage. `certain`: the agent must refuse the data; else it may serve them if they are whole all the same. */
interface Damage {
  name: string
  certain: boolean
  code: number
  /** Gives what mends it, where putting the files back does not. */
  harm: (stage: WholeData, random: () => number) => void | (() => unknown) | Promise<() => unknown>
}

function overwrite (path: string, at: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, at)
  closeSync(file)
}

const DAMAGES: readonly Damage[] = [
  {
    name: 'a file cut short',
    certain: true,
    code: DATA_ERROR,
    harm: (stage, random) => {
      const path = stage.file(random)
      truncateSync(path, random() % statSync(path).size)
    }
  },
  { name: 'an empty file', certain: true, code: DATA_ERROR, harm: (stage, random) => { truncateSync(stage.file(random), 0) } },
  { name: 'a file that is gone', certain: true, code: DATA_ERROR, harm: (stage, random) => { unlinkSync(stage.file(random)) } },
  {
    name: 'a page of zeros',
    certain: false,
    code: DATA_ERROR,
    harm: (stage, random) => {
      const path = stage.file(random)
      overwrite(path, (random() % (statSync(path).size / PAGE)) * PAGE, Buffer.alloc(PAGE))
    }
  },
  { name: 'no meta pages', certain: true, code: DATA_ERROR, harm: (stage, random) => { overwrite(stage.file(random), 0, Buffer.alloc(2 * PAGE)) } },
  {
    name: 'changed bytes',
    certain: false,
    code: DATA_ERROR,
    harm: (stage, random) => {
      const path = stage.file(random)
      const at = random() % (statSync(path).size - 64)
      const bytes = readFileSync(path).subarray(at, at + 1 + random() % 64)
      for (let place = 0; place < bytes.length; place++) bytes[place]! ^= 1 + random() % 255
      overwrite(path, at, bytes)
    }
  },
  {
    name: 'a damaged identity',
    certain: true,
    code: DATA_ERROR,
    harm: (stage, random) => {
      const name = ['identity.json', 'pseudonym.key', 'ack-token.key'][random() % 3]!
      if (random() % 2 === 0) writeFileSync(join(stage.directory, name), '{"format')
      else unlinkSync(join(stage.directory, name))
    }
  },
  {
    name: 'a lock that another process holds',
    certain: true,
    code: HELD,
    harm: stage => lockDirectory(stage.directory)
  },
  {
    name: 'a file system that is read-only',
    certain: true,
    code: NO_PERMISSION,
    harm: async stage => {
      await system('mount', '--bind', stage.directory, stage.directory)
      const mend = async (): Promise<void> => { await system('umount', stage.directory) }
      await system('mount', '-o', 'remount,bind,ro', stage.directory).catch(async (error: unknown) => { await mend(); throw error })
      return mend
    }
  },
  {
    name: 'a file of another owner',
    certain: true,
    code: NO_PERMISSION,
    harm: (stage, random) => { chownSync(stage.file(random), NOBODY, NOBODY) }
  }
]

const REMEDY = /restore|move it away|stop it first|run landfall as|mount its file system/i

/** Data that are not what they were, or cannot be had. */
export const damage: Torture = {
  name: 'damage',
  promise: 'damaged data are refused with the remedy, by the same exit code each time, or are whole all the same; never a crash, never an empty start',
  rounds: { full: 20 * DAMAGES.length, quick: 2 * DAMAGES.length },
  needs: { mount: 'mount', umount: 'mount' },
  stage: async (place, sabotage) => {
    let data: WholeData | undefined
    let number = 0
    return async random => {
      data ??= await WholeData.make(place, random)
      const { name, certain, code, harm } = DAMAGES[number++ % DAMAGES.length]!
      // The control harms nothing, so that the agent serves.
      const end = sabotage ? undefined : await harm(data, random)
      const faults: string[] = []
      const ended = await data.start()
      if (ended === undefined) {
        faults.push(...certain ? ['the agent serves'] : await data.compare())
        await data.agent.end()
      } else {
        if (ended !== code) faults.push(`the agent ended with ${ended} instead of ${code}: ${data.agent.log}`)
        if (!REMEDY.test(data.agent.log)) faults.push(`the remedy is not named in ${data.agent.log}`)
      }
      await end?.()
      data.mend()
      if (await data.start() !== undefined) faults.push(`the data were put back, and the agent does not serve: ${data.agent.log}`)
      await data.agent.end()
      return faults.map(fault => `${name}: ${fault}`)
    }
  }
}
