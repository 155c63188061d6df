import { randomBytes } from 'node:crypto'
import { status } from '@grpc/grpc-js'
import { SubscriptionEventServiceService } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { CALL_HEADERS, grpcMessage, Http2Client, openRequest } from './http2-client.ts'
import { callFrames, FLAG, FRAME, frame, greeting, literalFields } from './http2-frames.ts'
import { until, within } from './patience.ts'
import type { Place } from './place.ts'
import { RawSocket } from './raw-socket.ts'
import type { Scene } from './scene.ts'

/** Does its harm to the agent of a scene; `fault` hears what was not as it must be. */
export type Flood = (scene: Scene, place: Place, fault: (text: string) => void) => Promise<void>

/** Time that the agent has to close a connection which breaks the rules. */
const CLOSED_MS = 5_000

/** Time that answers to a flood may take. */
const HEARD_MS = 20_000

const RESETS = 50_000
const RESETS_AT_ONCE = 500
/** Far more connections than the resets can take. */
const RESET_CONNECTIONS = 500

const CONTINUATIONS = 4_096
const FRAME_BYTES = 16_384

const PINGS = 300_000
/** HTTP/2 libraries give up a connection with 1,000 answers that are not sent yet. */
const PINGS_AT_ONCE = 500

/** `delivery.connections` by default, and some more: from one address, of which only half as many are let in. */
const SILENT = 2_100
const SILENT_AT_ONCE = 100
/** The preface timeout of 10 s, and some time to notice. */
const SILENT_MS = 13_000

/** HTTP/2 that breaks off into noise is answered with GOAWAY; that such a connection is dead is then noticed by keepalive. */
const DEAD_MS = 30_000

const GARBAGE_SOCKETS = 50
const LARGEST_MESSAGE_BYTES = 4 << 20

/** Opens calls and resets them at once, over and over (CVE-2023-44487). */
export const rapidReset: Flood = async (scene, place) => {
  const { agent: { address } } = scene
  const cancel = Buffer.from([0, 0, 0, 8])
  const request = openRequest(undefined, 200)
  const ping = frame(FRAME.ping, 0, 0, Buffer.alloc(8))
  let resets = 0
  let connections = 0
  for (; resets < RESETS && connections < RESET_CONNECTIONS; connections++) {
    const socket = await RawSocket.connect(place, address)
    await socket.say(greeting())
    for (let stream = 1, batches = 1; resets < RESETS && !socket.refused; batches++) {
      const calls: Buffer[] = []
      for (let count = 0; count < RESETS_AT_ONCE; count++, stream += 2, resets++) {
        calls.push(callFrames(stream, address, CALL_HEADERS, request), frame(FRAME.reset, 0, stream, cancel))
      }
      // The answer says that the agent has got so far.
      await socket.say(Buffer.concat([...calls, ping]))
      await socket.hear(FRAME.ping, batches, HEARD_MS)
    }
    socket.destroy()
  }
  await until('nothing is left of the calls', async () => (await scene.queues()).length === 1, CLOSED_MS)
  process.stderr.write(`  ${resets} calls reset on ${connections} connections\n`)
}

/** Headers that never end (CVE-2024-27983 and its kin): large frames, and empty ones. */
export const continuations: Flood = async ({ agent: { address } }, place) => {
  const field = literalFields({ 'x-flood': 'x'.repeat(100) })
  const large = Buffer.concat(Array.from({ length: Math.floor(FRAME_BYTES / field.length) }, () => field))
  for (const payload of [large, Buffer.alloc(0)]) {
    const socket = await RawSocket.connect(place, address)
    await socket.say(greeting())
    await socket.say(frame(FRAME.headers, 0, 1, literalFields({ ':scheme': 'http', ':authority': address, ...CALL_HEADERS })))
    for (let sent = 0; sent < CONTINUATIONS && !socket.closed; sent++) await socket.say(frame(FRAME.continuation, 0, 1, payload))
    await socket.ended('a connection is closed whose headers never end', CLOSED_MS)
  }
}

/** PINGs as fast as they go, from a client that reads the answers and from one that does not. */
export const pings: Flood = async (scene, place, fault) => {
  const many = Buffer.concat(Array.from({ length: PINGS_AT_ONCE }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))))
  const socket = await RawSocket.connect(place, scene.agent.address)
  await socket.say(greeting())
  const answered = (async () => {
    for (let sent = PINGS_AT_ONCE; sent <= PINGS && !socket.refused; sent += PINGS_AT_ONCE) {
      await socket.say(many)
      await socket.hear(FRAME.ping, sent, HEARD_MS)
    }
  })()
  await Promise.all([answered, scene.served(fault)])
  process.stderr.write(`  ${socket.heard(FRAME.ping)} PINGs answered\n`)
  socket.destroy()
  const deaf = await RawSocket.connect(place, scene.agent.address, false)
  await deaf.say(greeting())
  // Whoever does not read is not read either, some time.
  const said = (async () => { for (let sent = 0; sent < PINGS; sent += PINGS_AT_ONCE) await deaf.say(many) })()
  await scene.served(fault)
  deaf.destroy()
  await said
}

/** More connections that say nothing than there may be at all. */
export const silence: Flood = async (scene, place, fault) => {
  const { agent: { address } } = scene
  const sockets: RawSocket[] = []
  // The kernel holds only so many that are not accepted yet.
  while (sockets.length < SILENT) sockets.push(...await Promise.all(Array.from({ length: SILENT_AT_ONCE }, async () => await RawSocket.connect(place, address))))
  await until('one connection too many is closed', () => sockets.some(({ closed }) => closed), CLOSED_MS)
  const refused = sockets.filter(({ closed }) => closed).length
  await scene.served(fault, false)
  await Promise.all(sockets.map(async socket => { await socket.ended('silent connections are closed', SILENT_MS) }))
  process.stderr.write(`  ${refused} of ${SILENT} silent connections were refused\n`)
}

/** What is no HTTP/2: noise, HTTP/1, TLS, SSH. */
export const garbage: Flood = async ({ agent: { address } }, place) => {
  const said = [
    'GET / HTTP/1.1\r\nHost: landfall\r\n\r\n',
    'SSH-2.0-OpenSSH_9.2\r\n'.padEnd(64, 'x'),
    Buffer.concat([Buffer.from('16030100c8010000c40303', 'hex'), randomBytes(200)]),
    ...Array.from({ length: GARBAGE_SOCKETS }, () => randomBytes(FRAME_BYTES)),
    ...Array.from({ length: GARBAGE_SOCKETS }, () => Buffer.concat([greeting(), randomBytes(FRAME_BYTES)]))
  ]
  await Promise.all(said.map(async bytes => {
    const socket = await RawSocket.connect(place, address)
    await socket.say(bytes)
    await socket.ended(`a connection is closed that began with ${JSON.stringify(bytes.toString('latin1').slice(0, 12))}`, DEAD_MS)
  }))
}

/** Metadata that are too large for us, for HTTP/2, and too many. */
export const metadata: Flood = async ({ agent: { address } }, place, fault) => {
  const client = await Http2Client.connect(place, address)
  const { headers } = await client.call(openRequest(undefined, 1), { ...CALL_HEADERS, 'x-large': 'x'.repeat(20_000) })
  if (Number(headers['grpc-status']) !== status.RESOURCE_EXHAUSTED) fault(`20,000 bytes of metadata are answered with ${headers['grpc-status']}`)
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`x-${n}`, 'x']))
  const answer = await client.call(openRequest(undefined, 1), { ...CALL_HEADERS, ...many }).then(({ headers }) => headers['grpc-status'], () => 'reset')
  if (answer === undefined || answer === '0') fault('500 pairs of metadata are taken')
  client.destroy()
  // A client library would not send this at all.
  const socket = await RawSocket.connect(place, address)
  const fields = Buffer.concat([literalFields({ ':scheme': 'http', ':authority': address, ...CALL_HEADERS }),
    ...Array.from({ length: 2_000 }, (_, n) => literalFields({ [`x-huge-${n}`]: 'x'.repeat(90) }))])
  const parts = Array.from({ length: Math.ceil(fields.length / FRAME_BYTES) }, (_, n) => fields.subarray(n * FRAME_BYTES, (n + 1) * FRAME_BYTES))
  const last = parts.length - 1
  await socket.say(Buffer.concat([greeting(), ...parts.map((part, n) =>
    frame(n === 0 ? FRAME.headers : FRAME.continuation, n === last ? FLAG.endHeaders : 0, 1, part)), frame(FRAME.data, FLAG.endStream, 1, openRequest(undefined, 1))]))
  socket.destroy()
}

/** A message of one byte more than is allowed, and one that claims to have 4 GiB. */
export const messages: Flood = async ({ agent: { address } }, place, fault) => {
  const client = await Http2Client.connect(place, address)
  const headers = { ...CALL_HEADERS, ':path': SubscriptionEventServiceService.ackCountryChangeEvent.path }
  const claim = Buffer.alloc(1_000)
  claim.writeUInt32BE(0xffffffff, 1)
  for (const request of [grpcMessage(Buffer.alloc(LARGEST_MESSAGE_BYTES + 1)), claim]) {
    const answer = await within('too large a message is answered', CLOSED_MS, client.call(request, headers))
    if (Number(answer.headers['grpc-status']) !== status.RESOURCE_EXHAUSTED) fault(`too large a message is answered with ${answer.headers['grpc-status']}`)
  }
  client.destroy()
}
