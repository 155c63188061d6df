import t from 'tap'
import { Pacer } from '../../agent/capture/pacer.ts'
import { ManualClock } from '../lib/manual-clock.ts'

/** A frame captured so many milliseconds after the first. */
const frameAt = (ms: number): Parameters<Pacer['frame']>[0] =>
  ({ number: 1, seconds: 1_700_000_000 + Math.floor(ms / 1000), nanoseconds: ms % 1000 * 1e6, linkType: 1, data: Buffer.of(ms / 500), originalLength: 1 })

/** Lets what waits on promises go on. */
const settle = async (): Promise<void> => { await new Promise(resolve => { setImmediate(resolve) }) }

t.test('frames go on at the pace of the capture, times the speed', async t => {
  for (const speed of [1, 10]) {
    const clock = new ManualClock()
    const played: number[] = []
    const pacer = new Pacer(clock, speed, ({ data }) => { played.push(data[0]!) })
    for (const ms of [0, 500, 1_500]) pacer.frame(frameAt(ms))
    const done = pacer.play()
    await settle()
    t.same(played, [0])
    clock.advance(500 / speed - 1)
    await settle()
    t.same(played, [0])
    clock.advance(1)
    await settle()
    t.same(played, [0, 1])
    clock.advance(1_000 / speed)
    await done
    t.same(played, [0, 1, 3])
  }
})

t.test('a gap of days is not waited for, nor a step back', async t => {
  const clock = new ManualClock()
  const played: number[] = []
  const pacer = new Pacer(clock, 1, ({ data }) => { played.push(data[0]!) })
  for (const ms of [500, 0, 86_400_000]) pacer.frame(frameAt(ms))
  const done = pacer.play()
  await settle()
  t.equal(played.length, 2)
  clock.advance(60_000)
  await done
  t.equal(played.length, 3)
})
