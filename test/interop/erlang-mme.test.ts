import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { systemClock } from '../../agent/lib/clock.ts'
import { startMme } from '../lib/peer-process.ts'
import { startLink, SUBMIT, DELIVER, submission } from '../sms/sgd-bench.ts'
import { until } from '../lib/raw-diameter.ts'

t.setTimeout(120_000)

/** A port that was free a moment ago: the MME cannot say which one it was given. */
async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test('a strict MME on another stack takes our TFR, and its results come back as outcomes', { timeout: 120_000 }, async t => {
  const port = await freePort()
  const mme = await startMme(t, '127.0.0.1', port)
  const { link, notices, discards } = startLink(t, systemClock, { port, watchdogMs: 6_000 })
  await until(() => link.up)
  t.match(notices.at(-1), /mme\.test\.realm.*16777313/)
  const to = async (imsi: string, more = false): Promise<unknown> => await link.submit(submission({ imsi, more }))
  t.same(await to('242010000000001'), { kind: 'delivered' })
  t.same(await to('242010000000001', true), { kind: 'delivered' })
  t.same(await to('242010000000000'), { kind: 'temporary', cause: 'sgd.absent-user.1', absent: true, afterMs: 15 * 60_000 })
  t.same(await to('242010000000005'), { kind: 'temporary', cause: 'sgd.fcs-d3', memory: true })
  const burst = await Promise.all(Array.from({ length: 20 }, async (_, i) => await to(`24201000000001${i % 5}`)))
  t.equal(burst.filter(outcome => (outcome as { kind: string }).kind === 'delivered').length, 16)

  // One of each number, none of them a refusal of what we sent (5001, 5005, 5008, 5009, 5014): the grammar has no room for what it does not name.
  t.equal(mme.output.match(/^TFR /gm)?.length, 24)
  t.ok(mme.output.includes(`TFR ${DELIVER.toString('hex').toUpperCase()}`))
  t.notMatch(mme.output, /error/)
  // OFR is not in its grammar: the answer of another stack to an unknown command.
  t.same(await link.submit(submission({ direction: 'from-subscriber' })), { kind: 'temporary', cause: 'sgd.command-unsupported', afterMs: 5 * 60_000 })
  t.notMatch(mme.output, new RegExp(SUBMIT.toString('hex'), 'i'))
  // Watchdogs of both sides pass meanwhile.
  const silent = to('242010000000009')
  await new Promise(resolve => { systemClock.after(9_000, () => { resolve(undefined) }) })
  t.ok(link.up)
  await mme.end('SIGKILL')
  t.same(await silent, { kind: 'unknown', cause: 'sgd.connection-lost' })
  t.same(discards.counts(), {})
})
