/** A fragment as a service centre gets it. */
export interface Submitted {
  to: string
  from: string
  /** What joins the fragments of one message (TS 23.040 clause 9.2.3.24.1); undefined for a message of one fragment. */
  reference: number | undefined
  number: number
  count: number
  text: string
}

/** data_coding of UCS-2 (SMPP 3.4 clause 5.2.19). */
const UCS2 = 8

/** UDHI in esm_class (clause 5.2.12). */
const HAS_HEADER = 0x40

/** Reads the body of a submit_sm (clause 4.4.1) whose text is ASCII or UCS-2. Throws where it is no such thing. */
export function readSubmitted (body: Buffer): Submitted {
  let at = 0
  const text = (): string => {
    const end = body.indexOf(0, at)
    if (end < 0) throw new Error('submit_sm: a text has no end')
    const value = body.toString('latin1', at, end)
    at = end + 1
    return value
  }
  text() // service_type
  at += 2
  const from = text()
  at += 2
  const to = text()
  const esmClass = body.readUInt8(at)
  at += 3
  text() // schedule_delivery_time
  text() // validity_period
  const coding = body.readUInt8(at + 2)
  const length = body.readUInt8(at + 4)
  const message = body.subarray(at + 5, at + 5 + length)
  if (message.length < length) throw new Error('submit_sm: short_message is cut off')
  const header = (esmClass & HAS_HEADER) !== 0 ? message.subarray(0, message.readUInt8() + 1) : message.subarray(0, 0)
  const content = Buffer.from(message.subarray(header.length))
  return { to, from, ...readHeader(header), text: coding === UCS2 ? content.swap16().toString('utf16le') : content.toString('latin1') }
}

/** Reads a header that is empty or holds nothing but a concatenation. */
function readHeader (header: Buffer): Pick<Submitted, 'reference' | 'number' | 'count'> {
  if (header.length === 0) return { reference: undefined, number: 1, count: 1 }
  if (header.length !== 6 || header[1] !== 0) throw new Error(`submit_sm: unexpected header ${header.toString('hex')}`)
  return { reference: header.readUInt8(3), count: header.readUInt8(4), number: header.readUInt8(5) }
}
