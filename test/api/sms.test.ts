import { credentials, status } from '@grpc/grpc-js'
import t from 'tap'
import { SmsServiceClient } from '../../gen/wgtwo/sms/v1/sms.ts'
import { Bench } from './bench.ts'

t.test('short messages are part of the contract and not relayed yet', async t => {
  const bench = await Bench.start(t)
  const client = new SmsServiceClient(bench.address, credentials.createInsecure())
  t.teardown(() => { client.close() })
  const error = await new Promise(resolve => {
    client.sendTextToSubscriber({ content: 'hi', toSubscriber: '+4790000001', fromAddress: 'Landfall', deliveryDeadline: undefined }, resolve)
  })
  t.match(error, { code: status.UNIMPLEMENTED, details: /does not relay short messages yet/ })
})
