import type { ServerReadableStream } from '@grpc/grpc-js'
import type {
  ControlServiceServer,
  ForgetSubscriberResponse,
  ImportSubscribersRequest,
  ImportSubscribersResponse,
  ReplayRequest,
  ReplayResponse,
  ShowSubscriberRequest
} from '../../gen/landfall/control/v1/control.ts'
import type { Dispatcher } from '../delivery/dispatcher.ts'
import type { ImportedSubscriber } from '../location/imported.ts'
import { readRow } from '../location/import-row.ts'
import type { Subscriber } from '../location/subscriber.ts'
import type { NetworkReader } from '../store/network-reader.ts'
import { clientHandlers, type ClientControlParts } from './client-control.ts'
import { queueHandlers } from './queue-control.ts'
import { smsControlHandlers, type SmsControlParts } from './sms-control.ts'
import { answer, InvalidArgument } from './status.ts'

/** What one run of captures saw. */
interface ReplaySummary {
  frames: number
  messages: number
  sightings: number
  events: Record<string, number>
  discards: Record<string, number>
}

/** What the running agent can do for the command line: the upper half's messages, the store's reading side. */
export interface ControlParts {
  ingest: {
    openReplay: (speed: number) => Promise<number>
    replayData: (replay: number, bytes: Uint8Array) => Promise<void>
    replayEndOfFile: (replay: number) => Promise<void>
    closeReplay: (replay: number) => Promise<ReplaySummary>
    import: (rows: ImportedSubscriber[]) => Promise<{ changed: number, nobodys: number }>
  }
  /** Erases a SIM; resolves with how many of its events went. */
  erase: (imsi: string) => Promise<number>
  reader: NetworkReader
  dispatcher: Dispatcher
  /** Whether the disk is too full for anything new. */
  readOnly: () => boolean
  /** The wall clock, ms since 1970. */
  now: () => number
  inspect: () => Promise<{ records: number, problems: string[] }>
  /** Whether the agent listens to a live source. */
  liveSource: boolean
  clients: ClientControlParts
  sms: SmsControlParts | undefined
}

/** Handlers of the service on the unix socket. */
export function controlHandlers (parts: ControlParts): ControlServiceServer {
  return {
    replay: (call, callback) => { answer(replay(parts, call), callback) },
    importSubscribers: (call, callback) => { answer(importSubscribers(parts, call), callback) },
    forgetSubscriber: (call, callback) => { answer(forgetSubscriber(parts, call.request.imsi), callback) },
    showSubscriber: (call, callback) => { answer(showSubscriber(parts, call.request), callback) },
    checkData: (_call, callback) => {
      answer(parts.inspect().then(({ records, problems }) => ({ records: BigInt(records), problems })), callback)
    },
    ...queueHandlers(parts),
    ...clientHandlers(parts.clients),
    ...smsControlHandlers(parts.sms)
  }
}

/** Plays what the caller sends. Reading stops while the upper half is busy, and so does the caller. */
async function replay ({ ingest, liveSource }: ControlParts, call: ServerReadableStream<ReplayRequest, ReplayResponse>): Promise<ReplayResponse> {
  let open: number | undefined
  try {
    for await (const { part } of call as AsyncIterable<ReplayRequest>) {
      if (part?.$case === 'settings') {
        if (liveSource && !part.value.force) throw new InvalidArgument('this agent listens to a live source: play with --force if the capture belongs to it')
        open = await ingest.openReplay(part.value.speed)
      } else if (open === undefined) throw new InvalidArgument('the first message must hold the settings')
      else if (part?.$case === 'data') await ingest.replayData(open, part.value)
      else if (part?.$case === 'endOfFile') await ingest.replayEndOfFile(open)
    }
  } catch (error) {
    if (open !== undefined) await ingest.closeReplay(open)
    throw error
  }
  if (open === undefined) throw new InvalidArgument('nothing was sent')
  const { frames, messages, sightings, events, discards } = await ingest.closeReplay(open)
  return { frames: BigInt(frames), messages: BigInt(messages), sightings: BigInt(sightings), events: toBigints(events), discards: toBigints(discards) }
}

function toBigints (counts: Record<string, number>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, BigInt(count)]))
}

async function importSubscribers (
  { ingest, now }: ControlParts, call: ServerReadableStream<ImportSubscribersRequest, ImportSubscribersResponse>
): Promise<ImportSubscribersResponse> {
  let taken = 0
  let changed = 0
  let nobodys = 0
  for await (const { rows } of call as AsyncIterable<ImportSubscribersRequest>) {
    const done = await ingest.import(rows.map(row => {
      const read = readRow(row, now())
      if (typeof read === 'string') throw new InvalidArgument(`row ${taken + 1}: ${read}`)
      taken++
      return read
    }))
    changed += done.changed
    nobodys += done.nobodys
  }
  return { changed: BigInt(changed), unchanged: BigInt(taken - changed - nobodys), nobodys: BigInt(nobodys) }
}

async function forgetSubscriber ({ erase }: ControlParts, imsi: string): Promise<ForgetSubscriberResponse> {
  if (!/^\d{6,15}$/.test(imsi)) throw new InvalidArgument('imsi must be 6 to 15 digits')
  return { events: BigInt(await erase(imsi)) }
}

async function showSubscriber ({ reader }: ControlParts, { by }: ShowSubscriberRequest): Promise<{ subscribers: string[] }> {
  reader.refresh()
  let found: (Subscriber | undefined)[] = []
  if (by?.$case === 'imsi') found = [reader.subscriber(by.value)]
  else if (by?.$case === 'msisdn') found = reader.subscribersByNumber(by.value)
  return { subscribers: found.filter(subscriber => subscriber !== undefined).map(subscriber => JSON.stringify(subscriber)) }
}
