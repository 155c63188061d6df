import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { random } from '../lib/seed.ts'
import { clients } from './clients.ts'
import { clockJump } from './clock-jump.ts'
import { damage } from './damage.ts'
import { diskFaults } from './disk-faults.ts'
import { diskFull } from './disk-full.ts'
import { flood } from './flood.ts'
import { kill } from './kill.ts'
import { Place } from './place.ts'
import { powerCut } from './power-cut.ts'
import { restore } from './restore.ts'
import { simulation } from './simulation.ts'
import { smsLoad } from './sms-load.ts'
import { sms } from './sms.ts'
import { CONTROL_ROUNDS, type Torture } from './torture.ts'

const TORTURES: readonly Torture[] = [kill, powerCut, diskFaults, diskFull, damage, restore, clients, flood, clockJump, simulation, sms, smsLoad]

/** A round that takes longer hangs. */
const ROUND_MS = 180_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, seed: { type: 'string' } }
})
const chosen = positionals.length === 0 ? TORTURES : positionals.map(find)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
tell(`seed ${seed} (--seed ${seed} has the same again)`)
let bad = 0
for (const torture of chosen) {
  const count = values.rounds === undefined ? torture.rounds[values.quick ? 'quick' : 'full'] : Number(values.rounds)
  const worse = await torment(torture, count)
  process.stdout.write(`${torture.name}: ${count} rounds, ${worse} bad\n`)
  bad += worse
}
process.exit(bad > 0 ? 1 : 0)

function find (name: string): Torture {
  const torture = TORTURES.find(torture => torture.name === name)
  if (torture !== undefined) return torture
  tell(`there is no torture "${name}": ${TORTURES.map(({ name }) => name).join(', ')}`)
  process.exit(64)
}

/** Runs the control and all rounds of one torture; gives how many were bad. A control that finds nothing is one. */
async function torment (torture: Torture, count: number): Promise<number> {
  const missing = Object.entries(torture.needs ?? {}).filter(([program]) => !onPath(program))
  if (missing.length > 0) {
    tell(`${torture.name}: needs ${missing.map(([program, name]) => `${program} (Debian package ${name})`).join(', ')}`)
    return count
  }
  const worse = await run(torture, count, false)
  if (await run(torture, CONTROL_ROUNDS, true) > 0) return worse
  tell(`${torture.name}: the control is bad: something was broken on purpose, and the check did not see it`)
  return worse + 1
}

/** Runs rounds at a place of their own; a sabotaged run ends with the first fault that is found. */
async function run (torture: Torture, count: number, sabotage: boolean): Promise<number> {
  const place = new Place()
  const next = random(seed)
  let worse = 0
  try {
    const round = await torture.stage(place, sabotage)
    for (let number = 1; number <= count; number++) {
      const faults = await bounded(round(next))
      if (faults.length === 0) continue
      worse++
      for (const fault of faults.slice(0, 5)) tell(`${torture.name}, ${sabotage ? 'control' : 'round'} ${number}: ${fault}`)
      if (sabotage) break
    }
  } catch (error) {
    tell(`${torture.name}${sabotage ? ', control' : ''}: ${error instanceof Error ? error.stack : String(error)}`)
    // What could not be run is not good; but a control has not seen anything by failing to run.
    if (!sabotage) worse = count
  }
  await place.leave().catch((error: unknown) => { tell(`${torture.name}: clearing up failed: ${String(error)}`) })
  return worse
}

/** Rejects when a round hangs. */
async function bounded<T> (work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const hangs = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(new Error(`it does not end within ${ROUND_MS / 1000} s`)) }, ROUND_MS)
  })
  return await Promise.race([work, hangs]).finally(() => { clearTimeout(timer) })
}

function onPath (program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** What is not the one line of a torture goes to standard error. */
function tell (text: string): void {
  process.stderr.write(`${text}\n`)
}
