import { exchange, type Procedure } from './diameter.ts'
import { back, data, ethernet, ipv4, sctp, tcp, type Ends } from './packet.ts'
import { pcap, type TimedFrame } from './pcap.ts'

/** A procedure and when its request was sent, ms since 1970. Its answer comes 20 ms later. */
export interface TimedProcedure extends Procedure { time: number }

const ANSWER_MS = 20

/** From the documentation ranges of RFC 5737: a serving node and the HSS. */
const ENDS: Ends = { source: '192.0.2.1', sourcePort: 34_000, destination: '198.51.100.1', destinationPort: 3868 }

/** The ends as a procedure's request runs: the HSS asks for Cancel-Location and Insert-Subscriber-Data. */
function endsOf ({ kind }: Procedure): Ends {
  return kind === 'CLR' || kind === 'IDR' ? back(ENDS) : ENDS
}

/** Frames of a history over SCTP on Ethernet, one message in each. */
function sctpFrames (history: readonly TimedProcedure[]): TimedFrame[] {
  // One verification tag and one row of TSNs for each direction.
  const sides = new Map([[ENDS.source, { tag: 0x1001, tsn: 1 }], [ENDS.destination, { tag: 0x2002, tsn: 1 }]])
  const frame = (ends: Ends, message: Buffer): Buffer => {
    const side = sides.get(ends.source)!
    return ethernet(ipv4(ends, 132, sctp(ends, side.tag, [data(side.tsn++, message)])))
  }
  return history.flatMap(({ time, ...procedure }) => {
    const { request, answer } = exchange(procedure)
    const ends = endsOf(procedure)
    return [{ time, data: frame(ends, request) }, { time: time + ANSWER_MS, data: frame(back(ends), answer) }]
  })
}

/** Frames of a history over TCP on Ethernet, one message in each, after a SYN of either side. */
export function tcpFrames (history: readonly TimedProcedure[]): TimedFrame[] {
  const next = new Map([[ENDS.source, 1_000], [ENDS.destination, 2_000]])
  const start = history[0]?.time ?? 0
  const frame = (ends: Ends, payload: Uint8Array, flags?: number): Buffer => {
    const sequence = next.get(ends.source)!
    next.set(ends.source, sequence + (flags === undefined ? payload.length : 1))
    return ethernet(ipv4(ends, 6, tcp(ends, sequence, payload, flags)))
  }
  const nothing = Buffer.alloc(0)
  const frames: TimedFrame[] = [{ time: start, data: frame(ENDS, nothing, 0x02) }, { time: start, data: frame(back(ENDS), nothing, 0x12) }]
  for (const { time, ...procedure } of history) {
    const { request, answer } = exchange(procedure)
    const ends = endsOf(procedure)
    frames.push({ time, data: frame(ends, request) }, { time: time + ANSWER_MS, data: frame(back(ends), answer) })
  }
  return frames
}

/** A capture file of a history over SCTP. */
export function capture (history: readonly TimedProcedure[]): Buffer {
  return pcap(sctpFrames(history))
}
