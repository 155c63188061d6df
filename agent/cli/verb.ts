/** Exit codes of sysexits(3) that Landfall uses, with the meaning it gives them. */
export const EXIT = {
  ok: 0,
  /** Wrong use of the command line. */
  usage: 64,
  /** Input or stored data is damaged or not what it should be. */
  data: 65,
  /** An input file cannot be opened. */
  noInput: 66,
  /** The agent (or another service) is not there. */
  unavailable: 69,
  /** A defect of Landfall itself. */
  software: 70,
  /** The state directory cannot be created or written. */
  cannotCreate: 73,
  /** Reading or writing failed. */
  io: 74,
  /** Refused for now: another process holds the data. */
  tempFail: 75,
  /** A permission or capability is missing. */
  permission: 77,
  /** The configuration is wrong. */
  config: 78
} as const

export type ExitCode = typeof EXIT[keyof typeof EXIT]

/** Ends a verb with one line on standard error that says what to do, and the exit code. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor (exitCode: ExitCode, message: string) {
    super(message)
    this.name = 'CliError'
    this.exitCode = exitCode
  }
}

/** One word of the command line: `landfall NAME …`. */
export interface Verb {
  name: string
  /** What follows the name, as in a synopsis. */
  usage: string
  /** One line for the list of verbs. */
  summary: string
  /** Runs to the end and gives the exit code; throws CliError for what the user can mend. */
  run: (args: string[]) => Promise<number>
}
