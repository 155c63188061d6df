import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { temporaryDirectory } from './temporary.ts'

/** A port of loopback that is free now. */
async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as { port: number }
  await new Promise(resolve => { server.close(resolve) })
  return port
}

/** A real `landfall run` in a process of its own. */
export class RunningAgent {
  readonly config: string
  readonly directory: string
  readonly address: string
  log = ''
  #child: ChildProcess | undefined

  private constructor (directory: string, port: number) {
    this.directory = join(directory, 'data')
    this.address = `127.0.0.1:${port}`
    this.config = join(directory, 'landfall.yaml')
    writeFileSync(this.config, JSON.stringify({ state_directory: this.directory, control_socket: join(directory, 'control.sock'), listen: this.address, store: { reserve_mib: 1 } }))
  }

  /** Makes the configuration; nothing runs yet. */
  static async make (t: Test): Promise<RunningAgent> {
    const agent = new RunningAgent(temporaryDirectory(t), await freePort())
    t.teardown(async () => { await agent.end('SIGKILL') })
    return agent
  }

  /** Starts it; resolves once it serves. Rejects with its log if it ends instead. */
  async start (): Promise<this> {
    const child = spawn(process.execPath, ['dist/agent/main.js', 'run', '--config', this.config], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.log += text
        if (text.includes('"serving"')) resolve()
      })
      child.once('close', code => { reject(new Error(`landfall ended with ${code}: ${this.log}`)) })
    })
    return this
  }

  /** Sends a signal and resolves with how it ended. */
  async end (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null
    const ended = new Promise<number | string | null>(resolve => { child.once('exit', (code, signal) => { resolve(code ?? signal) }) })
    child.kill(signal)
    return await ended
  }
}
