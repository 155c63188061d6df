import type { Test } from 'tap'

/** A seed for this run: FUZZ_SEED from the environment, or a new one. Printed, so that a failure can be had again. */
export function seed (t: Test): number {
  const given = process.env['FUZZ_SEED']
  const chosen = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
  t.comment(`FUZZ_SEED=${chosen}`)
  return chosen
}

/** Parameters for fast-check's assert. */
export function seeded (t: Test, numRuns = 500): { seed: number, numRuns: number } {
  return { seed: seed(t), numRuns }
}

/** A small fast generator of numbers below 2^32 (mulberry32), the same for the same seed. */
export function random (start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return (mixed ^ mixed >>> 14) >>> 0
  }
}
