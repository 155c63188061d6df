/**
 * Where one Diameter message was seen. The object is reused: a consumer copies what it keeps.
 * Addresses and ports are those of the packet that completed the message.
 */
export interface MessageOrigin {
  transport: 'tcp' | 'sctp'
  /** Number of the frame that completed the message. */
  frame: number
  /** Time of that frame: whole seconds since 1970 (UTC). */
  seconds: number
  /** Time of that frame: nanoseconds within the second. */
  nanoseconds: number
  /** Source address, 4 or 16 bytes. */
  source: Uint8Array
  sourcePort: number
  /** Destination address, 4 or 16 bytes. */
  destination: Uint8Array
  destinationPort: number
  /**
   * Identifies the connection, the same number in both directions (a TCP connection, or an SCTP association so far as it can be told
   * from outside). An unsigned 32-bit hash of both endpoints in canonical order: equal numbers may rarely mean different connections.
   */
  connection: number
}

/** Takes each whole Diameter message: `bytes[start, end)`, valid during the call only. */
export type MessageSink = (bytes: Uint8Array, start: number, end: number, origin: MessageOrigin) => void
