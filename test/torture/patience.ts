import { setTimeout as later } from 'node:timers/promises'

/** How often a condition is looked at. */
const LOOK_MS = 10

/** What was waited for did not come about in time: a fault of the agent, not of the harness. */
export class Missed extends Error {}

/** Looks again and again until a condition holds; resolves with whether that came about within the time. */
export async function holds (condition: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; await later(LOOK_MS)) {
    if (await condition()) return true
  }
  return await condition()
}

/** Resolves once `done` holds, with the time that took in milliseconds. Rejects with Missed after `limitMs`, saying what was waited for. */
export async function until (what: string, done: () => boolean | Promise<boolean>, limitMs: number): Promise<number> {
  const start = performance.now()
  if (!await holds(done, limitMs)) throw new Missed(`${what}: not within ${limitMs / 1000} s`)
  return performance.now() - start
}

/** Gives the result, or rejects with Missed when it does not come in time. */
export async function within<T> (what: string, limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(new Missed(`${what}: not within ${limitMs / 1000} s`)) }, limitMs)
  })
  return await Promise.race([work, late]).finally(() => { clearTimeout(timer) })
}

/** Runs a check; what it missed is its last fault. */
export async function faultsOf (name: string, check: (fault: (text: string) => void) => Promise<void>): Promise<string[]> {
  const faults: string[] = []
  try {
    await check(text => { faults.push(`${name}: ${text}`) })
  } catch (error) {
    if (!(error instanceof Missed)) throw error
    faults.push(`${name}: ${error.message}`)
  }
  return faults
}
