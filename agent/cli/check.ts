import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readTlsFiles } from '../api/tls-files.ts'
import { inspect, type Inspection } from '../store/inspection.ts'
import { StoreLocked } from '../store/damage.ts'
import { stateFiles } from '../store/identity.ts'
import { lockStateDirectory } from '../store/state-directory.ts'
import type { Config } from '../config/schema.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { controlClient, controlError } from './control-client.ts'
import { startupError } from './startup-error.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** Checks the configuration and every stored record, by the running agent where there is one. */
export const check: Verb = {
  name: 'check',
  usage: '[--config FILE]',
  summary: 'Check the configuration and read every stored record',
  run: async args => {
    const { values } = parseArgs({ args, options: CONFIG_OPTION })
    const config = readConfiguration(values.config)
    process.stdout.write('configuration: sound\n')
    if (config.tls.certificate !== '') checkTls(config)
    if (!existsSync(stateFiles(config.state_directory).identity)) {
      process.stdout.write(`data: none yet in ${config.state_directory}\n`)
      return EXIT.ok
    }
    const { records, problems } = await inspectData(config)
    if (problems.length === 0) {
      process.stdout.write(`data: sound, ${records} records in ${config.state_directory}\n`)
      return EXIT.ok
    }
    throw new CliError(EXIT.data, `the data in ${config.state_directory} are damaged: ${problems.join('; ')}. ` +
      'Restore the directory from a backup, or move it away to start empty (import the subscribers first)')
  }
}

/** Says what certificate the configuration has. Throws CliError. */
function checkTls ({ tls: { certificate, key, client_ca: clientCa } }: Config): void {
  try {
    const { names, until } = readTlsFiles({ certificate, key, clientCa: clientCa === '' ? undefined : clientCa })
    const ended = until <= Date.now()
    process.stdout.write(`certificate: ${ended ? 'ENDED on' : 'good until'} ${new Date(until).toISOString().slice(0, 10)}, for ${names}\n`)
    if (ended) throw new CliError(EXIT.config, `the certificate in ${certificate} has ended: renew it`)
  } catch (error) {
    throw startupError(error)
  }
}

/** Only one process opens the data: this one while it holds the lock, else the agent that does. */
async function inspectData (config: Config): Promise<Inspection> {
  let unlock
  try {
    unlock = lockStateDirectory(config.state_directory)
  } catch (error) {
    if (error instanceof StoreLocked) return await askAgent(config)
    throw startupError(error)
  }
  try {
    return await inspect(config.state_directory, 'records')
  } finally {
    unlock()
  }
}

async function askAgent (config: Config): Promise<Inspection> {
  const client = controlClient(config)
  try {
    return await new Promise((resolve, reject) => {
      client.checkData({}, (error, answer) => {
        if (error === null) resolve({ records: Number(answer.records), problems: answer.problems })
        else reject(controlError(error, config))
      })
    })
  } finally {
    client.close()
  }
}
