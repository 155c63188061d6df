import type { Place } from './place.ts'

/** One round: does its harm and gives what was wrong afterwards, in words; nothing when all is well. */
type Round = (random: () => number) => Promise<string[]>

/** One way to hurt a running agent, and a check of what must stand nevertheless. */
export interface Torture {
  name: string
  /** One line for people: what is promised. */
  promise: string
  /** How many rounds `make torture` runs, and `make torture QUICK=1`. */
  rounds: { full: number, quick: number }
  /** Programs that it needs besides Node, each with the Debian package that brings it. */
  needs?: Record<string, string>
  /**
   * Sets the stage for rounds that follow one another. `sabotage`: something is broken on purpose, so that the check must find a fault
   * within `CONTROL_ROUNDS`; a check that cannot fail proves nothing.
   */
  stage: (place: Place, sabotage: boolean) => Promise<Round>
}

/** Rounds within which a check must have found what was broken on purpose. */
export const CONTROL_ROUNDS = 5
