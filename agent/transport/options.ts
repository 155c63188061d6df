/** What the transport stage is told. Every buffer has its bound here. */
export interface TransportOptions {
  /** TCP ports that carry Diameter, on either side. */
  ports: readonly number[]
  /** Ports that carry Diameter inside TLS: counted, not read. */
  tlsPorts: readonly number[]
  /** Bytes that may wait for their neighbours, all fragments, segments and chunks together. */
  bufferBytes: number
}

/** RFC 6733 clause 11.4; for TLS 5658 as printed and 5868 as its erratum 3997 corrects it. */
export const DEFAULT_TRANSPORT_OPTIONS: TransportOptions = { ports: [3868], tlsPorts: [5658, 5868], bufferBytes: 64 * 1024 * 1024 }

/** Bounds that nobody needs to set. Times are StreamTime. */
export const LIMITS = {
  /** The largest message that is believed. A Subscription-Data with dozens of APNs passes 10 kB; nothing real passes this. */
  messageBytes: 256 * 1024,
  /** Layers of tunnels and tags inside one frame. */
  nesting: 16,
  /** IP datagrams that wait for fragments; a datagram is given up after this time (RFC 791 clause 3.2 suggests 15 s). */
  datagrams: 4_096,
  datagramAgeMs: 15_000,
  fragmentsPerDatagram: 1_024,
  /** Connections and associations remembered; the one not heard for longest goes first. */
  connections: 20_000,
  /** Segments of one direction that wait for a hole to be filled, and for how long: a retransmission comes within seconds. */
  segmentsWaiting: 1_024,
  segmentBytesWaiting: 4 * 1024 * 1024,
  holeAgeMs: 3_000,
  /** A sequence number further off than this is another connection on the same ports. */
  sequenceJumpBytes: 16 * 1024 * 1024,
  /** TSNs remembered to know a retransmission, more than any receive window holds: a power of two. */
  tsnWindow: 2_048,
  /** Chunks of one direction that wait for the rest of their message, and for how long. */
  chunksWaiting: 1_024,
  chunkAgeMs: 10_000,
  /** How often what has waited too long is looked for. */
  sweepMs: 1_000
} as const
