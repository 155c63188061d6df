import { nearest } from '../config/nearest.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** Runs the verb that the arguments name and gives the exit code. What the user can mend is one line on standard error. */
export async function dispatch (verbs: readonly Verb[], argv: readonly string[]): Promise<number> {
  const [name, ...args] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(overview(verbs))
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  if (name === '--version') return await dispatch(verbs, ['version'])
  const verb = verbs.find(verb => verb.name === name)
  if (verb === undefined) {
    const meant = nearest(name, verbs.map(verb => verb.name))
    const hint = meant === undefined ? 'landfall help lists what there is' : `did you mean "${meant}"?`
    return complain(`there is no "${name}": ${hint}`, EXIT.usage)
  }
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`landfall ${verb.name} ${verb.usage}\n\n  ${verb.summary}\n`)
    return EXIT.ok
  }
  try {
    return await verb.run(args)
  } catch (error) {
    if (error instanceof CliError) return complain(error.message, error.exitCode)
    if (isParseArgsError(error)) return complain(`${error.message.split(/\.\s/)[0]}: landfall ${verb.name} ${verb.usage}`, EXIT.usage)
    throw error
  }
}

function complain (text: string, exitCode: number): number {
  process.stderr.write(`landfall: ${text}\n`)
  return exitCode
}

function isParseArgsError (error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

function overview (verbs: readonly Verb[]): string {
  const width = Math.max(...verbs.map(verb => verb.name.length))
  const lines = verbs.map(verb => `  ${verb.name.padEnd(width)}  ${verb.summary}\n`)
  return `Usage: landfall VERB …\n\n${lines.join('')}\nlandfall VERB --help shows how a verb is used.\n`
}
