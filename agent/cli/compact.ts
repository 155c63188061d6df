import { parseArgs } from 'node:util'
import { compact as compactData } from '../store/compaction.ts'
import { StoreLocked } from '../store/damage.ts'
import { lockStateDirectory } from '../store/state-directory.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { startupError } from './startup-error.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

const MIB = 2 ** 20

/** Writes the data anew without what was erased. The agent must not run. */
export const compact: Verb = {
  name: 'compact',
  usage: '[--config FILE]',
  summary: 'Write the data anew without what was erased or freed (stop the agent first)',
  run: async args => {
    const { values } = parseArgs({ args, options: CONFIG_OPTION })
    const config = readConfiguration(values.config)
    let unlock
    try {
      unlock = lockStateDirectory(config.state_directory)
    } catch (error) {
      if (error instanceof StoreLocked) throw new CliError(EXIT.tempFail, `the agent uses ${config.state_directory}: stop it first, and start it afterwards`)
      throw startupError(error)
    }
    try {
      for (const { path, before, after } of await compactData(config.state_directory)) {
        process.stdout.write(`${path}: ${(before / MIB).toFixed(1)} MiB before, ${(after / MIB).toFixed(1)} MiB now\n`)
      }
    } catch (error) {
      throw startupError(error)
    } finally {
      unlock()
    }
    return EXIT.ok
  }
}
