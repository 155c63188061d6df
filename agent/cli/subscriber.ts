import { parseArgs } from 'node:util'
import type { Config } from '../config/schema.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { controlClient, controlError } from './control-client.ts'
import { printLine } from './output.ts'
import { importFile } from './subscriber-import.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** Shows or erases what is known of a SIM, or takes subscribers that are known elsewhere. */
export const subscriber: Verb = {
  name: 'subscriber',
  usage: 'show IMSI|MSISDN | forget IMSI|MSISDN | import FILE.csv [--config FILE]',
  summary: 'Show what is known of a SIM (a number with "+"), erase it for good, or import subscribers',
  run: async args => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: CONFIG_OPTION })
    const [action, subject] = positionals
    const config = readConfiguration(values.config)
    if (subject !== undefined && positionals.length === 2) {
      if (action === 'show') return await show(subject, config)
      if (action === 'forget') return await forget(subject, config)
      if (action === 'import') return await importFile(subject, config)
    }
    throw new CliError(EXIT.usage, `say what to do: landfall subscriber ${subscriber.usage}`)
  }
}

async function show (subject: string, config: Config): Promise<number> {
  for (const text of await find(subject, config)) printLine(JSON.stringify(JSON.parse(text, readableTime), null, 2))
  return EXIT.ok
}

/** Erases one SIM. A number that several share does not say which. */
async function forget (subject: string, config: Config): Promise<number> {
  const found = (await find(subject, config).catch((error: unknown) => {
    // Of a SIM that is not known any more there may still be events.
    if (error instanceof CliError && error.exitCode === EXIT.noInput && !subject.startsWith('+')) return [JSON.stringify({ imsi: subject })]
    throw error
  })).map(text => (JSON.parse(text) as { imsi: string }).imsi)
  if (found.length > 1) throw new CliError(EXIT.usage, `${found.length} SIMs share that number: name the IMSI of the one to erase`)
  const client = controlClient(config)
  try {
    const { events } = await new Promise<{ events: bigint }>((resolve, reject) => {
      client.forgetSubscriber({ imsi: found[0]! }, (error, answer) => {
        if (error === null) resolve(answer)
        else reject(controlError(error, config))
      })
    })
    printLine(`erased: the SIM and ${events} events about it. Freed bytes stay in the files until "landfall compact", with the agent stopped`)
  } finally {
    client.close()
  }
  return EXIT.ok
}

/**
 * What is known of the SIMs that a word means, as JSON: a number has a "+"; digits alone are tried as an IMSI, then as a number. Throws CliError
 * where there is none.
 */
async function find (subject: string, config: Config): Promise<string[]> {
  if (!/^\+?\d{5,15}$/.test(subject)) throw new CliError(EXIT.usage, 'name an IMSI (6 to 15 digits) or a number ("+" and digits)')
  const digits = subject.replace('+', '')
  let found = subject.startsWith('+') ? [] : await ask(config, { $case: 'imsi', value: digits })
  if (found.length === 0) found = await ask(config, { $case: 'msisdn', value: digits })
  if (found.length === 0) throw new CliError(EXIT.noInput, 'nothing is known of that SIM')
  return found
}

/** Times as people read them; 0 is "never". */
function readableTime (key: string, value: unknown): unknown {
  if (!/^(time|toldAt|lastSeen|countryTime|numberTime)$/.test(key) || typeof value !== 'number') return value
  return value === 0 ? undefined : new Date(value).toISOString()
}

async function ask (config: Config, by: { $case: 'imsi' | 'msisdn', value: string }): Promise<string[]> {
  const client = controlClient(config)
  try {
    return await new Promise((resolve, reject) => {
      client.showSubscriber({ by }, (error, answer) => {
        if (error === null) resolve(answer.subscribers)
        else reject(controlError(error, config))
      })
    })
  } finally {
    client.close()
  }
}
