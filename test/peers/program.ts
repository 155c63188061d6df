import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import type { Owner } from '../lib/temporary.ts'

/** How a program is to run. */
export interface ProgramWish {
  command: string
  args: string[]
  cwd: string
  env?: Record<string, string>
  /** What it prints once it serves. */
  ready: string
}

/** Starts a program and resolves once it serves; it ends with its owner. Rejects with what it printed when it ends instead. */
export async function startProgram (owner: Owner, { command, args, cwd, env, ready }: ProgramWish): Promise<void> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  owner.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        if (printed.includes(ready)) resolve()
      })
    }
    child.once('error', reject)
    child.once('exit', code => { reject(new Error(`${command} ended with ${code}: ${printed}`)) })
  })
}

/** A port of loopback that is free now, for programs that must be told one. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
