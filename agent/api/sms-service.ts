import { createHash } from 'node:crypto'
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js'
import {
  SendDataToSubscriberRequest,
  SendMessageResponse_SendStatus as SendStatus,
  SendTextFromSubscriberRequest,
  SendTextToSubscriberRequest,
  type SendMessageResponse,
  type SmsServiceServer
} from '../../gen/wgtwo/sms/v1/sms.ts'
import { callerOf, type Caller } from './caller.ts'
import type { Sent, SmsSender } from './sms-sender.ts'
import { AlreadyExists, InvalidArgument, NotServed } from './status.ts'

/** Name of the metadata with which a client says that a call is the same as an earlier one. */
const IDEMPOTENCY_KEY = 'idempotency-key'

/** What such a key may be. */
const KEY = /^[\x21-\x7e]{1,128}$/

type Idempotency = Parameters<SmsSender['textToSubscriber']>[2]

/** Handlers of the three calls; `sender` is undefined where no messages are relayed. */
export function smsHandlers (sender: SmsSender | undefined): SmsServiceServer {
  const handle = <Request>(
    codec: { encode: (request: Request) => { finish: () => Uint8Array } },
    send: (sender: SmsSender, caller: Caller, request: Request, idempotency: Idempotency) => Promise<Sent>
  ) => (call: ServerUnaryCall<Request, SendMessageResponse>, callback: sendUnaryData<SendMessageResponse>): void => {
      const work = async (): Promise<SendMessageResponse> => {
        if (sender === undefined) throw new NotServed('this agent relays no short messages: its configuration has neither "sms.smpp" nor "sms.sgd"')
        const key = readKey(call.metadata.get(IDEMPOTENCY_KEY))
        const idempotency = key === undefined ? undefined : { key, body: `${call.getPath()} ${digest(codec.encode(call.request).finish())}` }
        return response(await send(sender, callerOf(call), call.request, idempotency))
      }
      work().then(answer => { callback(null, answer) }, (error: unknown) => { callback(error as Error) })
    }
  return {
    sendTextFromSubscriber: handle(SendTextFromSubscriberRequest, async (sender, ...call) => await sender.textFromSubscriber(...call)),
    sendTextToSubscriber: handle(SendTextToSubscriberRequest, async (sender, ...call) => await sender.textToSubscriber(...call)),
    sendDataToSubscriber: handle(SendDataToSubscriberRequest, async (sender, ...call) => await sender.dataToSubscriber(...call))
  }
}

/** The key, if there is one. Throws InvalidArgument. */
function readKey (values: readonly (string | Buffer)[]): string | undefined {
  if (values.length === 0) return undefined
  const [key] = values
  if (values.length > 1 || typeof key !== 'string' || !KEY.test(key)) {
    throw new InvalidArgument(`the metadata "${IDEMPOTENCY_KEY}" must be one value of 1 to 128 printable ASCII characters without spaces`)
  }
  return key
}

function digest (bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function response (sent: Sent): SendMessageResponse {
  switch (sent.kind) {
    case 'accepted': return { messageId: sent.id, status: SendStatus.SEND_STATUS_OK, description: '', numFragments: sent.fragments }
    case 'rejected': return { messageId: '', status: SendStatus.SEND_STATUS_REJECT, description: sent.why, numFragments: 0 }
    case 'full': return { messageId: '', status: SendStatus.SEND_STATUS_ERROR, description: `${sent.why}; try again later`, numFragments: 0 }
    case 'conflict': throw new AlreadyExists(`another message was sent under this "${IDEMPOTENCY_KEY}"`)
  }
}
