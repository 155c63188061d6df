import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { ControlServiceService } from '../gen/landfall/control/v1/control.ts'
import { controlHandlers } from './api/control-service.ts'
import type { Erasures } from './api/erasure.ts'
import { listen } from './api/listener.ts'
import { CONTROL_MESSAGE_BYTES, makeServer, stopServer } from './api/server.ts'
import type { Config } from './config/schema.ts'
import { tellOpen } from './doors.ts'
import { IngestLink, type SpaceListener } from './ingest-link.ts'
import { systemClock, type Clock } from './lib/clock.ts'
import type { Log } from './observe/log.ts'
import { Serve } from './serve.ts'
import { asDamage, asDamageAtStart, StoreDamaged } from './store/damage.ts'
import { sealIdentity, stateFiles, type Identity } from './store/identity.ts'
import { inspect } from './store/inspection.ts'
import { takeStateDirectory } from './store/state-directory.ts'

/** Command lines that may talk to the agent at once. */
const CONTROL_CONNECTIONS = 64

/** What is under way when the agent fails has so long to end. */
const HALT_MS = 1_000

/** What an agent is started with. */
export interface AgentParts {
  config: Config
  log: Log
  /** Told when the agent cannot go on and writes nothing any more: the process must end. StoreDamaged where a restart does not help. */
  onFatal: (error: Error) => void
  /** Clock of the lower half; the upper half, a thread of its own, runs on the system's. */
  clock?: Clock
}

/** A running agent. */
export interface Agent {
  /** Port of the public gRPC server. */
  port: number
  /** Says why it cannot go on, and ends. */
  fail: (error: Error) => void
  /** Stops in order: no new events, streams ended, positions stored, data closed, lock given back. */
  stop: () => Promise<void>
}

/**
 * Starts the two halves, in the only order that works: the lock, the look at the data, the writer of `network`, its reader, the
 * servers. Throws StoreLocked, StoreDamaged, StoreInaccessible or the system's error; then nothing runs and nothing is held.
 */
export async function startAgent ({ config, log, onFatal, clock = systemClock }: AgentParts): Promise<Agent> {
  const { identity, records, unlock } = await takeStateDirectory(config.state_directory, clock.now())
  const scanStop = new AbortController()
  let scanning: Promise<void> | undefined
  let ingest: IngestLink | undefined
  let serve: Serve | undefined
  let control: Control | undefined
  const stop = async (): Promise<void> => {
    scanStop.abort()
    await scanning
    await control?.stop()
    await ingest?.stop()
    await serve?.stop()
    unlock()
  }
  let failing = false
  const fail = (error: Error): void => {
    log.error(error instanceof StoreDamaged ? {} : { stack: error.stack }, error.message)
    if (failing) return
    failing = true
    // What does not end, on a disk that hangs, would keep the process from exiting. A kill leaves a commit whole or undone.
    clock.after(HALT_MS, () => { process.kill(process.pid, 'SIGKILL') })
    void Promise.all([ingest?.halt(), serve?.halt()]).then(() => { onFatal(error) })
  }
  try {
    let readOnly = false
    ingest = await startIngest(config, identity, fail, (low, freeMib) => {
      readOnly = low
      const room = { freeMib, reserveMib: config.store.reserve_mib }
      serve?.setRoom(!low)
      if (low) log.error(room, 'the disk is full: nothing new is stored until there is room; acknowledgements go on')
      else log.info(room, 'there is room on the disk: new state is stored')
    })
    const upper = ingest
    serve = new Serve({
      config,
      identity,
      clock,
      log,
      watch: async (imsis, wanted) => { await upper.watch(imsis, wanted) },
      onFatal: error => { fail(asDamage(error, config.state_directory)) }
    })
    serve.setRoom(!readOnly)
    sealIdentity(config.state_directory)
    ingest.onGrew = serve.grew
    ingest.onReturned = serve.returned
    const { port, issuerPort } = await serve.listen(config.listen)
    const erasures = serve.erasures(async imsi => await upper.forget(imsi))
    erasures.resume().catch(fail)
    control = await startControl(config, { ingest, serve, erasures, clock, log, readOnly: () => readOnly })
    log.info({ port, issuerPort, socket: config.control_socket }, 'serving')
    if (records === undefined) scanning = scan(config.state_directory, log, fail, scanStop.signal)
    else log.info({ records }, SOUND)
    return {
      port,
      fail,
      stop: async () => {
        await stop()
        log.info({}, 'stopped')
      }
    }
  } catch (error) {
    await stop()
    throw asDamageAtStart(error, config.state_directory)
  }
}

const SOUND = 'all stored records are sound'

/** Reads every record beside the running agent: damage inside the file shows itself early, and not to a client. */
async function scan (directory: string, log: Log, fail: (error: Error) => void, stop: AbortSignal): Promise<void> {
  let inspection
  try {
    inspection = await inspect(directory, 'records', stop)
  } catch (error) {
    if (!stop.aborted) log.warn({}, `the stored records were not read through: ${String(error)}`)
    return
  }
  const { records, problems } = inspection
  if (problems.length > 0) fail(new StoreDamaged(problems.join('; '), directory))
  else log.info({ records }, SOUND)
}

async function startIngest (config: Config, identity: Identity, onFatal: (error: Error) => void, onSpace: SpaceListener): Promise<IngestLink> {
  const path = stateFiles(config.state_directory).network
  const { incarnation, run, erasureKey, madeAt } = identity
  return await IngestLink.start({ config, path, belonging: { incarnation, run }, erasureKey, madeAt }, onFatal, onSpace)
}

/** What the control socket reaches. */
interface ControlSurroundings {
  ingest: IngestLink
  serve: Serve
  erasures: Erasures
  clock: Clock
  log: Log
  readOnly: () => boolean
}

/** The open control socket. */
interface Control { stop: () => Promise<void> }

/** The control socket: only this user may speak to it. The lock says that a socket found there is a dead agent's. */
async function startControl (
  config: Config, { ingest, serve, erasures, clock, log, readOnly }: ControlSurroundings
): Promise<Control> {
  mkdirSync(dirname(config.control_socket), { recursive: true, mode: 0o700 })
  const server = makeServer(CONTROL_MESSAGE_BYTES)
  server.addService(ControlServiceService, controlHandlers({
    ingest,
    erase: async imsi => await erasures.erase(imsi),
    reader: serve.reader,
    dispatcher: serve.dispatcher,
    readOnly,
    now: clock.now,
    inspect: async () => await inspect(config.state_directory, 'records'),
    liveSource: false,
    clients: serve.clientControl,
    sms: serve.smsControl
  }))
  const options = { address: `unix:${config.control_socket}`, connections: CONTROL_CONNECTIONS, mode: 0o600, clock }
  const door = await listen(server, options)
  tellOpen(log, 'control', options, door.port)
  return {
    stop: async () => {
      door.close()
      await stopServer(server)
      rmSync(config.control_socket, { force: true })
    }
  }
}
