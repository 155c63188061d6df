import type { ControlServiceServer, ListParkedResponse, QueueName as WireName, QueueStatus } from '../../gen/landfall/control/v1/control.ts'
import type { Dispatcher, QueueReport } from '../delivery/dispatcher.ts'
import { LOG_KINDS, type LogKind } from '../store/event-record.ts'
import type { QueueName } from '../store/clients.ts'
import { answer, InvalidArgument, NotFound } from './status.ts'

/** What the commands about queues need. */
interface QueueControlParts {
  dispatcher: Dispatcher
  /** Whether the disk is too full for anything new. */
  readOnly: () => boolean
}

/** Handlers of the commands about queues. */
export function queueHandlers ({ dispatcher, readOnly }: QueueControlParts):
Pick<ControlServiceServer, 'listQueues' | 'pauseQueue' | 'listParked' | 'settleParked'> {
  return {
    listQueues: (_call, callback) => {
      callback(null, { queues: dispatcher.queues().map(report => wireStatus(report, readOnly())), readOnly: readOnly() })
    },
    pauseQueue: ({ request: { queue, paused } }, callback) => {
      const work = async (): Promise<object> => {
        if (!await dispatcher.pause(find(dispatcher, queue), paused)) throw noQueue()
        return {}
      }
      answer(work(), callback)
    },
    listParked: ({ request: { queue } }, callback) => {
      const work = async (): Promise<ListParkedResponse> => wireParked(found(dispatcher.parked(find(dispatcher, queue))))
      answer(work(), callback)
    },
    settleParked: ({ request: { queue, ids, drop } }, callback) => {
      const work = async (): Promise<{ settled: bigint }> => {
        const name = find(dispatcher, queue)
        const parked = found(dispatcher.parked(name)).map(({ id }) => id)
        const chosen = ids.length === 0 ? parked : ids.map(Number)
        const settled = found(await (drop ? dispatcher.dropParked(name, chosen) : dispatcher.releaseParked(name, chosen)))
        return { settled: BigInt(settled) }
      }
      answer(work(), callback)
    }
  }
}

/** The durable queue of that name; a client belongs to one tenant. Throws InvalidArgument, NotFound. */
function find (dispatcher: Dispatcher, queue: WireName | undefined): QueueName {
  const { client, kind, name } = queue ?? { client: '', kind: '', name: '' }
  if (!LOG_KINDS.includes(kind as LogKind)) throw new InvalidArgument(`name one kind of events: ${LOG_KINDS.join(', ')}`)
  return found(dispatcher.queues().find(({ durable, queue }) => durable && queue.client === client && queue.kind === kind && queue.name === name)?.queue)
}

function found<T> (result: T | undefined): T {
  if (result === undefined) throw noQueue()
  return result
}

function noQueue (): NotFound {
  return new NotFound('there is no such queue: "landfall queues" lists them')
}

function wireStatus ({ queue, durable, ...report }: QueueReport, readOnly: boolean): QueueStatus {
  return {
    queue: { client: queue.client, kind: queue.kind, name: queue.name },
    durable,
    waiting: BigInt(report.waiting),
    inFlight: BigInt(report.inFlight),
    parked: BigInt(report.parked),
    redeliveries: BigInt(report.redeliveries),
    missed: BigInt(report.missed),
    connections: report.connections,
    ...(report.oldestAgeMs === undefined ? {} : { oldestAgeMs: BigInt(Math.round(report.oldestAgeMs)) }),
    // Nothing new comes while the disk is full, so that is why an empty queue stays so.
    state: readOnly && report.state === 'nothing waits' ? 'store read-only' : report.state
  }
}

function wireParked (events: ReturnType<Dispatcher['parked']> & object): ListParkedResponse {
  return {
    events: events.map(({ id, attempts, firstAt, parkedAt }) => (
      { id: BigInt(id), attempts, firstDeliveredMs: BigInt(firstAt), parkedMs: BigInt(parkedAt) }))
  }
}
