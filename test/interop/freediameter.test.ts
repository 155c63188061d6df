import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { systemClock } from '../../agent/lib/clock.ts'
import { prepareRelay, startMme } from '../lib/peer-process.ts'
import { until } from '../lib/raw-diameter.ts'
import { startLink, submission } from '../sms/sgd-bench.ts'

/** Says that this process runs in the namespace already. */
const INSIDE = 'LANDFALL_TEST_NAMESPACE'
const [RELAY, MME] = ['10.9.9.1', '10.9.9.2']

/** The relay's log: it is connected to the MME. */
const KNOWS_MME = /-> 'STATE_OPEN'\s+'mme\.test\.realm'/

const ip = (...words: string[]): void => { execFileSync('ip', words) }

// Watchdogs of 6 s, three of them, and a relay that starts three times.
t.setTimeout(240_000)

/** The relay takes no loopback address, so all three of us live in a network namespace that has two others on its "lo". */
if (process.env[INSIDE] === undefined) {
  const name = `landfall-sgd-${process.pid}`
  ip('netns', 'add', name)
  t.teardown(() => { ip('netns', 'delete', name) })
  ip('-n', name, 'link', 'set', 'lo', 'up')
  for (const address of [RELAY, MME]) ip('-n', name, 'address', 'add', `${address}/32`, 'dev', 'lo')
  await t.spawn('ip', ['netns', 'exec', name, process.execPath, '--enable-source-maps', fileURLToPath(import.meta.url)], {
    env: { ...process.env, [INSIDE]: name }, timeout: 240_000
  }, 'inside the namespace')
} else {
  t.test('through a relay: TFR, goodbye, and the way back after a loss', { timeout: 200_000 }, async t => {
    const relay = prepareRelay(t)
    let mme = await startMme(t, MME, 3869)
    let running = relay.start()
    await running.says(KNOWS_MME)
    const { link, notices } = startLink(t, systemClock, { host: RELAY, port: 3868, watchdogMs: 6_000 })
    await until(() => link.up)
    const deliver = async (imsi = '242010000000001'): Promise<unknown> => await link.submit(submission({ imsi }))
    t.same(await deliver(), { kind: 'delivered' })
    t.same(await deliver('242010000000005'), { kind: 'temporary', cause: 'sgd.fcs-d3', memory: true })
    t.match(await link.submit(submission({ servingNode: { host: 'mme.nowhere.example', realm: 'nowhere.example' } })), { kind: 'temporary', cause: 'sgd.unable-to-deliver' })
    const burst = await Promise.all(Array.from({ length: 20 }, async () => await deliver()))
    t.same(burst, Array(20).fill({ kind: 'delivered' }))
    t.equal(mme.output.match(/^TFR /gm)?.length, 22)
    t.notMatch(mme.output, /error/)
    t.match(running.output, /Landfall/, 'the relay read our Product-Name')

    const cut = link.submit(submission({ imsi: '242010000000009' }))
    await until(() => mme.output.match(/^TFR /gm)?.length === 23)
    await Promise.all([running.end('SIGKILL'), mme.end('SIGKILL')])
    t.same(await cut, { kind: 'unknown', cause: 'sgd.connection-lost' })
    mme = await startMme(t, MME, 3869)
    running = relay.start()
    await running.says(KNOWS_MME)
    await until(() => /answer some watchdogs/.test(link.trouble ?? ''))
    t.match(await deliver(), { kind: 'unsent' })
    await until(() => link.up, 60_000)
    t.same(await deliver(), { kind: 'delivered' })

    await running.end('SIGTERM')
    await until(() => !link.up)
    await until(() => /said goodbye, cause 0/.test(notices.at(-1)!))
    running = relay.start()
    await running.says(KNOWS_MME)
    await until(() => link.up, 60_000)
    t.match(notices.at(-1), /is connected/)

    await link.stop(5_000)
    await running.says(/'landfall\.test\.realm' sent a DPR with cause: REBOOTING/)
  })
}
