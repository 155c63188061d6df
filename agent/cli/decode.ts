import { parseArgs } from 'node:util'
import { captureChunks } from '../capture/file.ts'
import { CaptureParser } from '../capture/parser.ts'
import { describe } from '../diameter/describe.ts'
import { Discards } from '../lib/discards.ts'
import { formatAddress } from '../transport/address.ts'
import type { MessageOrigin } from '../transport/message-sink.ts'
import { DEFAULT_TRANSPORT_OPTIONS, Transport } from '../transport/transport.ts'
import { inputError } from './input-error.ts'
import { LinePrinter } from './output.ts'
import { CliError, EXIT, type Verb } from './verb.ts'

/** Shows what is in a capture, one message a line, so that it can be held against another decoder. */
export const decode: Verb = {
  name: 'decode',
  usage: 'FILE… [--port N]…',
  summary: 'Print each Diameter message of a capture ("-" for standard input) as a JSON line',
  run: async args => {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { port: { type: 'string', multiple: true } } })
    if (positionals.length === 0) throw new CliError(EXIT.usage, `name a capture file: landfall decode ${decode.usage}`)
    const ports = values.port?.map(readPort) ?? DEFAULT_TRANSPORT_OPTIONS.ports
    const discards = new Discards()
    const printer = new LinePrinter()
    let printed = 0
    const transport = new Transport({ ...DEFAULT_TRANSPORT_OPTIONS, ports }, (bytes, start, end, origin) => {
      const description = describe(bytes, start, end)
      if (description === undefined) return discards.count('diameter.malformed')
      printed++
      printer.line(JSON.stringify({ ...originKeys(origin), ...description }))
    }, discards)
    for (const path of positionals) await readFile(path, transport, discards)
    transport.end()
    printer.flush()
    process.stderr.write(summary(printed, discards))
    return EXIT.ok
  }
}

function readPort (text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new CliError(EXIT.usage, `--port is a number from 1 to 65535, not "${text}"`)
}

async function readFile (path: string, transport: Transport, discards: Discards): Promise<void> {
  const parser = new CaptureParser(transport.frame, discards)
  try {
    for await (const chunk of captureChunks(path)) parser.push(chunk)
    parser.end()
    transport.nextFile()
  } catch (error) {
    throw inputError(error, path)
  }
}

/** Where a message was seen, under the keys of the reference decode. */
function originKeys ({ frame, seconds, nanoseconds, transport, source, sourcePort, destination, destinationPort }: MessageOrigin): object {
  return {
    frame,
    ts: `${seconds}.${String(nanoseconds).padStart(9, '0')}`,
    transport,
    src: formatAddress(source),
    sport: sourcePort,
    dst: formatAddress(destination),
    dport: destinationPort
  }
}

function summary (printed: number, discards: Discards): string {
  const lines = Object.entries(discards.counts()).map(([reason, count]) => `  ${reason}: ${count}\n`)
  return `${printed} Diameter messages${lines.length === 0 ? '' : '; passed over:'}\n${lines.join('')}`
}
