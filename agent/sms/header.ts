/** Which part of a message that was cut this is (TS 23.040 clauses 9.2.3.24.1 and 9.2.3.24.8). */
interface Concatenation {
  /** The same in all parts of a message: 8 or 16 bits. */
  reference: number
  bits: 8 | 16
  /** 1 to 255. */
  total: number
  /** 1 to `total`. */
  part: number
}

/** Application ports (TS 23.040 clauses 9.2.3.24.3 and 9.2.3.24.4). */
export interface Ports {
  source: number
  destination: number
  bits: 8 | 16
}

/** What a user data header says, of what Landfall knows. What is not there is not said. */
export interface UserDataHeader {
  concatenation?: Concatenation | undefined
  ports?: Ports | undefined
  /** The user data are a command packet for the SIM (TS 31.115 clause 4.2). */
  commandPacket?: boolean | undefined
  /** National Language Identifiers (TS 23.038 clause 6.2.1.2.4). */
  singleShift?: number | undefined
  lockingShift?: number | undefined
}

/** Information Element Identifiers (TS 23.040 clause 9.2.3.24). */
const ELEMENT = {
  concatenation8: 0x00,
  ports8: 0x04,
  ports16: 0x05,
  concatenation16: 0x08,
  singleShift: 0x24,
  lockingShift: 0x25,
  commandPacket: 0x70
} as const

/** A header as octets, with its length before it; empty where nothing is said. Numbers must fit their bits. */
export function encodeHeader ({ concatenation, ports, commandPacket, singleShift, lockingShift }: UserDataHeader): Uint8Array {
  const octets: number[] = []
  if (concatenation !== undefined) {
    const { reference, bits, total, part } = concatenation
    if (bits === 8) octets.push(ELEMENT.concatenation8, 3, reference, total, part)
    else octets.push(ELEMENT.concatenation16, 4, reference >>> 8, reference, total, part)
  }
  if (ports !== undefined) {
    const { source, destination, bits } = ports
    // The destination comes first.
    if (bits === 8) octets.push(ELEMENT.ports8, 2, destination, source)
    else octets.push(ELEMENT.ports16, 4, destination >>> 8, destination, source >>> 8, source)
  }
  if (commandPacket === true) octets.push(ELEMENT.commandPacket, 0)
  if (singleShift !== undefined) octets.push(ELEMENT.singleShift, 1, singleShift)
  if (lockingShift !== undefined) octets.push(ELEMENT.lockingShift, 1, lockingShift)
  return octets.length === 0 ? new Uint8Array() : Uint8Array.of(octets.length, ...octets)
}

/**
 * Reads a header that begins with its length. Elements come in any order, the last of a kind counts (also of the two sizes of one), unknown ones
 * and those with values that cannot be are passed over. `damaged`: the elements do not add up to the length, so that none of them is believed
 * (TS 23.040 clause 9.2.3.24).
 */
export function decodeHeader (octets: Uint8Array): { header: UserDataHeader, damaged: boolean } {
  const header: UserDataHeader = {}
  const end = Math.min((octets[0] ?? 0) + 1, octets.length)
  let at = 1
  while (at + 2 <= end) {
    const next = at + 2 + octets[at + 1]!
    if (next > end) break
    readElement(header, octets[at]!, octets.subarray(at + 2, next))
    at = next
  }
  const damaged = octets.length > 0 && (at !== end || end !== octets[0]! + 1)
  return { header: damaged ? {} : header, damaged }
}

function readElement (header: UserDataHeader, element: number, value: Uint8Array): void {
  const [first, second, third, fourth] = value as unknown as [number, number, number, number]
  switch (`${element} ${value.length}`) {
    case `${ELEMENT.concatenation8} 3`: return concatenate(header, { reference: first, bits: 8, total: second, part: third })
    case `${ELEMENT.concatenation16} 4`: return concatenate(header, { reference: first << 8 | second, bits: 16, total: third, part: fourth })
    case `${ELEMENT.ports8} 2`: header.ports = { source: second, destination: first, bits: 8 }; return
    case `${ELEMENT.ports16} 4`: header.ports = { source: third << 8 | fourth, destination: first << 8 | second, bits: 16 }; return
    case `${ELEMENT.singleShift} 1`: header.singleShift = first; return
    case `${ELEMENT.lockingShift} 1`: header.lockingShift = first; return
    case `${ELEMENT.commandPacket} 0`: header.commandPacket = true
  }
}

/** A part 0, or one beyond the total, says nothing (TS 23.040 clause 9.2.3.24.1). */
function concatenate (header: UserDataHeader, concatenation: Concatenation): void {
  if (concatenation.part > 0 && concatenation.part <= concatenation.total) header.concatenation = concatenation
}
