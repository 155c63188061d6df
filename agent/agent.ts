import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Server } from '@grpc/grpc-js'
import { ControlServiceService } from '../gen/landfall/control/v1/control.ts'
import { controlHandlers } from './api/control-service.ts'
import { listen, type Listener } from './api/listener.ts'
import { makeServer, stopServer } from './api/server.ts'
import type { Config } from './config/schema.ts'
import { IngestLink, type SpaceListener } from './ingest-link.ts'
import { systemClock, type Clock } from './lib/clock.ts'
import type { Log } from './observe/log.ts'
import { Serve } from './serve.ts'
import { StoreDamaged } from './store/damage.ts'
import { openIdentity, sealIdentity, stateFiles, type Identity } from './store/identity.ts'
import { inspect } from './store/inspection.ts'
import { lockDirectory } from './store/lock.ts'

/** Command lines that may talk to the agent at once. */
const CONTROL_CONNECTIONS = 64

/** What is under way when the agent fails has so long to end. */
const HALT_MS = 1_000

/** What an agent is started with. */
export interface AgentParts {
  config: Config
  log: Log
  /** Told when the agent cannot go on, has said why, and writes nothing any more: the process must end, with an exit code. */
  onFatal: (damaged: boolean) => void
  /** Clock of the lower half; the upper half, a thread of its own, runs on the system's. */
  clock?: Clock
}

/** A running agent. */
export interface Agent {
  /** Port of the public gRPC server. */
  port: number
  /** Says why it cannot go on, and ends. */
  fail: (text: string) => void
  /** Stops in order: no new events, streams ended, positions stored, data closed, lock given back. */
  stop: () => Promise<void>
}

/**
 * Starts the two halves, in the only order that works: the lock, the look at the data, the writer of `network`, its reader, the
 * servers. Throws StoreLocked, StoreDamaged or the system's error.
 */
export async function startAgent ({ config, log, onFatal, clock = systemClock }: AgentParts): Promise<Agent> {
  mkdirSync(config.state_directory, { recursive: true, mode: 0o700 })
  const unlock = lockDirectory(config.state_directory)
  try {
    const identity = openIdentity(config.state_directory, clock.now())
    await refuseDamage(config.state_directory)
    const halves: { halt: () => Promise<void> }[] = []
    let failed = false
    const fail = (text: string, damaged = false): void => {
      log.error({}, text)
      if (failed) return
      failed = true
      // What does not end would keep the process from exiting.
      const cancel = clock.after(HALT_MS, () => { process.kill(process.pid, 'SIGKILL') })
      void Promise.all(halves.map(async half => { await half.halt() })).then(() => {
        cancel()
        onFatal(damaged)
      })
    }
    let readOnly = false
    const ingest = await startIngest(config, identity, fail, (low, freeMib) => {
      readOnly = low
      const room = { freeMib, reserveMib: config.store.reserve_mib }
      if (low) log.error(room, 'the disk is full: nothing new is stored until there is room; acknowledgements go on')
      else log.info(room, 'there is room on the disk: new state is stored')
    })
    const serve = new Serve({ config, identity, clock, log, onFatal: error => { fail(`storing queue positions failed: ${String(error)}`) } })
    halves.push(ingest, serve)
    sealIdentity(config.state_directory)
    ingest.onGrew = (kinds, heads) => { serve.grew(kinds, heads) }
    const port = await serve.listen(config.listen)
    const control = await startControl(config, ingest, serve, clock, () => readOnly)
    log.info({ port, socket: config.control_socket }, 'serving')
    const scanStop = new AbortController()
    const scanning = scan(config.state_directory, log, fail, scanStop.signal)
    return {
      port,
      fail,
      stop: async () => {
        scanStop.abort()
        await scanning
        control.listener.close()
        await stopServer(control.server)
        await ingest.stop()
        await serve.stop()
        rmSync(config.control_socket, { force: true })
        unlock()
        log.info({}, 'stopped')
      }
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Looks at the structure of existing data before they are opened for real: a broken file would kill this process. */
async function refuseDamage (directory: string): Promise<void> {
  const files = stateFiles(directory)
  if (!existsSync(files.networkData) || !existsSync(files.clientsData)) return
  const { problems } = await inspect(directory, 'structure')
  if (problems.length > 0) throw new StoreDamaged(problems.join('; '), directory)
}

/** Reads every record beside the running agent: damage inside the file shows itself early, and not to a client. */
async function scan (directory: string, log: Log, fail: (text: string, damaged: boolean) => void, stop: AbortSignal): Promise<void> {
  let inspection
  try {
    inspection = await inspect(directory, 'records', stop)
  } catch (error) {
    if (stop.aborted) return
    throw error
  }
  const { records, problems } = inspection
  if (problems.length > 0) fail(new StoreDamaged(problems.join('; '), directory).message, true)
  else log.info({ records }, 'all stored records are sound')
}

async function startIngest (config: Config, identity: Identity, onFatal: (text: string) => void, onSpace: SpaceListener): Promise<IngestLink> {
  const path = stateFiles(config.state_directory).network
  return await IngestLink.start({ config, path, incarnation: identity.incarnation, madeAt: identity.madeAt }, onFatal, onSpace)
}

/** The control socket: only this user may speak to it. The lock says that a socket found there is a dead agent's. */
async function startControl (
  config: Config, ingest: IngestLink, serve: Serve, clock: Clock, readOnly: () => boolean
): Promise<{ server: Server, listener: Listener }> {
  mkdirSync(dirname(config.control_socket), { recursive: true, mode: 0o700 })
  const server = makeServer()
  server.addService(ControlServiceService, controlHandlers({
    ingest,
    reader: serve.reader,
    dispatcher: serve.dispatcher,
    readOnly,
    now: clock.now,
    inspect: async () => await inspect(config.state_directory, 'records'),
    liveSource: false
  }))
  const listener = await listen(server, { address: `unix:${config.control_socket}`, connections: CONTROL_CONNECTIONS, mode: 0o600, clock })
  return { server, listener }
}
