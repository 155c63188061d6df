import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { AuditLog } from '../../agent/observe/audit.ts'
import { jsonLines } from '../lib/cli.ts'
import { temporaryDirectory } from '../lib/temporary.ts'
import { attachments, Bench, TestStream } from './bench.ts'

t.test('who was refused, who subscribed and how much was acknowledged is on record', async t => {
  const directory = temporaryDirectory(t)
  const audit = (what: string): object[] => jsonLines(readFileSync(join(directory, 'audit.jsonl'), 'utf8')).filter(line => line['what'] === what)
  const refusing = await Bench.start(t, directory, { access: {} })
  t.match(await new TestStream(t, refusing.address, 'first-attachment', {}, 'a-secret-token').ended, { code: status.UNAUTHENTICATED })
  t.match(audit('refused'), [{ status: 'UNAUTHENTICATED', method: /StreamFirstAttachmentEvents$/ }])
  await refusing.stop()

  const bench = await Bench.start(t, directory)
  const stream = new TestStream(t, bench.address, 'first-attachment')
  await stream.ready
  t.match(audit('subscribed'), [{ tenant: 'local', client: 'local', kinds: ['first-attachment'], queue: '' }])
  await bench.see(...attachments(3))
  for (const event of await stream.take(3)) await stream.ack(event)
  bench.clock.advance(60_000)
  t.match(audit('acknowledged'), [{ client: 'local', kinds: ['first-attachment'], queue: '', count: 3 }])
  bench.clock.advance(60_000)
  t.equal(audit('acknowledged').length, 1, 'nothing more to tell')
  await bench.stop()
  t.match(audit('ended'), [{ queue: '' }])
  t.notMatch(readFileSync(join(directory, 'audit.jsonl'), 'utf8'), /a-secret-token|24201/)
})

t.test('the audit log has a bound', async t => {
  const directory = temporaryDirectory(t)
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'audit.jsonl')
  writeFileSync(path, Buffer.alloc((32 << 20) - 100, 'x'))
  const log = new AuditLog(path, () => 0)
  t.teardown(() => { log.close() })
  for (let n = 0; n < 3; n++) log.write('refused', { n })
  t.match(jsonLines(readFileSync(path, 'utf8')).map(({ n }) => n).at(-1), 2)
  t.ok(statSync(`${path}.1`).size > (32 << 20) - 200)
  t.ok(statSync(path).size < 300)
})
