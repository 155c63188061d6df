import t from 'tap'
import { Alarm } from '../../agent/delivery/alarm.ts'
import { ManualClock } from '../lib/manual-clock.ts'

t.test('each is woken once, at its time, with one timer', async t => {
  const clock = new ManualClock()
  const woken: [string, number][] = []
  const alarm = new Alarm<string>(clock, sleeper => { woken.push([sleeper, clock.monotonic()]) })
  alarm.set('late', 30)
  alarm.set('early', 10)
  alarm.set('moved', 10)
  alarm.set('moved', 20)
  alarm.set('gone', 15)
  alarm.set('gone', Infinity)
  clock.advance(100)
  t.same(woken, [['early', 10], ['moved', 20], ['late', 30]])
})

t.test('who is woken may go on sleeping; after a stop nobody is woken', async t => {
  const clock = new ManualClock()
  let count = 0
  const alarm = new Alarm<string>(clock, sleeper => { count++; alarm.set(sleeper, clock.monotonic() + 10) })
  alarm.set('again', 10)
  clock.advance(50)
  t.equal(count, 5)
  alarm.stop()
  clock.advance(50)
  t.equal(count, 5)
})

t.test('nobody is looked at whose time has not come', async t => {
  const clock = new ManualClock()
  let woken = 0
  const alarm = new Alarm<number>(clock, () => { woken++ })
  for (let n = 0; n < 1_000; n++) alarm.set(n, 1_000 + n)
  clock.advance(1_009)
  t.equal(woken, 10)
})
