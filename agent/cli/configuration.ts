import { existsSync } from 'node:fs'
import { ConfigError, loadConfig } from '../config/load.ts'
import { configSchema, type Config } from '../config/schema.ts'
import { CliError, EXIT } from './verb.ts'

/** Where a packaged agent finds its configuration. */
const DEFAULT_CONFIG = '/etc/landfall/landfall.yaml'

/** Options that every verb with a configuration takes, for util.parseArgs. */
export const CONFIG_OPTION = { config: { type: 'string' } } as const

/** Reads the configuration that the user named, or the packaged one, or the defaults where there is none. Throws CliError. */
export function readConfiguration (path: string | undefined): Config {
  if (path === undefined && !existsSync(DEFAULT_CONFIG)) return configSchema.parse({})
  const file = path ?? DEFAULT_CONFIG
  try {
    return loadConfig(file)
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(EXIT.config, error.message.replaceAll('\n', '\nlandfall: '))
    throw new CliError(EXIT.config, `cannot read the configuration ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
