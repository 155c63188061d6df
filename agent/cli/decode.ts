import { CliError, EXIT, type Verb } from './verb.ts'
export const decode: Verb = { name: 'decode', usage: 'FILE…', summary: 'x', run: async () => { throw new CliError(EXIT.usage, 'x') } }
