import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { temporaryDirectory, type Owner } from './temporary.ts'

/** A port of loopback that is free now. */
export async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as { port: number }
  await new Promise(resolve => { server.close(resolve) })
  return port
}

/** How an agent is run, where that differs from the usual. */
export interface AgentOptions {
  /** Where the data lie; by default beside the configuration. */
  directory?: string
  /** More settings; `store` is merged with the harness's own. */
  settings?: { store?: object, delivery?: object, tracker?: object, access?: object, tls?: object, sms?: object, log?: object, listen?: string }
  /** More of the environment. */
  env?: Record<string, string>
  /** Words before the command, such as those that enter a network namespace. */
  prefix?: readonly string[]
}

/** A real `landfall run` in a process of its own. */
export class RunningAgent {
  readonly config: string
  /** Where the data lie. */
  directory: string
  readonly address: string
  readonly controlSocket: string
  log = ''
  readonly #options: AgentOptions
  #child: ChildProcess | undefined

  private constructor (folder: string, port: number, options: AgentOptions) {
    this.#options = options
    this.directory = options.directory ?? join(folder, 'data')
    this.address = options.settings?.listen ?? `127.0.0.1:${port}`
    this.controlSocket = join(folder, 'control.sock')
    this.config = join(folder, 'landfall.yaml')
    this.configure()
  }

  /** Makes the configuration; nothing runs yet. */
  static async make (owner: Owner, options: AgentOptions = {}): Promise<RunningAgent> {
    const agent = new RunningAgent(temporaryDirectory(owner), await freePort(), options)
    owner.teardown(async () => { await agent.end('SIGKILL') })
    return agent
  }

  /** Writes the configuration, with the data somewhere else where a directory is given. */
  configure (directory = this.directory): void {
    this.directory = directory
    const { settings } = this.#options
    writeFileSync(this.config, JSON.stringify({
      state_directory: directory,
      control_socket: this.controlSocket,
      listen: this.address,
      ...settings,
      store: { reserve_mib: 1, ...settings?.store }
    }))
  }

  /** Starts it; resolves once it serves. Rejects with its log if it ends instead. */
  async start (): Promise<this> {
    const [command, ...args] = [...this.#options.prefix ?? [], process.execPath, 'dist/agent/main.js', 'run', '--config', this.config]
    const child = spawn(command!, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...this.#options.env } })
    this.#child = child
    const begin = this.log.length
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.log += text
        if (text.includes('"serving"')) resolve()
      })
      child.once('close', code => { reject(new Error(`landfall ended with ${code}: ${this.log.slice(begin)}`)) })
    })
    return this
  }

  /** The process's id. Throws when none was started. */
  get pid (): number { return this.#child!.pid! }

  /** How it ended; undefined while it runs. */
  get exit (): number | string | undefined { return this.#child?.exitCode ?? this.#child?.signalCode ?? undefined }

  /** Its memory that is its own, MiB; 0 when it has ended. */
  memoryMib (): number {
    if (this.exit !== undefined) return 0
    const [, kib = '0'] = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? []
    return Number(kib) / 1024
  }

  /** Resolves with how it ended: its exit code, or the signal. */
  async ended (): Promise<number | string> {
    const child = this.#child!
    return this.exit ?? await new Promise(resolve => { child.once('exit', (code, signal) => { resolve(code ?? signal!) }) })
  }

  /** Sends a signal and resolves with how it ended; null when it does not run. */
  async end (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    if (this.#child === undefined || this.exit !== undefined) return null
    this.#child.kill(signal)
    return await this.ended()
  }
}
