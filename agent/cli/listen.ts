import { parseArgs } from 'node:util'
import type { ServiceError } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import type { StreamConfiguration } from '../../gen/wgtwo/events/v1/events.ts'
import { Metadata } from '../../gen/wgtwo/events/v1/events.ts'
import type { EventResponse } from '../api/event-message.ts'
import { LOG_KINDS, type LogKind } from '../store/event-record.ts'
import { CHANNEL_OPTIONS, channelOf, type Channel } from './channel.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { bodyJson } from './event-json.ts'
import { EventSubscriber } from './event-subscriber.ts'
import { printLine } from './output.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** Variable of the environment that holds a bearer token: arguments can be seen by everybody on the box. */
const TOKEN_VARIABLE = 'LANDFALL_TOKEN'

/** Subscribes to one kind of events as any client would, and prints them. */
export const listen: Verb = {
  name: 'listen',
  usage: 'KIND [--queue NAME] [--in-flight N] [--no-ack] [--address HOST:PORT] [--tls] [--ca FILE] [--certificate FILE --key FILE] [--config FILE]',
  summary: `Print and acknowledge events (${LOG_KINDS.join(', ')}); a token is taken from the environment variable ${TOKEN_VARIABLE}`,
  run: async args => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...CONFIG_OPTION,
        ...CHANNEL_OPTIONS,
        queue: { type: 'string', default: '' },
        'in-flight': { type: 'string', default: '0' },
        'no-ack': { type: 'boolean', default: false }
      }
    })
    const kind = positionals[0] as LogKind
    if (positionals.length !== 1 || !LOG_KINDS.includes(kind)) throw new CliError(EXIT.usage, `name one kind of events: ${LOG_KINDS.join(', ')}`)
    const maxInFlight = Number(values['in-flight'])
    if (!Number.isInteger(maxInFlight) || maxInFlight < 0) throw new CliError(EXIT.usage, '--in-flight is a number from 1 to 200')
    const config = readConfiguration(values.config)
    const configuration: StreamConfiguration = {
      streamType: { $case: 'durableQueue', value: { customName: values.queue } },
      acknowledgeOption: undefined,
      startPosition: undefined,
      maxInFlight
    }
    await listenTo(channelOf(config, values), kind, configuration, !values['no-ack'])
    return EXIT.ok
  }
}

/** Prints events until the stream ends or the user stops it. Throws CliError. */
async function listenTo (channel: Channel, kind: LogKind, configuration: StreamConfiguration, acknowledge: boolean): Promise<void> {
  const subscriber = new EventSubscriber(channel.address, kind, process.env[TOKEN_VARIABLE], channel.credentials)
  const stream = subscriber.open(configuration)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { stream.cancel() })
  try {
    for await (const response of stream as AsyncIterable<EventResponse>) {
      printLine(JSON.stringify({ type: kind, ...bodyJson(response), metadata: Metadata.toJSON(response.metadata!) }))
      if (acknowledge && !await subscriber.ack(response)) {
        process.stderr.write('landfall: the agent did not take an acknowledgement; the event will come again\n')
      }
    }
  } catch (error) {
    const { code, details } = error as ServiceError
    if (code === status.CANCELLED) return
    if (code === status.UNAVAILABLE) throw new CliError(EXIT.unavailable, `${details}: is the agent running, and is ${channel.address} its "listen" address?`)
    if (code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED) throw new CliError(EXIT.permission, details)
    throw new CliError(EXIT.usage, details)
  } finally {
    subscriber.close()
  }
}
