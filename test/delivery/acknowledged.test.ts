import t from 'tap'
import fc from 'fast-check'
import { Acknowledged } from '../../agent/delivery/acknowledged.ts'
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

t.test('keeps its ranges ascending and apart, and survives the disk', async t => {
  fc.assert(fc.property(ids, added => {
    const acknowledged = new Acknowledged(0, [])
    for (const id of added) acknowledged.add(id)
    let last = acknowledged.floor
    for (const { from, to } of acknowledged.ranges()) {
      if (from < last + 2 || to < from) return false
      last = to
    }
    const position = { floor: acknowledged.floor, ranges: acknowledged.ranges(), reserved: acknowledged.floor + 7 }
    const read = decodeQueuePosition(encodeQueuePosition(position))
    return JSON.stringify(read) === JSON.stringify({ floor: position.floor, reserved: position.reserved, ranges: position.ranges }) &&
      new Acknowledged(read.floor, read.ranges).nextOpen(0) === acknowledged.nextOpen(0)
  }), seeded(t))
})
