import { smsEncode, SMS_ENCODE_USAGE } from './sms-encode.ts'
import { SMS_QUEUE_USAGE, smsCancel, smsList, smsSend, smsShow } from './sms-queue.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** What can be done with short messages. Each reads its own options. */
const ACTIONS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  send: smsSend,
  show: smsShow,
  list: smsList,
  cancel: smsCancel,
  encode: smsEncode
}

/** Works with short messages. */
export const sms: Verb = {
  name: 'sms',
  usage: `${SMS_QUEUE_USAGE} [--config FILE] | ${SMS_ENCODE_USAGE}`,
  summary: 'Send a short message, show or list those that were accepted, cancel one; or show what one becomes, without sending it',
  run: async ([name, ...args]) => {
    const action = Object.hasOwn(ACTIONS, name ?? '') ? ACTIONS[name!] : undefined
    if (action === undefined) throw new CliError(EXIT.usage, `say what to do: landfall sms ${sms.usage}`)
    return await action(args)
  }
}
