import { parseArgs } from 'node:util'
import { startAgent } from '../agent.ts'
import { openLog } from '../observe/log.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { startupError } from './startup-error.ts'
import { EXIT, type Verb } from './verb.ts'

/** Serves until it is told to stop. */
export const run: Verb = {
  name: 'run',
  usage: '[--config FILE]',
  summary: 'Run the agent until it is told to stop (SIGTERM, Ctrl-C)',
  run: async args => {
    const { values } = parseArgs({ args, options: CONFIG_OPTION })
    const config = readConfiguration(values.config)
    const log = openLog(config.log.level, 'agent')
    const onFatal = (damaged: boolean): void => { process.exit(damaged ? EXIT.data : EXIT.software) }
    const agent = await startAgent({ config, log, onFatal }).catch((error: unknown) => { throw startupError(error) })
    process.on('uncaughtException', error => { agent.fail(error.stack ?? error.message) })
    await stopSignal()
    await agent.stop()
    return EXIT.ok
  }
}

/** Resolves at the first SIGTERM or SIGINT. A second one ends the process at once, as usual. */
export async function stopSignal (): Promise<void> {
  await new Promise<void>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { resolve() })
  })
}
