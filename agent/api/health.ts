import type { Server } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'

/**
 * grpc.health.v1: overall ("") and for each service. It stays SERVING while the disk is full, since clients that leave cannot
 * acknowledge; it is NOT_SERVING while the agent stops.
 */
export class Health {
  readonly #health: HealthImplementation
  readonly #services: readonly string[]

  constructor (services: readonly string[]) {
    this.#services = ['', ...services]
    this.#health = new HealthImplementation(Object.fromEntries(this.#services.map(service => [service, 'SERVING'])))
  }

  addTo (server: Server): void {
    this.#health.addToServer(server)
  }

  stop (): void {
    for (const service of this.#services) this.#health.setStatus(service, 'NOT_SERVING')
  }
}
