import { continuations, garbage, messages, metadata, pings, rapidReset, silence, type Flood } from './floods.ts'
import { manyStreams } from './many-streams.ts'
import { faultsOf } from './patience.ts'
import type { Place } from './place.ts'
import { Scene } from './scene.ts'
import type { Torture } from './torture.ts'

const FLOODS: Readonly<Record<string, Flood>> = {
  garbage, metadata, messages, continuations, pings, 'rapid reset': rapidReset, 'many streams': manyStreams, silence
}

/** What the agent's own memory may reach in any flood. */
const MEMORY_MIB = 400

/** More streams and connections than anybody needs, and whatever else HTTP/2 can be abused for. */
export const flood: Torture = {
  name: 'flood',
  promise: 'the agent goes on in bounded memory: who was connected gets events and acknowledges them, and who comes later gets in',
  rounds: { full: 5, quick: 1 },
  stage: async (place, sabotage) => async () => await all(place, sabotage)
}

/** All floods against one agent; after each one it must serve. */
async function all (place: Place, sabotage: boolean): Promise<string[]> {
  const scene = await Scene.begin(place)
  await scene.attend()
  const faults: string[] = []
  for (const [name, flood] of Object.entries(FLOODS)) {
    scene.peakMib = scene.memoryMib()
    const start = performance.now()
    faults.push(...await faultsOf(name, async fault => {
      await flood(scene, place, fault)
      // The control: the agent ends in the middle.
      if (sabotage) await scene.end()
      await scene.served(fault)
      if (scene.peakMib > MEMORY_MIB) fault(`the agent's memory reached ${Math.round(scene.peakMib)} MiB, ${MEMORY_MIB} are allowed`)
    }))
    if (faults.length > 0) break
    process.stderr.write(`  ${name}: ${((performance.now() - start) / 1000).toFixed(1)} s, memory at most ${Math.round(scene.peakMib)} MiB\n`)
  }
  await scene.end()
  return faults
}
