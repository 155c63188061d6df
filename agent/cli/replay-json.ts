import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { captureChunks } from '../capture/file.ts'
import type { Config } from '../config/schema.ts'
import { tenantWish } from '../config/tenants.ts'
import { Ingest } from '../ingest.ts'
import { systemClock } from '../lib/clock.ts'
import { openWriter } from '../store/open-writer.ts'
import { SpaceWatch } from '../store/space.ts'
import { eventJson } from './event-json.ts'
import { inputError } from './input-error.ts'
import { printLine } from './output.ts'
import { EXIT } from './verb.ts'

/** Room that such data must leave on the disk. */
const RESERVE_BYTES = 1 << 20

/** Data that live for one run only have no name to keep. */
const NOBODYS = { incarnation: '0000000000000000', run: '0000000000000000' }

/**
 * Prints the events of captures as JSON lines, from an empty memory and through the same upper half and store as the agent's. The store is
 * made in the temporary directory for this user alone, and removed however the run ends short of a kill.
 */
export async function replayToJson (paths: readonly string[], config: Config, speed: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'landfall-replay-'))
  process.once('exit', () => { rmSync(directory, { recursive: true, force: true }) })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.ok))
  const { writer, tenants } = await openWriter(directory, NOBODYS, tenantWish(config), systemClock, Buffer.alloc(32))
  const ingest = new Ingest({
    config: { ...config, tracker: { ...config.tracker, learning_hours: 0 } },
    writer,
    tenants,
    clock: systemClock,
    madeAt: 0,
    space: new SpaceWatch(directory, RESERVE_BYTES, () => {}),
    onRetained: () => {},
    onTold: ({ events }) => { for (const { event } of events) printLine(JSON.stringify(eventJson(event))) },
    onFatal: error => { throw error }
  })
  const replay = ingest.replay(speed)
  for (const path of paths) {
    try {
      for await (const chunk of captureChunks(path)) await replay.data(chunk)
      await replay.endOfFile()
    } catch (error) {
      throw inputError(error, path)
    }
  }
  await replay.close()
  await ingest.stop()
  await writer.close()
  return EXIT.ok
}
