import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { ServiceError } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import { SendMessageResponse_SendStatus as SendStatus, SmsServiceClient, type SendMessageResponse } from '../../gen/wgtwo/sms/v1/sms.ts'
import type { CountryChangeEvent } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { startAgent } from '../agent.ts'
import type { EventResponse } from '../api/event-message.ts'
import { configSchema, type Config } from '../config/schema.ts'
import { EVENT_KINDS, type EventKind } from '../location/event.ts'
import { openLog } from '../observe/log.ts'
import { channelOf, type Channel } from './channel.ts'
import { readConfiguration } from './configuration.ts'
import { ask } from './control-client.ts'
import { DemoPhone } from './demo-phone.ts'
import { EventSubscriber } from './event-subscriber.ts'
import { leave } from './leave.ts'
import { printLine } from './output.ts'
import { replayIntoAgent, summaryLines } from './replay.ts'
import { stopSignal } from './run.ts'
import { startupError } from './startup-error.ts'
import { EXIT, type Verb } from './verb.ts'

/** From dist/agent/cli/ to the top of the checkout. */
const top = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Shows the main job on real parts: a capture in, acknowledged events out, and a welcome text on the phone. */
export const demo: Verb = {
  name: 'demo',
  usage: '[--config FILE] [--capture FILE]',
  summary: 'Show the main job in one terminal: a small agent, a bundled capture, a subscriber that sends a welcome text',
  run: async args => {
    const { values } = parseArgs({
      args,
      options: {
        config: { type: 'string', default: top('config/small.yaml') },
        capture: { type: 'string', default: top('config/welcome.pcap') }
      }
    })
    const phone = await DemoPhone.start((number, from, text) => { printLine(`                       ✉ +${number} shows a text from ${from}: “${text}”`) })
    const config = withPhone(readConfiguration(values.config), phone.port)
    const log = openLog(config.log.level, 'agent')
    const agent = await startAgent({
      config,
      log,
      onFatal: () => { leave(EXIT.software) }
    }).catch((error: unknown) => { throw startupError(error) })
    const stopped = stopSignal()
    printLine(`The agent serves gRPC on ${config.listen}; its data are in ${config.state_directory}.`)

    const channel = channelOf(config)
    const welcome = new WelcomeService(channel)
    const subscribers = EVENT_KINDS.map(kind => new Follower(channel, kind, welcome))
    await Promise.all(subscribers.map(async follower => { await follower.ready }))
    printLine('A client listens to all four kinds of events and acknowledges each; whoever changes country gets a welcome text.\n')
    printLine(`Replaying ${values.capture} …\n`)
    const summary = await replayIntoAgent([values.capture], config, STORY_SPEED, false)
    const told = Object.values(summary.events).reduce((sum, count) => sum + Number(count), 0)
    await Promise.race([Promise.all(subscribers.map(async follower => { await follower.heard(Number(summary.events[follower.kind] ?? 0)) })), stopped])
    await Promise.race([phone.shown(Number(summary.events['country-change'] ?? 0)), stopped])
    printLine(`\nSeen: ${summaryLines(summary).split('\n')[0]}.`)
    if (told === 0) printLine('Nothing new: the agent knew all of it from an earlier run. Remove its data to see the story again.')
    printLine(HELP.replaceAll('ADDRESS', config.listen).replaceAll('CONFIG', values.config))
    await stopped
    for (const follower of subscribers) follower.close()
    welcome.close()
    await agent.stop()
    phone.close()
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
  readonly #welcome: WelcomeService
  readonly #stream: ReturnType<EventSubscriber['open']>
  #acknowledged = 0
  #waiting: { count: number, resolve: () => void } | undefined

  constructor ({ address, credentials }: Channel, kind: EventKind, welcome: WelcomeService) {
    this.kind = kind
    this.#welcome = welcome
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
    if ('countryChangeEvent' in response) await this.#welcome.greet(response.countryChangeEvent!)
    this.#acknowledged++
    if (this.#waiting !== undefined && this.#acknowledged >= this.#waiting.count) this.#waiting.resolve()
  }
}

/** What an operator writes on top of the streams: it greets whoever has come to another country. */
class WelcomeService {
  readonly #client: SmsServiceClient

  constructor ({ address, credentials }: Channel) {
    this.#client = new SmsServiceClient(address, credentials)
  }

  async greet ({ current, number }: CountryChangeEvent): Promise<void> {
    const request = { toSubscriber: number?.e164 ?? '', fromAddress: 'Landfall', content: `Welcome to ${current?.name}!`, deliveryDeadline: undefined }
    const { status, description } = await ask<SendMessageResponse>(done => this.#client.sendTextToSubscriber(request, done))
    if (status !== SendStatus.SEND_STATUS_OK) process.stderr.write(`landfall: the welcome text was not taken: ${description}\n`)
  }

  close (): void {
    this.#client.close()
  }
}

/** The configuration with the demonstration's phone as the network. */
function withPhone (config: Config, port: number): Config {
  const password = join(config.state_directory, 'demo.password')
  mkdirSync(config.state_directory, { recursive: true, mode: 0o700 })
  writeFileSync(password, 'demo\n', { mode: 0o600 })
  const { sms } = configSchema.parse({ sms: { smpp: { host: '127.0.0.1', port, system_id: 'landfall', password_file: password } } })
  return { ...config, sms }
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
