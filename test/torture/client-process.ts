import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ClientLine, ClientWish } from './contract-client.ts'
import { until } from './patience.ts'
import type { Place } from './place.ts'

/** Time that a client gets to start and to have its stream opened. */
const OPEN_MS = 20_000

/** An event as a client told it. */
export interface SeenEvent {
  id: number
  redelivered: boolean
  token: string
  /** When this was heard here, monotonic ms. */
  at: number
}

/** A client of the contract in a process of its own, so that it can be stopped and killed. */
export class ClientProcess {
  readonly events: SeenEvent[] = []
  /** Answers to acknowledgements, in order. */
  readonly answers: { token: string, success: boolean }[] = []
  opened = false
  readonly #child: ChildProcess

  private constructor (child: ChildProcess) {
    this.#child = child
    createInterface(child.stdout!).on('line', line => { this.#hear(JSON.parse(line) as ClientLine) })
  }

  /** Starts a client, by default one that acknowledges everything; resolves once its stream is open. `prefix`: words before the command. */
  static async open (place: Place, wish: Partial<ClientWish> & { address: string }, prefix: readonly string[] = []): Promise<ClientProcess> {
    const whole: ClientWish = { queue: 'shared', window: 200, ackTimeoutSeconds: 600, acknowledges: true, ...wish }
    const [command, ...args] = [...prefix, process.execPath, 'dist/test/torture/contract-client.js', JSON.stringify(whole)]
    const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.on('error', () => {})
    place.teardown(() => { child.kill('SIGKILL') })
    const client = new ClientProcess(child)
    await until('a client opens its stream', () => client.opened, OPEN_MS)
    return client
  }

  get pid (): number { return this.#child.pid! }

  signal (signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Lets it acknowledge; resolves with whether that was answered with SUCCESS. */
  async acknowledge (token: string, limitMs = 5_000): Promise<boolean> {
    const before = this.answers.length
    this.#child.stdin!.write(`${token}\n`)
    const answer = (): { success: boolean } | undefined => this.answers.slice(before).find(answer => answer.token === token)
    await until('an acknowledgement is answered', () => answer() !== undefined, limitMs)
    return answer()!.success
  }

  #hear (line: ClientLine): void {
    switch (line.said) {
      case 'opened': this.opened = true; break
      case 'event': this.events.push({ id: line.id, redelivered: line.redelivered, token: line.token, at: performance.now() }); break
      case 'answer': this.answers.push({ token: line.token, success: line.success }); break
      case 'ended': this.opened = false
    }
  }
}
