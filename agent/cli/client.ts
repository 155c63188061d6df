import { parseArgs } from 'node:util'
import type { ServiceError } from '@grpc/grpc-js'
import type {
  AddClientRequest,
  AddClientResponse,
  ControlServiceClient,
  ListClientsResponse,
  RegisteredClient,
  UpdateClientRequest,
  UpdateClientResponse
} from '../../gen/landfall/control/v1/control.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { ask, controlClient, controlError } from './control-client.ts'
import { printLine } from './output.ts'
import { printTable } from './table.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** Registers the clients that may call, changes, lists and removes them. */
export const client: Verb = {
  name: 'client',
  usage: 'add ID [--scope SCOPE]… [--tenant NAME] [--sector NAME] [--certificate NAME]… [--no-secret] | ' +
    'update ID [--scope SCOPE]… [--new-secret] | list [--json] | remove ID | rotate-key [--config FILE]',
  summary: 'Register the clients that may call: add one and print its secret, change, list or remove them; change the key that signs tokens',
  run: async args => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...CONFIG_OPTION,
        json: { type: 'boolean', default: false },
        tenant: { type: 'string', default: '' },
        sector: { type: 'string', default: '' },
        scope: { type: 'string', multiple: true, default: [] },
        certificate: { type: 'string', multiple: true, default: [] },
        'no-secret': { type: 'boolean', default: false },
        'new-secret': { type: 'boolean', default: false }
      }
    })
    const [action, id, ...rest] = positionals
    const { tenant, sector, scope: scopes, certificate: certificates, 'no-secret': withoutSecret, 'new-secret': newSecret } = values
    const actions: Record<string, (control: ControlServiceClient) => Promise<void>> = id === undefined
      ? { list: async control => { await list(control, values.json) }, 'rotate-key': rotateKey }
      : {
          add: async control => { await add(control, { id, tenant, sector, scopes, certificates, withoutSecret }) },
          update: async control => {
            if (tenant !== '' || sector !== '' || certificates.length > 0 || withoutSecret) {
              throw new CliError(EXIT.usage, 'only scopes and the secret can be changed: for anything else remove the client and add it')
            }
            await update(control, { id, scopes, newSecret })
          },
          remove: async control => { await remove(control, id) }
        }
    const act = actions[action ?? '']
    if (act === undefined || rest.length > 0) throw new CliError(EXIT.usage, `say what to do: landfall client ${client.usage}`)
    const config = readConfiguration(values.config)
    const control = controlClient(config)
    try {
      await act(control)
    } catch (error) {
      throw error instanceof CliError ? error : controlError(error as ServiceError, config)
    } finally {
      control.close()
    }
    return EXIT.ok
  }
}

async function add (control: ControlServiceClient, wish: AddClientRequest): Promise<void> {
  showSecret(await ask<AddClientResponse>(done => control.addClient(wish, done)))
  if (wish.scopes.length === 0) hint(`the client has no scope, so it can read nothing: "landfall client update ${wish.id} --scope SCOPE" gives it one`)
}

async function update (control: ControlServiceClient, change: UpdateClientRequest): Promise<void> {
  showSecret(await ask<UpdateClientResponse>(done => control.updateClient(change, done)))
  hint('changed: this counts for calls that come; open streams and tokens that are out go on')
}

function showSecret ({ secret, issuer, checked }: AddClientResponse): void {
  if (secret !== '') {
    printLine(`secret: ${secret}`)
    hint('the secret is shown this once; only a hash of it is kept')
  }
  if (!checked) hint('this agent checks nobody yet: its configuration has no "access"')
  else if (secret !== '' && !issuer) hint('this agent gives no tokens for secrets: its configuration has no "access.issuer"')
}

/** For the person, not for the program that reads the secret. */
function hint (text: string): void {
  process.stderr.write(`landfall: ${text}\n`)
}

async function list (control: ControlServiceClient, json: boolean): Promise<void> {
  const { clients } = await ask<ListClientsResponse>(done => control.listClients({}, done))
  if (json) for (const one of clients) printLine(JSON.stringify(clientJson(one)))
  else if (clients.length === 0) printLine('There is no client yet: "landfall client add" registers one.')
  else printTable([HEADINGS, ...clients.map(clientRow)])
}

const HEADINGS = ['CLIENT', 'TENANT', 'SECTOR', 'SECRET', 'ADDED', 'SCOPES', 'CERTIFICATES']

function clientRow ({ id, tenant, sector, hasSecret, addedMs, scopes, certificates }: RegisteredClient): string[] {
  return [id, tenant, sector, hasSecret ? 'yes' : 'no', time(addedMs), scopes.join(' ') || '-', certificates.join(', ') || '-']
}

function clientJson ({ id, tenant, sector, hasSecret, addedMs, scopes, certificates }: RegisteredClient): object {
  return { client: id, tenant, sector, secret: hasSecret, added: time(addedMs), scopes, certificates }
}

function time (ms: bigint): string {
  return new Date(Number(ms)).toISOString()
}

async function remove (control: ControlServiceClient, id: string): Promise<void> {
  await ask(done => control.removeClient({ id }, done))
  printLine('removed: its tokens count no more and its streams have ended')
}

async function rotateKey (control: ControlServiceClient): Promise<void> {
  await ask(done => control.rotateIssuerKey({}, done))
  printLine('a new key signs from now on; tokens that are out stay good until they expire')
}
