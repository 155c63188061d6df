import { setTimeout as later } from 'node:timers/promises'

/** Pause between two looks. */
const PAUSE_MS = 10

/** Looks again and again until a condition holds; resolves with whether that came about within the time. */
export async function holds (condition: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; await later(PAUSE_MS)) {
    if (await condition()) return true
  }
  return await condition()
}
