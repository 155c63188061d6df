import type { ClientProcess } from './client-process.ts'
import { Namespace } from './namespace.ts'
import { faultsOf, until } from './patience.ts'
import type { Place } from './place.ts'
import { Scene } from './scene.ts'

/** Bounds that clients are promised: a connection that does not answer is given up, and everything else goes on at once. */
const NOTICED_MS = 30_000
const AT_ONCE_MS = 2_000

/** The shortest ack timeout that there is, and how exact it is. */
const TIMEOUT_MS = 10_000
const EARLY_MS = 100
const LATE_MS = 1_500

/** Window of a client that does not acknowledge. */
const WINDOW = 20

type Fault = (text: string) => void

/** A client that is stopped with events in flight, as by a debugger or a machine that sleeps. */
export async function stopped (place: Place): Promise<string[]> {
  return await faultsOf('stopped', async fault => {
    const scene = await Scene.begin(place)
    const { bad, good } = await burdened(scene)
    bad.signal('SIGSTOP')
    await movesOn(scene, bad, good, NOTICED_MS, fault)
    await scene.end()
  })
}

/** A client whose packets vanish, as behind a firewall that has forgotten it. `cuts`: false leaves everything as it was. */
export async function halfOpen (place: Place, cuts = true): Promise<string[]> {
  return await faultsOf('half-open', async fault => {
    const namespace = await Namespace.make(place)
    const scene = await Scene.begin(place, { prefix: namespace.prefix })
    const { bad, good } = await burdened(scene)
    if (cuts) await namespace.cut(bad.pid, scene.agent.address)
    await movesOn(scene, bad, good, NOTICED_MS, fault)
    await scene.end()
  })
}

/** A client that dies; then the last one does, and the queue says that nobody is there. */
export async function killed (place: Place): Promise<string[]> {
  return await faultsOf('killed', async fault => {
    const scene = await Scene.begin(place)
    const { bad, good } = await burdened(scene)
    bad.signal('SIGKILL')
    await movesOn(scene, bad, good, AT_ONCE_MS, fault)
    good.signal('SIGKILL')
    await until('the agent sees that nobody is left', async () => (await scene.queue()).connections === 0, AT_ONCE_MS)
    await scene.arrive(5)
    await stateIs(scene, 'shared', 'no connection', fault)
    await scene.end()
  })
}

/** A client that never acknowledges, beside a good one and alone. */
export async function neverAcknowledging (place: Place): Promise<string[]> {
  return await faultsOf('never acknowledging', async fault => {
    const scene = await Scene.begin(place)
    const wish = { window: WINDOW, ackTimeoutSeconds: TIMEOUT_MS / 1000, acknowledges: false }
    const [bad, lonely, good] = await Promise.all([scene.client(wish), scene.client({ ...wish, queue: 'lonely' }), scene.client()])
    await scene.arrive(200)
    const start = performance.now()
    await until('both windows are full', () => bad.events.length === WINDOW && lonely.events.length === WINDOW, AT_ONCE_MS)
    await until('the good client gets all the rest', () => good.events.length === scene.told - WINDOW, AT_ONCE_MS)
    await stateIs(scene, 'lonely', 'window full', fault)
    await stateIs(scene, 'shared', 'nothing waits', fault)
    // Others do not wait for it.
    await scene.arrive(20)
    await until('the good client gets what is new', () => good.events.length === scene.told - WINDOW, AT_ONCE_MS)
    const held = new Map(bad.events.map(({ id, at }) => [id, at]))
    const again = (): ClientProcess['events'] => [...bad.events.slice(WINDOW), ...good.events].filter(({ id }) => held.has(id))
    await until('its events come again', () => again().length >= WINDOW, TIMEOUT_MS + LATE_MS)
    for (const { id, at, redelivered } of again()) {
      const passedMs = at - held.get(id)!
      if (passedMs < TIMEOUT_MS - EARLY_MS) fault(`${id} came again after ${Math.round(passedMs)} ms, before its time`)
      if (!redelivered) fault(`${id} came again without a mark`)
    }
    await until('the lonely client gets its window again', () => lonely.events.length >= 2 * WINDOW, LATE_MS)
    const periods = 1 + Math.floor((performance.now() - start + EARLY_MS) / TIMEOUT_MS)
    if (lonely.events.length > periods * WINDOW) fault(`${lonely.events.length} events came in ${periods} timeouts, the window is ${WINDOW}`)
    if (lonely.events.slice(WINDOW).some(({ redelivered }) => !redelivered)) fault('new events came to the lonely client, beyond its window')
    await scene.end()
  })
}

/** A client that acknowledges when another one has the event already. */
export async function acknowledgingLate (place: Place): Promise<string[]> {
  return await faultsOf('acknowledging late', async fault => {
    const scene = await Scene.begin(place)
    const late = await scene.client({ window: WINDOW, ackTimeoutSeconds: TIMEOUT_MS / 1000, acknowledges: false })
    await scene.arrive(WINDOW)
    await until('it has all events', () => late.events.length === WINDOW, AT_ONCE_MS)
    const first = [...late.events]
    const other = await scene.client({ acknowledges: false })
    const held = (): number => new Set([...other.events, ...late.events.slice(WINDOW)].map(({ id }) => id)).size
    await until('all events come again', () => held() === WINDOW, TIMEOUT_MS + LATE_MS)
    if (other.events.length === 0) fault('none of them came to the other client')
    for (const { id, token } of first) {
      if (!await late.acknowledge(token)) fault(`the late acknowledgement of ${id} failed`)
    }
    await nothingComesAgain(scene, [late, other], fault)
    await scene.end()
  })
}

/** A client that acknowledges twice, and another one that does so for it. */
export async function acknowledgingTwice (place: Place): Promise<string[]> {
  return await faultsOf('acknowledging twice', async fault => {
    const scene = await Scene.begin(place)
    const [one, other] = await Promise.all([scene.client({ acknowledges: false }), scene.client({ queue: 'other' })])
    await scene.arrive(WINDOW)
    await until('it has all events', () => one.events.length === WINDOW, AT_ONCE_MS)
    for (const { id, token } of one.events) {
      for (const client of [one, one, other]) {
        if (!await client.acknowledge(token)) fault(`${id} was acknowledged again, and that failed`)
      }
    }
    await nothingComesAgain(scene, [one], fault)
    await scene.end()
  })
}

/** A client that holds a full window for ten minutes beside one that has acknowledged everything else. */
async function burdened (scene: Scene): Promise<{ bad: ClientProcess, good: ClientProcess }> {
  const [bad, good] = await Promise.all([scene.client({ window: WINDOW, acknowledges: false }), scene.client()])
  await scene.arrive(200)
  await until('the bad client has its window full', () => bad.events.length === WINDOW, AT_ONCE_MS)
  await until('the good client has acknowledged the rest', () => good.answers.length === scene.told - WINDOW, AT_ONCE_MS)
  return { bad, good }
}

/** Checks that a bad client's events come to the good one within so long, all of them together and marked, and that nothing waited meanwhile. */
async function movesOn (scene: Scene, bad: ClientProcess, good: ClientProcess, limitMs: number, fault: Fault): Promise<void> {
  const start = performance.now()
  await scene.arrive(20)
  await until('the good client gets what is new meanwhile', () => good.events.length >= scene.told - WINDOW, AT_ONCE_MS)
  const held = new Set(bad.events.map(({ id }) => id))
  const moved = (): ClientProcess['events'] => good.events.filter(({ id }) => held.has(id))
  await until('the bad client\'s events go to the good one', () => moved().length > 0, limitMs)
  await until('all of them do', () => moved().length === WINDOW, AT_ONCE_MS)
  if (moved().some(({ redelivered }) => !redelivered)) fault('an event came again without a mark')
  await until('they are acknowledged', () => good.answers.length === scene.told, AT_ONCE_MS)
  if (good.answers.some(({ success }) => !success)) fault('an acknowledgement failed')
  const { waiting, inFlight, connections } = await scene.queue()
  if (connections !== 1 || waiting + inFlight > 0n) fault(`the queue says ${connections} connections, ${waiting} waiting, ${inFlight} in flight`)
  await stateIs(scene, 'shared', 'nothing waits', fault)
  process.stderr.write(`  moved on after ${((moved()[0]!.at - start) / 1000).toFixed(1)} s\n`)
}

/** Checks that all events are settled: whoever has them goes, and the next client gets only what is new. */
async function nothingComesAgain (scene: Scene, clients: readonly ClientProcess[], fault: Fault): Promise<void> {
  const { waiting, inFlight } = await scene.queue()
  if (waiting + inFlight > 0n) fault(`all is acknowledged, and the queue has ${waiting} waiting, ${inFlight} in flight`)
  for (const client of clients) client.signal('SIGKILL')
  await until('the agent sees that they are gone', async () => (await scene.queue()).connections === 0, AT_ONCE_MS)
  const next = await scene.client()
  await scene.arrive(1)
  await until('the next client gets what is new', () => next.events.some(({ id }) => id === scene.told), AT_ONCE_MS)
  if (next.events.length > 1) fault(`${next.events.length - 1} events came again after their acknowledgement`)
}

async function stateIs (scene: Scene, queue: string, wanted: string, fault: Fault): Promise<void> {
  const { state, waiting, inFlight } = await scene.queue(queue)
  if (state !== wanted) fault(`the queue "${queue}" says "${state}" with ${waiting} waiting and ${inFlight} in flight, it should say "${wanted}"`)
}
