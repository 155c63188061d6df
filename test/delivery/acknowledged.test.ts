import t from 'tap'
import fc from 'fast-check'
import { Acknowledged } from '../../agent/delivery/acknowledged.ts'
import { isDeepStrictEqual } from 'node:util'
import { decodeQueuePosition, encodeQueuePosition } from '../../agent/store/queue-record.ts'
import { seeded } from '../lib/seed.ts'

const ids = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 120 })

t.test('holds exactly what was added, whatever the order', async t => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 20 }), ids, (floor, added) => {
    const acknowledged = new Acknowledged(floor, [])
    const model = new Set<number>()
    for (const id of added) {
      const isNew = id > floor && !model.has(id)
      if (acknowledged.add(id) !== isNew) return false
      if (id > floor) model.add(id)
    }
    for (let id = 1; id <= 62; id++) {
      if (acknowledged.has(id) !== (id <= floor || model.has(id))) return false
      let open = Math.max(id, floor + 1)
      while (model.has(open)) open++
      if (acknowledged.nextOpen(id) !== open) return false
    }
    return true
  }), seeded(t))
})

t.test('adds a range as if each of it were added', async t => {
  fc.assert(fc.property(ids, fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 20 })), { maxLength: 5 }), (single, ranges) => {
    const whole = new Acknowledged(0, [])
    const each = new Acknowledged(0, [])
    for (const id of single) { whole.add(id); each.add(id) }
    for (const [from, length] of ranges) {
      let added = 0
      for (let id = from; id <= from + length; id++) if (id > 0 && each.add(id)) added++
      if (whole.addRange(from, from + length) !== added) return false
      if (whole.count(40) !== each.count(40)) return false
    }
    return isDeepStrictEqual([whole.floor, whole.ranges()], [each.floor, each.ranges()])
  }), seeded(t))
})

t.test('keeps its ranges ascending and apart, and survives the disk', async t => {
  fc.assert(fc.property(ids, added => {
    const acknowledged = new Acknowledged(0, [])
    for (const id of added) acknowledged.add(id)
    let last = acknowledged.floor
    for (const { from, to } of acknowledged.ranges()) {
      if (from < last + 2 || to < from) return false
      last = to
    }
    const { floor } = acknowledged
    const tried = [{ id: floor + 3, attempts: 4, firstAt: 1_700_000_000_000 }, { id: floor + 300, attempts: 1, firstAt: 0 }]
    const position = {
      floor, ranges: acknowledged.ranges(), reserved: floor + 7, missed: added.length, missedUpTo: floor, paused: added.length % 2 === 0, idleSince: 5, tried
    }
    const read = decodeQueuePosition(encodeQueuePosition(position))
    return isDeepStrictEqual(read, position) &&
      new Acknowledged(read.floor, read.ranges).nextOpen(0) === acknowledged.nextOpen(0)
  }), seeded(t))
})
