import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { StoreDamaged } from './damage.ts'
import { openEnvironment } from './environment.ts'
import { stateFiles } from './identity.ts'
import { inspect } from './inspection.ts'

/** What a compaction did to one environment's file. */
export interface Compacted { path: string, before: number, after: number }

/**
 * Writes both environments anew without what was freed in them, so that erased data are gone from the disk. The state directory must be
 * locked and nobody may have it open. A copy takes an environment's place only once every record in it was read; cut short, the old
 * file or the new one is there, whole. Throws StoreDamaged.
 */
export async function compact (directory: string): Promise<Compacted[]> {
  const { problems } = await inspect(directory, 'records')
  if (problems.length > 0) throw new StoreDamaged(problems.join('; '), directory)
  const { network, clients } = stateFiles(directory)
  const done: Compacted[] = []
  for (const path of [network, clients]) done.push(await compactOne(path))
  const after = await inspect(directory, 'records')
  if (after.problems.length > 0) throw new StoreDamaged(after.problems.join('; '), directory)
  return done
}

async function compactOne (path: string): Promise<Compacted> {
  const data = join(path, 'data.mdb')
  const draft = join(path, 'compacted')
  const before = statSync(data).size
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  const root = openEnvironment(path, true)
  await root.backup(draft, true)
  await root.close()
  const copy = join(draft, 'data.mdb')
  if (!existsSync(copy)) throw new Error(`${copy} was not written`)
  sync(copy)
  renameSync(copy, data)
  sync(path)
  rmSync(draft, { recursive: true })
  // It belongs to the file that was there before.
  rmSync(join(path, 'lock.mdb'), { force: true })
  return { path: data, before, after: statSync(data).size }
}

function sync (path: string): void {
  const file = openSync(path, 'r')
  fsyncSync(file)
  closeSync(file)
}
