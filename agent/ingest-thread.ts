import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { CaptureFormatError } from './capture/format-error.ts'
import type { Config } from './config/schema.ts'
import { tenantWish } from './config/tenants.ts'
import { Ingest, type Imported, type Replay, type ReplaySummary } from './ingest.ts'
import { systemClock } from './lib/clock.ts'
import type { ImportedSubscriber } from './location/imported.ts'
import type { Belonging } from './store/belonging.ts'
import type { EventLog, Heads } from './store/event-log.ts'
import { openWriter } from './store/open-writer.ts'
import { RecordDamaged } from './store/record-damaged.ts'
import { SpaceWatch, StoreFull } from './store/space.ts'

/** What the thread is given when it starts. */
export interface IngestThreadData {
  config: Config
  /** Directory of the environment `network`. */
  path: string
  belonging: Belonging
  erasureKey: Uint8Array
  madeAt: number
}

/** What the main thread asks for. Each has an id that the answer carries. */
export type IngestRequest = { id: number } & (
  { ask: 'replay-open', speed: number } |
  { ask: 'replay-data', replay: number, bytes: Uint8Array } |
  { ask: 'replay-end-of-file', replay: number } |
  { ask: 'replay-close', replay: number } |
  { ask: 'import', rows: ImportedSubscriber[] } |
  { ask: 'forget', imsi: string } |
  { ask: 'watch', imsis: readonly string[], wanted: boolean } |
  { ask: 'halt' } |
  { ask: 'stop' })

/** What the thread says. */
export type IngestMessage =
  { say: 'ready' } |
  /** Logs have grown, and that is on disk. */
  { say: 'grew', logs: EventLog[], heads: Heads } |
  { say: 'answer', id: number, value?: number | ReplaySummary | Imported } |
  { say: 'refusal', id: number, text: string } |
  /** SIMs whose return is watched can be reached, and where they are is on disk. */
  { say: 'returned', imsis: string[] } |
  /** Room on the disk has run out (`low`), or is there again. */
  { say: 'space', low: boolean, freeMib: number } |
  /** The thread cannot go on; the process must end. */
  { say: 'fatal', text: string, damaged: boolean }

/** Runs the upper half in this thread until it is asked to stop. */
async function run (port: MessagePort, { config, path, belonging, erasureKey, madeAt }: IngestThreadData): Promise<void> {
  const say = (message: IngestMessage): void => { port.postMessage(message) }
  const onFatal = (error: unknown): void => {
    say({ say: 'fatal', text: error instanceof Error ? error.message : String(error), damaged: error instanceof RecordDamaged })
  }
  // A thread that ended by itself would leave a commit half done.
  process.on('uncaughtException', onFatal)
  const { writer, tenants } = await openWriter(path, belonging, tenantWish(config), systemClock, erasureKey)
  const replays = new Map<number, OpenReplay>()
  /** What was told to replays that are ending. */
  const closing = new Set<OpenReplay['told']>()
  const ingest = new Ingest({
    config,
    writer,
    tenants,
    clock: systemClock,
    madeAt,
    onFatal,
    space: new SpaceWatch(config.state_directory, config.store.reserve_mib * 2 ** 20, (low, freeMib) => { say({ say: 'space', low, freeMib }) }),
    onReturned: imsis => { say({ say: 'returned', imsis }) },
    onRetained: ({ taken, heads }) => { say({ say: 'grew', logs: taken, heads }) },
    onTold: ({ grown, heads, events }) => {
      say({ say: 'grew', logs: grown, heads })
      for (const told of [...[...replays.values()].map(({ told }) => told), ...closing]) {
        for (const { event } of events) told[event.kind] = (told[event.kind] ?? 0) + 1
      }
    }
  })
  ingest.start()

  const answer = async (request: IngestRequest): Promise<number | ReplaySummary | Imported | undefined> => {
    switch (request.ask) {
      case 'replay-open':
        replays.set(request.id, { replay: ingest.replay(request.speed), told: {} })
        return request.id
      case 'replay-data':
        await open(request.replay).replay.data(request.bytes)
        return
      case 'replay-end-of-file':
        await open(request.replay).replay.endOfFile()
        return
      case 'replay-close': {
        const { replay, told } = open(request.replay)
        replays.delete(request.replay)
        closing.add(told)
        const summary = await replay.close().finally(() => { closing.delete(told) })
        return { ...summary, events: told }
      }
      case 'import':
        return await ingest.import(request.rows)
      case 'forget':
        return await ingest.forget(request.imsi)
      case 'watch':
        ingest.watch(request.imsis, request.wanted)
        return
      case 'halt':
        await writer.halt()
        return
      case 'stop':
        await ingest.stop()
        await writer.close()
        setImmediate(() => { port.close() })
    }
  }
  const open = (id: number): OpenReplay => {
    const found = replays.get(id)
    if (found === undefined) throw new Error(`there is no replay ${id}`)
    return found
  }
  port.on('message', (request: IngestRequest) => {
    answer(request).then(
      value => { say({ say: 'answer', id: request.id, ...(value === undefined ? {} : { value }) }) },
      error => {
        if (error instanceof CaptureFormatError || error instanceof StoreFull) say({ say: 'refusal', id: request.id, text: error.message })
        else onFatal(error)
      })
  })
  say({ say: 'ready' })
}

/** A replay and the events that were told while it was open. */
interface OpenReplay { replay: Replay, told: Record<string, number> }

if (parentPort !== null) await run(parentPort, workerData as IngestThreadData)
