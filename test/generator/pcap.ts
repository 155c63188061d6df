/** A frame and when it was captured, ms since 1970. */
export interface TimedFrame { time: number, data: Uint8Array }

/** A pcap file of microseconds, little-endian. `linkType` 1 is Ethernet. */
export function pcap (frames: readonly TimedFrame[], linkType = 1): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(262_144, 16)
  header.writeUInt32LE(linkType, 20)
  return Buffer.concat([header, ...frames.flatMap(({ time, data }) => [record(time, data.length), data])])
}

function record (time: number, length: number): Buffer {
  const header = Buffer.alloc(16)
  const seconds = Math.floor(time / 1000)
  header.writeUInt32LE(seconds)
  header.writeUInt32LE(Math.round((time - seconds * 1000) * 1000), 4)
  header.writeUInt32LE(length, 8)
  header.writeUInt32LE(length, 12)
  return header
}
