import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { ServiceError } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import { startAgent } from '../agent.ts'
import type { EventResponse } from '../api/event-message.ts'
import { EVENT_KINDS, type EventKind } from '../location/event.ts'
import { openLog } from '../observe/log.ts'
import { channelOf, type Channel } from './channel.ts'
import { readConfiguration } from './configuration.ts'
import { EventSubscriber } from './event-subscriber.ts'
import { leave } from './leave.ts'
import { printLine } from './output.ts'
import { replayIntoAgent, summaryLines } from './replay.ts'
import { stopSignal } from './run.ts'
import { startupError } from './startup-error.ts'
import { EXIT, type Verb } from './verb.ts'

/** From dist/agent/cli/ to the top of the checkout. */
const top = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Shows the main job on real parts: a capture in, acknowledged events out. */
export const demo: Verb = {
  name: 'demo',
  usage: '[--config FILE] [--capture FILE]',
  summary: 'Show the main job in one terminal: a small agent, a bundled capture, a subscriber',
  run: async args => {
    const { values } = parseArgs({
      args,
      options: {
        config: { type: 'string', default: top('config/small.yaml') },
        capture: { type: 'string', default: top('config/welcome.pcap') }
      }
    })
    const config = readConfiguration(values.config)
    const log = openLog(config.log.level, 'agent')
    const agent = await startAgent({
      config,
      log,
      onFatal: () => { leave(EXIT.software) }
    }).catch((error: unknown) => { throw startupError(error) })
    const stopped = stopSignal()
    printLine(`The agent serves gRPC on ${config.listen}; its data are in ${config.state_directory}.`)

    const channel = channelOf(config)
    const subscribers = EVENT_KINDS.map(kind => new Follower(channel, kind))
    await Promise.all(subscribers.map(async follower => { await follower.ready }))
    printLine('A subscriber listens to all four kinds of events and acknowledges each.\n')
    printLine(`Replaying ${values.capture} …\n`)
    const summary = await replayIntoAgent([values.capture], config, STORY_SPEED, false)
    const told = Object.values(summary.events).reduce((sum, count) => sum + Number(count), 0)
    await Promise.race([Promise.all(subscribers.map(async follower => { await follower.heard(Number(summary.events[follower.kind] ?? 0)) })), stopped])
    printLine(`\nSeen: ${summaryLines(summary).split('\n')[0]}.`)
    if (told === 0) printLine('Nothing new: the agent knew all of it from an earlier run. Remove its data to see the story again.')
    printLine(HELP.replaceAll('ADDRESS', config.listen).replaceAll('CONFIG', values.config))
    await stopped
    for (const follower of subscribers) follower.close()
    await agent.stop()
    return EXIT.ok
  }
}

/** The story takes days; it is told in seconds. */
const STORY_SPEED = 200_000

const HELP = `
Subscribe with your own client, any gRPC language, with the files in proto/:

  npx buf curl --protocol grpc --http2-prior-knowledge --schema proto -d '{}' \\
    http://ADDRESS/wgtwo.subscription.v1.SubscriptionEventService/StreamCountryChangeEvents

or with this one, from another terminal:

  node dist/agent/main.js listen country-change --queue mine --config CONFIG
  node dist/agent/main.js replay FILE.pcap --config CONFIG

Serving until Ctrl-C.`

/** One subscriber of one kind, printing and acknowledging. */
class Follower {
  readonly kind: EventKind
  /** Resolves when the server has opened the stream: from then on nothing is missed. */
  readonly ready: Promise<void>
  readonly #subscriber: EventSubscriber
  readonly #stream: ReturnType<EventSubscriber['open']>
  #acknowledged = 0
  #waiting: { count: number, resolve: () => void } | undefined

  constructor ({ address, credentials }: Channel, kind: EventKind) {
    this.kind = kind
    this.#subscriber = new EventSubscriber(address, kind, undefined, credentials)
    this.#stream = this.#subscriber.open({
      streamType: { $case: 'durableQueue', value: { customName: 'demo' } },
      acknowledgeOption: undefined,
      startPosition: undefined,
      maxInFlight: 0
    })
    this.ready = new Promise((resolve, reject) => {
      this.#stream.once('metadata', () => { resolve() })
      this.#stream.once('error', reject)
    })
    this.#stream.on('data', (response: EventResponse) => { void this.#hear(response) })
    this.#stream.on('error', (error: ServiceError) => {
      if (error.code !== status.CANCELLED && error.code !== status.UNAVAILABLE) process.stderr.write(`landfall: ${error.details}\n`)
    })
  }

  /** Resolves when so many events were acknowledged. */
  async heard (count: number): Promise<void> {
    if (this.#acknowledged < count) await new Promise<void>(resolve => { this.#waiting = { count, resolve } })
  }

  close (): void {
    this.#stream.cancel()
    this.#subscriber.close()
  }

  async #hear (response: EventResponse): Promise<void> {
    const taken = await this.#subscriber.ack(response)
    printLine(`  ${storyLine(response)}${taken ? '  ✓ acknowledged' : '  ✗ not acknowledged'}`)
    this.#acknowledged++
    if (this.#waiting !== undefined && this.#acknowledged >= this.#waiting.count) this.#waiting.resolve()
  }
}

/** An event as one would tell it. */
function storyLine (response: EventResponse): string {
  const time = new Date(Number(response.metadata?.timestamp?.seconds ?? 0) * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return `${time}  ${tale(response)}`
}

function tale (response: EventResponse): string {
  if ('firstAttachmentEvent' in response) {
    return `first attachment   ${response.firstAttachmentEvent?.number?.e164 ?? 'a SIM'} is on a network for the first time`
  }
  if ('countryChangeEvent' in response) {
    const { previous, current, number } = response.countryChangeEvent!
    return `country change     ${number?.e164 ?? 'a SIM'} went from ${previous?.name} to ${current?.name}`
  }
  if ('handsetChangeEvent' in response) {
    const { previous, current, number } = response.handsetChangeEvent!
    const before = previous === undefined ? '' : ` after ${previous.imeiSv?.imei}`
    return `handset change     ${number?.e164 ?? 'a SIM'} sits in ${current?.imeiSv?.imei}${before}`
  }
  if ('periodicCountryEvent' in response) {
    return `periodic country   ${response.periodicCountryEvent?.number?.e164 ?? 'a SIM'} is in ${response.periodicCountryEvent?.country?.name}`
  }
  return 'an event'
}
