import { status } from '@grpc/grpc-js'
import type { Flood } from './floods.ts'
import { Http2Client, openRequest } from './http2-client.ts'
import { until } from './patience.ts'

/** `delivery.streams` by default, and what one connection may have. */
const STREAMS = 10_000
const CONNECTIONS = 6
const OPENED_AT_ONCE = 500

/** The agent's memory with all of them open. */
const MEMORY_MIB = 400

const FANNED_OUT_MS = 30_000
const CLOSED_MS = 10_000

/** As many streams as there may be, one more, an event to all of them, and all of them gone at once. */
export const manyStreams: Flood = async (scene, place, fault) => {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, async () => await Http2Client.connect(place, scene.agent.address)))
  const request = openRequest(undefined, 1)
  // One is the bystander's.
  let left = STREAMS - 1
  let heard = 0
  const start = performance.now()
  while (left > 0) {
    const batch = Array.from({ length: Math.min(left, OPENED_AT_ONCE) }, async (_, n) => {
      const { stream, headers } = await clients[n % CONNECTIONS]!.call(request)
      if (headers['grpc-status'] !== undefined) fault(`a stream is refused with ${headers['grpc-status']}: ${headers['grpc-message']}`)
      stream.once('data', () => { heard++ })
    })
    left -= batch.length
    await Promise.all(batch)
  }
  const opened = performance.now()
  const { headers } = await clients[0]!.call(request)
  if (Number(headers['grpc-status']) !== status.RESOURCE_EXHAUSTED) fault(`stream ${STREAMS + 1} is answered with ${headers['grpc-status']}`)
  await scene.served(fault, false)
  await until('all streams get an event', () => heard === STREAMS - 1, FANNED_OUT_MS)
  const fanned = performance.now()
  if (scene.memoryMib() > MEMORY_MIB) fault(`${STREAMS} streams take ${Math.round(scene.memoryMib())} MiB, ${MEMORY_MIB} are allowed`)
  process.stderr.write(`  ${STREAMS} streams opened in ${Math.round(opened - start)} ms, an event to all in ${Math.round(fanned - opened)} ms, ` +
    `memory ${Math.round(scene.memoryMib())} MiB\n`)
  for (const client of clients) client.destroy()
  await until('the agent has closed them', async () => (await scene.queues()).length === 1, CLOSED_MS)
}
