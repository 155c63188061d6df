import { parseArgs } from 'node:util'
import type { ClientWritableStream } from '@grpc/grpc-js'
import type { ReplayRequest, ReplayResponse } from '../../gen/landfall/control/v1/control.ts'
import { captureChunks } from '../capture/file.ts'
import type { Config } from '../config/schema.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { controlClient, controlError } from './control-client.ts'
import { inputError } from './input-error.ts'
import { Progress } from './progress.ts'
import { replayToJson } from './replay-json.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** Largest piece of a file that goes into one message, well below gRPC's limit of 4 MiB. */
const PIECE_BYTES = 1 << 20

/** Plays captures into the running agent, or prints what they would tell. */
export const replay: Verb = {
  name: 'replay',
  usage: 'FILE… [--speed realtime|N|max] [--force] [--output json] [--config FILE]',
  summary: 'Play capture files ("-" for standard input) into the running agent, or print their events',
  run: async args => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...CONFIG_OPTION, speed: { type: 'string', default: 'max' }, force: { type: 'boolean', default: false }, output: { type: 'string' } }
    })
    if (positionals.length === 0) throw new CliError(EXIT.usage, `name a capture file: landfall replay ${replay.usage}`)
    const speed = readSpeed(values.speed)
    const config = readConfiguration(values.config)
    if (values.output === 'json') return await replayToJson(positionals, config, speed)
    if (values.output !== undefined) throw new CliError(EXIT.usage, `--output knows "json" only, not "${values.output}"`)
    const summary = await replayIntoAgent(positionals, config, speed, values.force)
    process.stdout.write(summaryLines(summary))
    return EXIT.ok
  }
}

/** Times the captured pace; 0 is as fast as it goes. */
function readSpeed (text: string): number {
  if (text === 'max') return 0
  if (text === 'realtime') return 1
  const speed = Number(text)
  if (Number.isFinite(speed) && speed > 0) return speed
  throw new CliError(EXIT.usage, `--speed is "realtime", "max" or a number above 0, not "${text}"`)
}

/** Sends the files to the agent, no faster than it takes them. Throws CliError. */
export async function replayIntoAgent (paths: readonly string[], config: Config, speed: number, force: boolean): Promise<ReplayResponse> {
  const client = controlClient(config)
  try {
    return await new Promise((resolve, reject) => {
      const call = client.replay((error, answer) => {
        if (error === null) resolve(answer)
        else reject(controlError(error, config))
      })
      sendFiles(call, paths, speed, force).catch((error: unknown) => {
        call.cancel()
        reject(error)
      })
    })
  } finally {
    client.close()
  }
}

async function sendFiles (call: ClientWritableStream<ReplayRequest>, paths: readonly string[], speed: number, force: boolean): Promise<void> {
  let over = false
  const ended = new Promise<void>(resolve => { call.on('status', () => { over = true; resolve() }) })
  // Each waits until the transport has taken the message, so that no more than one piece is in memory; an ended call takes nothing more.
  const send = async (part: NonNullable<ReplayRequest['part']>): Promise<void> => {
    if (!over) await Promise.race([ended, new Promise<void>(resolve => { call.write({ part }, () => { resolve() }) })])
  }
  await send({ $case: 'settings', value: { speed, force } })
  for (const path of paths) {
    const progress = new Progress(path)
    try {
      for await (const chunk of captureChunks(path, (done, total) => { progress.show(done, total) })) {
        for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
          await send({ $case: 'data', value: Buffer.from(chunk.subarray(at, at + PIECE_BYTES)) })
        }
        if (over) return
      }
    } catch (error) {
      throw inputError(error, path)
    } finally {
      progress.end()
    }
    await send({ $case: 'endOfFile', value: {} })
  }
  call.end()
}

/** What a replay saw, for people. */
export function summaryLines ({ frames, messages, sightings, events, discards }: ReplayResponse): string {
  const told = Object.entries(events).map(([kind, count]) => `${count} ${kind}`).join(', ')
  const passedOver = Object.entries(discards).map(([reason, count]) => `  ${reason}: ${count}\n`).join('')
  return `${frames} frames, ${messages} Diameter messages, ${sightings} sightings; events: ${told === '' ? 'none' : told}\n` +
    (passedOver === '' ? '' : `passed over:\n${passedOver}`)
}
