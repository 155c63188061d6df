import type { SmsServiceServer } from '../../gen/wgtwo/sms/v1/sms.ts'
import { NotServed } from './status.ts'

/** Short messages are part of the contract; nothing relays them yet. */
export function smsHandlers (): SmsServiceServer {
  const refuse = (_call: unknown, callback: (error: NotServed) => void): void => {
    callback(new NotServed('this agent does not relay short messages yet'))
  }
  return { sendTextFromSubscriber: refuse, sendTextToSubscriber: refuse, sendDataToSubscriber: refuse }
}
