import { setTimeout as later } from 'node:timers/promises'
import { credentials, type ServiceError } from '@grpc/grpc-js'
import { ControlServiceClient, type ListQueuesResponse, type ListSmsResponse, type QueueStatus, type ShowSubscriberResponse } from '../../gen/landfall/control/v1/control.ts'
import type { RunningAgent } from '../lib/agent.ts'

/** How often queues are looked at until they are empty, and the pause between. */
const EMPTY_TRIES = 300
const EMPTY_PAUSE_MS = 20

/** What an agent knows of each SIM, as JSON. */
export async function states (agent: RunningAgent, imsis: readonly string[]): Promise<string[]> {
  return await withControl(agent, async client => await Promise.all(imsis.map(async imsi => {
    const { subscribers } = await ask<ShowSubscriberResponse>(done => client.showSubscriber({ by: { $case: 'imsi', value: imsi } }, done))
    return subscribers.join()
  })))
}

/** What an agent says of its queues. */
export async function queuesOf (agent: RunningAgent): Promise<QueueStatus[]> {
  const { queues } = await withControl(agent, async client => await ask<ListQueuesResponse>(done => client.listQueues({}, done)))
  return queues
}

/** Resolves when nothing waits and nothing is in flight in the queues of a name; rejects when that does not come about. */
export async function emptied (agent: RunningAgent, name = ''): Promise<void> {
  for (let tries = 0; ; tries++) {
    const queues = (await queuesOf(agent)).filter(({ queue }) => queue!.name === name)
    const left = queues.reduce((sum, { waiting, inFlight }) => sum + Number(waiting + inFlight), 0)
    if (left === 0) return
    if (tries === EMPTY_TRIES) throw new Error(`${left} events are left in the queues: ${JSON.stringify(queues.map(({ state }) => state))}`)
    await later(EMPTY_PAUSE_MS)
  }
}

/** Messages that are in a state, as the operator sees them, up to so many. */
export async function listSms (agent: RunningAgent, state: string): Promise<string[]> {
  const { messages } = await withControl(agent, async client => await ask<ListSmsResponse>(done => client.listSms({ msisdn: '', state, limit: 1_000 }, done)))
  return messages
}

/** Takes a message back. */
export async function cancelSms (agent: RunningAgent, messageId: string): Promise<void> {
  await withControl(agent, async client => await ask(done => client.cancelSms({ messageId }, done)))
}

async function withControl<T> (agent: RunningAgent, work: (client: ControlServiceClient) => Promise<T>): Promise<T> {
  const client = new ControlServiceClient(`unix:${agent.controlSocket}`, credentials.createInsecure())
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

async function ask<T> (call: (done: (error: ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return await new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error === null) resolve(answer)
      else reject(error)
    })
  })
}
