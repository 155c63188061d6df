import { smsEncode, SMS_ENCODE_USAGE } from './sms-encode.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** What can be done with short messages. Each reads its own options. */
const ACTIONS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  encode: smsEncode
}

/** Works with short messages. */
export const sms: Verb = {
  name: 'sms',
  usage: SMS_ENCODE_USAGE,
  summary: 'Show as JSON what a short message becomes: alphabet, fragments, and their octets; sends nothing and needs no agent',
  run: async ([name, ...args]) => {
    const action = Object.hasOwn(ACTIONS, name ?? '') ? ACTIONS[name!] : undefined
    if (action === undefined) throw new CliError(EXIT.usage, `say what to do: landfall sms ${sms.usage}`)
    return await action(args)
  }
}
