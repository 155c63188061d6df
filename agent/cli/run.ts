import { parseArgs } from 'node:util'
import { startAgent } from '../agent.ts'
import { StoreDamaged } from '../store/damage.ts'
import { openLog } from '../observe/log.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { leave } from './leave.ts'
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
    const onFatal = (error: Error): void => { leave(error instanceof StoreDamaged ? EXIT.data : EXIT.software) }
    const agent = await startAgent({ config, log, onFatal }).catch((error: unknown) => { throw startupError(error) })
    // What nobody caught ends the process as well, by the same way out.
    process.on('uncaughtException', agent.fail)
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
