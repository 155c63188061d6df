import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory, type Owner } from './temporary.ts'

/** A program of somebody else that a test talks to. It ends with the test. */
export class PeerProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #output = ''
  #waiting: (() => void)[] = []

  constructor (owner: Owner, command: readonly string[], cwd: string) {
    this.#child = spawn(command[0]!, command.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#closed = once(this.#child, 'close')
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.on('data', (chunk: Buffer) => { this.#hear(chunk.toString()) })
    this.#child.on('close', () => { this.#hear('\n(ended)\n') })
    owner.teardown(async () => { await this.end('SIGKILL') })
  }

  /** What it has said so far. */
  get output (): string { return this.#output }

  /** Waits until it has said something. */
  async says (pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#output)) {
      if (this.#child.exitCode !== null) throw new Error(`it ended and did not say ${pattern}: ${this.#output}`)
      await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    }
  }

  async end (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal)
    await this.#closed
  }

  #hear (text: string): void {
    this.#output += text
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** An MME on Erlang/OTP's Diameter stack: see test/peers/erlang-mme/mme.erl. */
export async function startMme (owner: Owner, address: string, port: number): Promise<PeerProcess> {
  const folder = temporaryDirectory(owner)
  cpSync('test/peers/erlang-mme', folder, { recursive: true })
  execFileSync('diameterc', ['sgd.dia'], { cwd: folder })
  execFileSync('erlc', ['sgd.erl', 'mme.erl'], { cwd: folder })
  const mme = new PeerProcess(owner, ['erl', '-noshell', '-noinput', '-run', 'mme', 'start', address, String(port)], folder)
  await mme.says(/listening/)
  return mme
}

/** Makes what freeDiameter wants in a folder of its own; `start` runs it there, again and again. */
export function prepareRelay (owner: Owner): { start: () => PeerProcess, folder: string } {
  const folder = temporaryDirectory(owner)
  cpSync('test/peers/freediameter', folder, { recursive: true })
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=dra.test.realm'
  ], { stdio: 'ignore' })
  return { folder, start: () => new PeerProcess(owner, ['freeDiameterd', '-c', 'fd.conf'], folder) }
}
