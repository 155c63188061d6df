import type {
  AddClientRequest,
  AddClientResponse,
  ControlServiceServer,
  RegisteredClient as WireClient,
  UpdateClientRequest,
  UpdateClientResponse
} from '../../gen/landfall/control/v1/control.ts'
import type { RegisteredClient } from '../store/client-record.ts'
import type { Tenant, Tenants } from '../store/tenant.ts'
import { demandCertificates, demandId, demandScopes } from './client-fields.ts'
import type { ClientRegistry } from './client-registry.ts'
import { hashSecret, makeSecret } from './secret.ts'
import { answer, InvalidArgument, NotFound } from './status.ts'

/** What the commands about clients need. */
export interface ClientControlParts {
  registry: ClientRegistry
  tenants: Tenants
  /** All scopes that a method needs. */
  scopes: readonly string[]
  /** Whether calls are checked, and whether the agent's own issuer gives tokens. */
  checks: boolean
  issues: boolean
  /** False where there is no such issuer. */
  rotateKey: () => boolean
}

/** Handlers of the commands about clients. */
export function clientHandlers (parts: ClientControlParts):
Pick<ControlServiceServer, 'addClient' | 'updateClient' | 'listClients' | 'removeClient' | 'rotateIssuerKey'> {
  const { registry, tenants, rotateKey } = parts
  return {
    addClient: ({ request }, callback) => { answer(add(parts, request), callback) },
    updateClient: ({ request }, callback) => { answer(update(parts, request), callback) },
    listClients: (_call, callback) => { callback(null, { clients: registry.list().map(client => wireClient(client, tenants)) }) },
    removeClient: ({ request: { id } }, callback) => { answer(registry.remove(id).then(() => ({})), callback) },
    rotateIssuerKey: (_call, callback) => {
      const work = async (): Promise<object> => {
        if (!rotateKey()) throw new NotFound('this agent has no issuer of its own: its configuration has no "access.issuer"')
        return {}
      }
      answer(work(), callback)
    }
  }
}

async function add ({ registry, tenants, scopes: known, checks, issues }: ClientControlParts, request: AddClientRequest): Promise<AddClientResponse> {
  const { id, certificates, withoutSecret } = request
  const sector = request.sector === '' ? id : request.sector
  const scopes = [...new Set(request.scopes)]
  demandId(id, 'the id of a client')
  demandId(sector, 'a sector')
  demandScopes(scopes, known)
  demandCertificates(certificates)
  const tenant = readTenant(request.tenant, tenants).number
  const secret = withoutSecret ? undefined : makeSecret()
  const hash = secret === undefined ? undefined : await hashSecret(secret)
  await registry.add({ id, tenant, sector, scopes, certificates: [...new Set(certificates)], secret: hash })
  return { secret: secret ?? '', issuer: issues, checked: checks }
}

async function update ({ registry, scopes: known, checks, issues }: ClientControlParts, request: UpdateClientRequest): Promise<UpdateClientResponse> {
  const { id, newSecret } = request
  const scopes = [...new Set(request.scopes)]
  if (scopes.length === 0 && !newSecret) throw new InvalidArgument('say what to change: the scopes, or the secret')
  demandScopes(scopes, known)
  const secret = newSecret ? makeSecret() : undefined
  await registry.update(id, {
    ...scopes.length === 0 ? {} : { scopes },
    ...secret === undefined ? {} : { secret: await hashSecret(secret) }
  })
  return { secret: secret ?? '', issuer: issues, checked: checks }
}

/** The tenant of that name; none need be named where there is only one. Throws InvalidArgument. */
function readTenant (name: string, tenants: Tenants): Tenant {
  const [first, ...others] = tenants.all
  const tenant = name === '' && others.length === 0 ? first : tenants.byName(name)
  if (tenant !== undefined) return tenant
  throw new InvalidArgument(`name the client's tenant; there are ${tenants.all.map(({ name }) => name).join(', ')}`)
}

function wireClient ({ id, tenant, sector, scopes, certificates, secret, addedAt }: RegisteredClient, tenants: Tenants): WireClient {
  return {
    id,
    tenant: tenants.byNumber(tenant)?.name ?? String(tenant),
    sector,
    scopes: [...scopes],
    certificates: [...certificates],
    hasSecret: secret !== undefined,
    addedMs: BigInt(addedAt)
  }
}
