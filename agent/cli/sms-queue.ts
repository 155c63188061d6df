import { parseArgs } from 'node:util'
import type { ServiceError } from '@grpc/grpc-js'
import type {
  CancelSmsResponse, ControlServiceClient, ListSmsResponse, SendSmsRequest, SendSmsResponse, ShowSmsResponse
} from '../../gen/landfall/control/v1/control.ts'
import { CONFIG_OPTION, readConfiguration } from './configuration.ts'
import { ask, controlClient, controlError } from './control-client.ts'
import { printLine } from './output.ts'
import { printTable } from './table.ts'
import { CliError, EXIT } from './verb.ts'

export const SMS_QUEUE_USAGE = 'send --to +NUMBER --from SENDER (--text T | --data HEX) [--deadline SECONDS] [--tenant NAME] | ' +
  'show ID | list [--to +NUMBER] [--state STATE] [--limit N] [--json] | cancel ID'

type Client = ControlServiceClient

/** Hands a message of the operator's own to the running agent. */
export async function smsSend (args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...CONFIG_OPTION,
      to: { type: 'string', default: '' },
      from: { type: 'string', default: '' },
      text: { type: 'string' },
      data: { type: 'string' },
      deadline: { type: 'string', default: '0' },
      tenant: { type: 'string', default: '' }
    }
  })
  const { to, from, text, data, deadline, tenant } = values
  if ((text === undefined) === (data === undefined)) throw wrong('give either --text or --data')
  if (data !== undefined && !/^([0-9a-f]{2})+$/i.test(data)) throw wrong('--data is hexadecimal: two digits for each octet, one octet at least')
  if (!/^\d{1,6}$/.test(deadline)) throw wrong('--deadline is a number of seconds, at most 604800 (7 days)')
  const content: SendSmsRequest['content'] = data === undefined ? { $case: 'text', value: text! } : { $case: 'data', value: Buffer.from(data, 'hex') }
  await withAgent(values.config, async client => {
    const request = { to, from, content, deadlineSeconds: Number(deadline), tenant }
    const { messageId, numFragments } = await ask<SendSmsResponse>(done => client.sendSms(request, done))
    printLine(JSON.stringify({ id: messageId, fragments: numFragments }))
  })
  return EXIT.ok
}

/** Shows one message as JSON. */
export async function smsShow (args: string[]): Promise<number> {
  const { id, config } = readId(args)
  await withAgent(config, async client => {
    const { message } = await ask<ShowSmsResponse>(done => client.showSms({ messageId: id }, done))
    if (message === '') throw new CliError(EXIT.data, 'there is no such message: "landfall sms list" lists them; a record goes some days after its end')
    printLine(message)
  })
  return EXIT.ok
}

/** Lists messages, the newest first, and how the links stand. */
export async function smsList (args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...CONFIG_OPTION,
      to: { type: 'string', default: '' },
      state: { type: 'string', default: '' },
      limit: { type: 'string', default: '50' },
      json: { type: 'boolean', default: false }
    }
  })
  if (values.to !== '' && !/^\+\d{1,15}$/.test(values.to)) throw wrong('--to is an international number: "+" and digits')
  if (!/^\d{1,5}$/.test(values.limit)) throw wrong('--limit is a number from 1 to 10000')
  const request = { msisdn: values.to.slice(1), state: values.state, limit: Number(values.limit) }
  await withAgent(values.config, async client => {
    const { messages, links } = await ask<ListSmsResponse>(done => client.listSms(request, done))
    if (values.json) for (const message of messages) printLine(message)
    else {
      for (const link of links) printLine(linkLine(JSON.parse(link) as LinkState))
      if (messages.length === 0) printLine('\nNo messages.')
      else {
        printLine('')
        printTable([HEADINGS, ...messages.map(message => row(JSON.parse(message) as Listed))])
      }
    }
  })
  return EXIT.ok
}

/** Takes a message back. */
export async function smsCancel (args: string[]): Promise<number> {
  const { id, config } = readId(args)
  await withAgent(config, async client => {
    const { cancelled } = await ask<CancelSmsResponse>(done => client.cancelSms({ messageId: id }, done))
    if (!cancelled) throw new CliError(EXIT.data, 'there is no such message, or it has ended')
    printLine('cancelled: nothing more of it is sent')
  })
  return EXIT.ok
}

interface LinkState { link: string, up: boolean, trouble?: string }

function linkLine ({ link, up, trouble }: LinkState): string {
  return `${link}: ${up ? 'up' : 'down'}${trouble === undefined ? '' : `, ${trouble}`}`
}

/** What a table shows of a message. */
interface Listed {
  id: string
  client: string
  from: string
  to: string
  state: string
  cause?: string
  accepted: string
  fragments: number
  sent: number
  delivered: number
}

const HEADINGS = ['ID', 'ACCEPTED', 'CLIENT', 'FROM', 'TO', 'STATE', 'SENT', 'DELIVERED', 'CAUSE']

function row ({ id, accepted, client, from, to, state, fragments, sent, delivered, cause }: Listed): string[] {
  return [id, accepted, client, from, to, state, `${sent}/${fragments}`, `${delivered}/${fragments}`, cause ?? '-']
}

function readId (args: string[]): { id: string, config: string | undefined } {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: CONFIG_OPTION })
  const [id, ...rest] = positionals
  if (id === undefined || rest.length > 0) throw wrong('name one message by its id, as "landfall sms list" shows it')
  return { id, config: values.config }
}

async function withAgent (path: string | undefined, work: (client: Client) => Promise<void>): Promise<void> {
  const config = readConfiguration(path)
  const client = controlClient(config)
  try {
    await work(client)
  } catch (error) {
    throw error instanceof CliError ? error : controlError(error as ServiceError, config)
  } finally {
    client.close()
  }
}

function wrong (message: string): CliError {
  return new CliError(EXIT.usage, message)
}
