import { createRequire } from 'node:module'
import { createServer, createConnection, type AddressInfo, type Server, type Socket } from 'node:net'
import t from 'tap'
import { describe } from '../../agent/diameter/describe.ts'
import type { Sighting } from '../../agent/diameter/sighting.ts'
import { DEFAULT_TRANSACTION_OPTIONS, Transactions } from '../../agent/diameter/transactions.ts'
import { Discards } from '../../agent/lib/discards.ts'
import { DEFAULT_TRANSPORT_OPTIONS, Transport } from '../../agent/transport/transport.ts'
import { plmnOctets, tbcd } from '../generator/diameter.ts'
import { back, ethernet, ipv4, tcp, type Ends } from '../generator/packet.ts'

/** What is used of the peer, which comes without types. */
interface Peer {
  createServer: (options: object, onConnection: (socket: PeerSocket) => void) => Server
  createConnection: (options: object, onConnection: () => void) => PeerSocket
}
type PeerSocket = Socket & {
  diameterConnection: {
    createRequest: (application: string, command: string, session?: string) => { body: unknown[] }
    sendRequest: (request: object) => Promise<{ body: unknown[] }>
  }
}
interface Tag { code: number, name: string, vendorId: number, type: string, flags: object }
interface Dictionary { getAvpByName: (name: string) => Tag | undefined, getAvpByCodeAndVendorId: (code: number, vendor: number) => Tag | undefined }
interface PeerEvent { message: { command: string }, response: { body: unknown[] }, callback: (response: object) => void }

const require = createRequire(import.meta.url)
const peer = require('diameter') as Peer
const dictionary = require('diameter/lib/diameter-dictionary') as Dictionary

/** Adds what its dictionary lacks: RAT-Type of 3GPP with EUTRAN, and MSISDN. */
function completeDictionary (): void {
  const flags = { mandatory: true, protected: false, mayEncrypt: false, vendorBit: true }
  const added: (Tag & { enums?: object[] })[] = [
    { code: 1032, name: 'RAT-Type', vendorId: 10415, type: 'Integer32', flags, enums: [{ code: 1004, name: 'EUTRAN' }] },
    { code: 701, name: 'MSISDN', vendorId: 10415, type: 'OctetString', flags }
  ]
  const { getAvpByName, getAvpByCodeAndVendorId } = dictionary
  dictionary.getAvpByName = name => added.find(tag => tag.name === name) ?? getAvpByName(name)
  dictionary.getAvpByCodeAndVendorId = (code, vendor) => added.find(tag => tag.code === code && tag.vendorId === vendor) ?? getAvpByCodeAndVendorId(code, vendor)
}

const ENDS: Ends = { source: '192.0.2.1', sourcePort: 40_000, destination: '192.0.2.2', destinationPort: 3868 }

/** Bytes that were seen on the wire, in both directions and in their order. */
interface Wire { isRequest: boolean, bytes: Buffer }

/** A relay of bytes that keeps what it saw, as a tap on the wire would. */
async function tap (serverPort: number, wire: Wire[]): Promise<Server> {
  const server = createServer(client => {
    const onward = createConnection(serverPort, '127.0.0.1')
    client.on('data', bytes => { wire.push({ isRequest: true, bytes }); onward.write(bytes) })
    onward.on('data', bytes => { wire.push({ isRequest: false, bytes }); client.write(bytes) })
    client.on('close', () => { onward.destroy() })
    onward.on('close', () => { client.destroy() })
    for (const socket of [client, onward]) socket.on('error', () => {})
  })
  return await listen(server)
}

async function listen (server: Server): Promise<Server> {
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

t.test('what an independent peer sends over TCP is read from the wire right', { timeout: 30_000 }, async t => {
  completeDictionary()
  const answers: Record<string, unknown[]> = {
    'Capabilities-Exchange': [],
    '3GPP-Update-Location': [['ULA-Flags', 1], ['Subscription-Data', [['MSISDN', tbcd('4790000001')]]]],
    '3GPP-ME-Identity-Check': [['Equipment-Status', 'GREYLISTED']]
  }
  const server = await listen(peer.createServer({}, socket => {
    socket.on('diameterMessage', ({ message, response, callback }: PeerEvent) => {
      response.body = [...response.body, ['Result-Code', 'DIAMETER_SUCCESS'], ['Origin-Host', 'HSS.example'], ['Origin-Realm', 'example'], ...answers[message.command]!]
      callback(response)
    })
    socket.on('error', () => {})
  }))
  const wire: Wire[] = []
  const relay = await tap(portOf(server), wire)
  const socket = await new Promise<PeerSocket>(resolve => { const made = peer.createConnection({ port: portOf(relay), host: '127.0.0.1' }, () => { resolve(made) }) })
  t.teardown(() => { socket.destroy(); relay.close(); server.close() })

  const origin = [['Origin-Host', 'MME.example'], ['Origin-Realm', 'example'], ['Destination-Realm', 'example']]
  const handset = ['Terminal-Information', [['IMEI', Buffer.from('35722009245138')], ['Software-Version', Buffer.from('39')]]]
  const send = async (application: string, command: string, body: unknown[]): Promise<{ body: unknown[] }> => {
    const request = socket.diameterConnection.createRequest(application, command, `mme;${command}`)
    request.body = [...request.body, ...body]
    return await socket.diameterConnection.sendRequest(request)
  }
  await send('Diameter Common Messages', 'Capabilities-Exchange', [['Origin-Host', 'MME.example'], ['Origin-Realm', 'example'], ['Vendor-Id', 10415]])
  await send('3GPP S6a/S6d', '3GPP-Update-Location', [
    ...origin, ['User-Name', '242010000000001'], handset, ['RAT-Type', 'EUTRAN'], ['ULR-Flags', 0x22], ['Visited-PLMN-Id', plmnOctets('24001')]
  ])
  await send("3GPP S13/S13'", '3GPP-ME-Identity-Check', [...origin, handset, ['User-Name', '242010000000001']])

  const discards = new Discards()
  const described: ReturnType<typeof describe>[] = []
  const sightings: Sighting[] = []
  const transactions = new Transactions(DEFAULT_TRANSACTION_OPTIONS, sighting => { sightings.push(sighting) }, discards)
  const transport = new Transport(DEFAULT_TRANSPORT_OPTIONS, (bytes, start, end, origin) => {
    described.push(describe(bytes, start, end))
    transactions.message(bytes, start, end, origin)
  }, discards)
  const sequences = { true: 1, false: 1 }
  wire.forEach(({ isRequest, bytes }, i) => {
    const direction = isRequest ? 'true' : 'false'
    const ends = isRequest ? ENDS : back(ENDS)
    const data = ethernet(ipv4(ends, 6, tcp(ends, sequences[direction], bytes)))
    sequences[direction] += bytes.length
    transport.frame({ number: i + 1, seconds: 1_700_000_000, nanoseconds: i * 1e6, linkType: 1, data, originalLength: data.length })
  })

  t.same(discards.counts(), {})
  t.match(described, [
    { cmd: 257, request: true, appId: 0, originHost: 'MME.example' },
    { cmd: 257, request: false, resultCode: 2001 },
    {
      cmd: 316,
      request: true,
      appId: 16777251,
      sessionId: 'mme;3GPP-Update-Location',
      userName: '242010000000001',
      imei: '35722009245138',
      softwareVersion: '39',
      ratType: 1004,
      ulrFlags: 0x22,
      visitedPlmn: '42f010'
    },
    { cmd: 316, request: false, resultCode: 2001, ulaFlags: 1, msisdn: '4790000001', msisdnHex: tbcd('4790000001').toString('hex') },
    { cmd: 324, request: true, appId: 16777252, imei: '35722009245138' },
    { cmd: 324, request: false, equipmentStatus: 2 }
  ])
  t.match(sightings, [
    { kind: 'ULR', imsi: '242010000000001', plmn: '24001', host: 'mme.example', msisdn: '4790000001', imei: '35722009245138', softwareVersion: '39', node: 'mme' },
    { kind: 'ECR', imsi: '242010000000001', imei: '35722009245138' }
  ])
})
