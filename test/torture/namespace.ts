import { system, type Place } from './place.ts'

let made = 0

/** A network namespace of the torture's own, in which connections can be cut without either end being told. */
export class Namespace {
  readonly #name: string

  private constructor (name: string) {
    this.#name = name
  }

  /** Makes one that has nothing but loopback; it is gone when the place is left. */
  static async make (place: Place): Promise<Namespace> {
    const namespace = new Namespace(`landfall-${process.pid}-${++made}`)
    await system('ip', 'netns', 'add', namespace.#name)
    place.teardown(async () => { await system('ip', 'netns', 'delete', namespace.#name) })
    await namespace.run('ip', 'link', 'set', 'lo', 'up')
    return namespace
  }

  /** Words before a command that is to run inside. */
  get prefix (): string[] { return ['ip', 'netns', 'exec', this.#name] }

  /** Runs a program inside; resolves with what it printed. */
  async run (...command: readonly string[]): Promise<string> {
    return await system('ip', ...this.prefix.slice(1), ...command)
  }

  /** Drops every packet of the connections that a process inside has to `address`, in both directions. */
  async cut (pid: number, address: string): Promise<void> {
    const port = address.slice(address.lastIndexOf(':') + 1)
    const connections = await this.run('ss', '-Htnp', 'state', 'established', 'dport', '=', `:${port}`)
    const local = connections.split('\n').filter(line => line.includes(`pid=${pid},`)).map(line => /:(\d+)\s/.exec(line)![1]!)
    if (local.length === 0) throw new Error(`process ${pid} has no connection to ${address}: ${connections}`)
    const set = `{ ${local.join(', ')} }`
    // Loopback packets of either direction are somebody's input.
    await this.run('nft', 'add table inet landfall; add chain inet landfall cut { type filter hook input priority 0; }; ' +
      `add rule inet landfall cut tcp sport ${set} drop; add rule inet landfall cut tcp dport ${set} drop`)
  }
}
