import { parseArgs } from 'node:util'
import type { Config } from '../config/schema.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { controlClient, controlError } from './control-client.ts'
import { printLine } from './output.ts'
import { importFile } from './subscriber-import.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** Shows what is known of a SIM, or takes subscribers that are known elsewhere. */
export const subscriber: Verb = {
  name: 'subscriber',
  usage: 'show IMSI|MSISDN | import FILE.csv [--config FILE]',
  summary: 'Show what is known of a SIM (a number with "+"), or import subscribers',
  run: async args => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: CONFIG_OPTION })
    const [action, subject] = positionals
    const config = readConfiguration(values.config)
    if (subject !== undefined && positionals.length === 2) {
      if (action === 'show') return await show(subject, config)
      if (action === 'import') return await importFile(subject, config)
    }
    throw new CliError(EXIT.usage, `say what to do: landfall subscriber ${subscriber.usage}`)
  }
}

/** An MSISDN is told from an IMSI by its "+"; digits alone are tried as an IMSI, then as a number. */
async function show (subject: string, config: Config): Promise<number> {
  if (!/^\+?\d{5,15}$/.test(subject)) throw new CliError(EXIT.usage, 'name an IMSI (6 to 15 digits) or a number ("+" and digits)')
  const digits = subject.replace('+', '')
  let found = subject.startsWith('+') ? [] : await ask(config, { $case: 'imsi', value: digits })
  if (found.length === 0) found = await ask(config, { $case: 'msisdn', value: digits })
  if (found.length === 0) throw new CliError(EXIT.noInput, 'nothing is known of that SIM')
  for (const text of found) printLine(JSON.stringify(JSON.parse(text, readableTime), null, 2))
  return EXIT.ok
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
