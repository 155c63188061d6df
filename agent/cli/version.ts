import { readFileSync } from 'node:fs'
import { EXIT, type Verb } from './verb.ts'

/** The version of this checkout or package. */
function readVersion (): string {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

export const version: Verb = {
  name: 'version',
  usage: '',
  summary: 'Print the version',
  run: async () => {
    process.stdout.write(`landfall ${readVersion()} (Node ${process.versions.node})\n`)
    return EXIT.ok
  }
}
