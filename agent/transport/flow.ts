import type { Packet } from './packet.ts'

/** One direction of a connection: who sends to whom. Made once and shared by all of its messages. */
export interface Flow {
  /** Same number in both directions: see MessageOrigin. */
  connection: number
  source: Uint8Array
  sourcePort: number
  destination: Uint8Array
  destinationPort: number
}

/** Takes a whole message of a flow. */
export type FlowMessageSink = (bytes: Uint8Array, start: number, end: number, flow: Flow) => void

/** The flow a packet belongs to. */
export function flowOf (packet: Packet, connection: number, sourcePort: number, destinationPort: number): Flow {
  const { addressBytes, sourceAt, destinationAt, addressLength } = packet
  return {
    connection,
    source: addressBytes.slice(sourceAt, sourceAt + addressLength),
    sourcePort,
    destination: addressBytes.slice(destinationAt, destinationAt + addressLength),
    destinationPort
  }
}

/** The same flow, seen from the other side. */
export function reversed ({ connection, source, sourcePort, destination, destinationPort }: Flow): Flow {
  return { connection, source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort }
}

/** Whether a packet runs between a flow's addresses, in its direction. */
export function isOn ({ source, destination }: Flow, { addressBytes, sourceAt, destinationAt, addressLength }: Packet): boolean {
  if (source.length !== addressLength) return false
  for (let i = 0; i < addressLength; i++) {
    if (source[i] !== addressBytes[sourceAt + i] || destination[i] !== addressBytes[destinationAt + i]) return false
  }
  return true
}
