import { parseArgs } from 'node:util'
import type { ServiceError } from '@grpc/grpc-js'
import type { ControlServiceClient, ListParkedResponse, QueueName, QueueStatus } from '../../gen/landfall/control/v1/control.ts'
import { LOG_KINDS, type LogKind } from '../store/event-record.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { ask, controlClient, controlError } from './control-client.ts'
import { printLine } from './output.ts'
import { printTable } from './table.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

type Client = ControlServiceClient

/** What can be done with one queue. Each prints what it did. */
const ACTIONS: Record<string, (client: Client, queue: QueueName, ids: bigint[]) => Promise<void>> = {
  pause: async (client, queue) => { await pause(client, queue, true) },
  resume: async (client, queue) => { await pause(client, queue, false) },
  parked: listParked,
  replay: async (client, queue, ids) => { printLine(`${await settle(client, queue, ids, false)} parked events will be sent again`) },
  drop: async (client, queue, ids) => { printLine(`${await settle(client, queue, ids, true)} parked events dropped`) }
}

/** Shows where queues stand and why they do not move, and steers them. */
export const queues: Verb = {
  name: 'queues',
  usage: `[--json] | ${Object.keys(ACTIONS).join('|')} KIND [ID…] [--queue NAME] [--client CLIENT] [--config FILE]`,
  summary: 'Show where each queue stands and why it does not move; pause and resume one; list, replay or drop what it has parked',
  run: async args => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...CONFIG_OPTION,
        json: { type: 'boolean', default: false },
        queue: { type: 'string', default: '' },
        client: { type: 'string', default: 'local' }
      }
    })
    const config = readConfiguration(values.config)
    const [action, kind, ...rest] = positionals
    const client = controlClient(config)
    try {
      if (action === undefined) await list(client, values.json)
      else await actionOf(action)(client, { client: values.client, kind: readKind(kind), name: values.queue }, rest.map(readId))
    } catch (error) {
      throw error instanceof CliError ? error : controlError(error as ServiceError, config)
    } finally {
      client.close()
    }
    return EXIT.ok
  }
}

function actionOf (name: string): (typeof ACTIONS)[string] {
  const action = ACTIONS[name]
  if (action === undefined) throw new CliError(EXIT.usage, `say what to do: landfall queues ${queues.usage}`)
  return action
}

function readKind (kind: string | undefined): string {
  if (LOG_KINDS.includes(kind as LogKind)) return kind!
  throw new CliError(EXIT.usage, `name one kind of events: ${LOG_KINDS.join(', ')}`)
}

function readId (text: string): bigint {
  if (/^[1-9]\d{0,15}$/.test(text)) return BigInt(text)
  throw new CliError(EXIT.usage, `"${text}" is no id of an event`)
}

async function list (client: Client, json: boolean): Promise<void> {
  const { queues, readOnly } = await ask<{ queues: QueueStatus[], readOnly: boolean }>(done => client.listQueues({}, done))
  if (json) {
    for (const status of queues) printLine(JSON.stringify(statusJson(status)))
    return
  }
  if (readOnly) printLine('The disk is full: nothing new is stored until there is room. Acknowledgements go on.\n')
  if (queues.length === 0) printLine('There is no queue yet: one is made when a client first subscribes.')
  else printTable([HEADINGS, ...queues.map(statusRow)])
}

const HEADINGS = ['KIND', 'QUEUE', 'CLIENT', 'WAITING', 'IN FLIGHT', 'OLDEST', 'REDELIVERED', 'PARKED', 'MISSED', 'CONNECTIONS', 'STATE']

function statusRow (status: QueueStatus): string[] {
  const { kind, client, name } = status.queue!
  const numbers = [status.redeliveries, status.parked, status.missed, status.connections].map(String)
  return [
    kind,
    status.durable ? `"${name}"` : '(regular)',
    client,
    String(status.waiting),
    String(status.inFlight),
    status.oldestAgeMs === undefined ? '-' : age(Number(status.oldestAgeMs)),
    ...numbers,
    status.state
  ]
}

function statusJson (status: QueueStatus): object {
  const { kind, client, name } = status.queue!
  return {
    kind,
    queue: name,
    client,
    durable: status.durable,
    waiting: Number(status.waiting),
    in_flight: Number(status.inFlight),
    oldest_unacknowledged_ms: status.oldestAgeMs === undefined ? null : Number(status.oldestAgeMs),
    redeliveries: Number(status.redeliveries),
    parked: Number(status.parked),
    missed: Number(status.missed),
    connections: status.connections,
    state: status.state
  }
}

/** A span of time as people say it: its two largest units. */
function age (ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [minutes, hours, days] = [60, 3_600, 86_400].map(unit => Math.floor(seconds / unit)) as [number, number, number]
  const parts = [[days, 'd'], [hours % 24, 'h'], [minutes % 60, 'min'], [seconds % 60, 's']] as const
  const first = parts.findIndex(([count]) => count > 0)
  return first < 0 ? '0 s' : parts.slice(first, first + 2).map(([count, unit]) => `${count} ${unit}`).join(' ')
}

async function pause (client: Client, queue: QueueName, paused: boolean): Promise<void> {
  await ask(done => client.pauseQueue({ queue, paused }, done))
  printLine(paused ? 'paused: nothing is sent until "landfall queues resume"' : 'resumed')
}

async function listParked (client: Client, queue: QueueName): Promise<void> {
  const { events } = await ask<ListParkedResponse>(done => client.listParked({ queue }, done))
  if (events.length === 0) printLine('nothing is parked')
  else {
    const time = (ms: bigint): string => ms === 0n ? '-' : new Date(Number(ms)).toISOString()
    printTable([['ID', 'DELIVERIES', 'FIRST', 'PARKED'],
      ...events.map(({ id, attempts, firstDeliveredMs, parkedMs }) => [String(id), String(attempts), time(firstDeliveredMs), time(parkedMs)])])
  }
}

async function settle (client: Client, queue: QueueName, ids: bigint[], drop: boolean): Promise<bigint> {
  const { settled } = await ask<{ settled: bigint }>(done => client.settleParked({ queue, ids, drop }, done))
  return settled
}
