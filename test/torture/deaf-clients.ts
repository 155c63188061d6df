import { Http2Client, CALL_HEADERS, openRequest } from './http2-client.ts'
import { callFrames, greeting } from './http2-frames.ts'
import { faultsOf, until } from './patience.ts'
import type { Place } from './place.ts'
import { RawSocket } from './raw-socket.ts'
import { Scene } from './scene.ts'

/** Streams of each way not to read, each with a queue of its own: held up by HTTP/2, with a full window on its way, on a socket that is never read. */
const STALLED = 400
const HOARDING = 1_000
const DEAF = 200
const STREAMS_PER_CONNECTION = 100

const WINDOW = 200
const EVENTS = 2_000

/** Far less than the events that a stream may have in flight. */
const SMALL_WINDOW_BYTES = 16_384

/** More than all events that a connection may have in flight. */
const LARGE_WINDOW_BYTES = 64 << 20

/** What the agent's own memory may grow by: 2 KiB for each of 240,000 events in flight. */
const GROWTH_MIB = 480

/** Longest time between two events of the good client, and from an arrival to its event. */
const GAP_MS = 3_000
const PROMPT_MS = 1_000

/** Clients of 1,600 streams that do not read what they asked for, beside one that does. */
export async function notReading (place: Place): Promise<string[]> {
  return await faultsOf('not reading', async fault => {
    const scene = await Scene.begin(place, { settings: { delivery: { queues_per_client: 1_700 } } })
    const { address } = scene.agent
    const good = await scene.client({ queue: 'good' })
    const before = scene.memoryMib()
    await openStreams(place, address, 'stalled', STALLED, SMALL_WINDOW_BYTES)
    await openStreams(place, address, 'hoarding', HOARDING, LARGE_WINDOW_BYTES)
    await openDeaf(scene, place, DEAF)
    const opened = scene.memoryMib()
    const start = performance.now()
    await scene.arrive(EVENTS)
    const told = performance.now()
    await until('the good client gets everything', () => good.answers.length === EVENTS, 30_000)
    const times = [start, ...good.events.map(({ at }) => at)]
    const gap = Math.max(...times.slice(1).map((at, index) => at - times[index]!))
    if (gap > GAP_MS) fault(`the good client waited ${Math.round(gap)} ms for its next event`)
    await until('windows fill', async () => (await statesOf(scene, 'hoarding')).every(([state]) => state === 'window full'), 30_000)
    const wrong = (await statesOf(scene, 'stalled')).filter(([state]) => state !== 'client does not read')
    if (wrong.length > 0) fault(`${wrong.length} clients do not read, and their queues say ${[...new Set(wrong.map(([state]) => state))].join(', ')}`)
    const settled = await statesOf(scene, '')
    const most = Math.max(...settled.map(([, inFlight]) => inFlight))
    if (most > WINDOW) fault(`${most} events are in flight on one stream, its window is ${WINDOW}`)
    const one = performance.now()
    await scene.arrive(1)
    await until('the good client gets one more', () => good.answers.length === EVENTS + 1, GAP_MS)
    const prompt = performance.now() - one
    if (prompt > PROMPT_MS) fault(`an event took ${Math.round(prompt)} ms to the good client`)
    if (scene.peakMib - before > GROWTH_MIB) fault(`the agent's memory grew by ${Math.round(scene.peakMib - before)} MiB, ${GROWTH_MIB} are allowed`)
    process.stderr.write(`  memory ${Math.round(before)} MiB, with streams ${Math.round(opened)}, at most ${Math.round(scene.peakMib)}; ` +
      `${settled.reduce((sum, [, inFlight]) => sum + inFlight, 0)} in flight; told in ${Math.round(told - start)} ms, ` +
      `longest gap ${Math.round(gap)} ms, one event in ${Math.round(prompt)} ms\n`)
    await scene.end()
  })
}

/** State and events in flight of the queues whose names begin so. */
async function statesOf (scene: Scene, name: string): Promise<[string, number][]> {
  return (await scene.queues()).filter(({ queue }) => queue!.name.startsWith(name)).map(({ state, inFlight }) => [state, Number(inFlight)])
}

/** Streams that are opened and never read; how much comes nevertheless is the window's. */
async function openStreams (place: Place, address: string, name: string, count: number, windowBytes: number): Promise<void> {
  for (let opened = 0; opened < count; opened += STREAMS_PER_CONNECTION) {
    const client = await Http2Client.connect(place, address, windowBytes)
    await Promise.all(Array.from({ length: STREAMS_PER_CONNECTION }, async (_, n) => await client.call(openRequest(`${name}-${opened + n}`, WINDOW))))
  }
}

/** Streams of one connection whose socket is never read. */
async function openDeaf (scene: Scene, place: Place, count: number): Promise<void> {
  const { address } = scene.agent
  const socket = await RawSocket.connect(place, address, false)
  await socket.say(greeting(LARGE_WINDOW_BYTES))
  const open = Array.from({ length: count }, (_, n) => callFrames(2 * n + 1, address, CALL_HEADERS, openRequest(`deaf-${n}`, WINDOW)))
  await socket.say(Buffer.concat(open))
  await until('the deaf client\'s streams are open', async () => (await statesOf(scene, 'deaf')).length === count, 10_000)
}
