import type { Received } from '../link.ts'
import { DATA_CODING } from './codes.ts'
import { latin1ToUcs2 } from './latin1.ts'
import type { Message } from './message.ts'
import { readUserData } from './user-data.ts'
import { fromWire } from './wire-address.ts'

/** TP-DCS without class: 8-bit data, and UCS-2 (TS 23.038 clause 4). */
const DCS_OCTETS = 0x04
const DCS_UCS2 = 0x08

/** Why a deliver_sm is no message. */
export type ReceivedFault = 'smpp.address' | 'smpp.header-length'

/** Reads a message that came from the network. `defaultAlphabet`: what the service centre means by data_coding 0. */
export function readReceived (message: Message, defaultAlphabet: 'gsm7' | 'latin1'): Received | ReceivedFault {
  const [from, to] = [fromWire(message.source), fromWire(message.destination)]
  if (from === undefined || to === undefined) return 'smpp.address'
  const data = readUserData(message)
  if (data === undefined) return 'smpp.header-length'
  return { from, to, pid: message.protocolId, header: data.header, ...textOf(message.dataCoding, data.body, defaultAlphabet) }
}

/** TP-DCS and user data as a phone would have sent them. ASCII and Latin-1, which it has not, become UCS-2; what else it has not is taken as data. */
function textOf (dataCoding: number, body: Uint8Array, defaultAlphabet: 'gsm7' | 'latin1'): { dcs: number, body: Uint8Array } {
  // GSM's own codings: with a class, which SMPP has not but some pass through, and the groups from 1100 on.
  if (dataCoding >= 0xc0 || (dataCoding >= 0x10 && dataCoding <= 0x1b)) return { dcs: dataCoding, body }
  switch (dataCoding) {
    case DATA_CODING.default:
      // What is no septet shows that its default is not what was thought.
      return defaultAlphabet === 'gsm7' && body.every(octet => octet < 0x80) ? { dcs: 0, body } : { dcs: DCS_UCS2, body: latin1ToUcs2(body) }
    case DATA_CODING.ascii:
    case DATA_CODING.latin1:
      return { dcs: DCS_UCS2, body: latin1ToUcs2(body) }
    case DATA_CODING.ucs2:
      return { dcs: DCS_UCS2, body }
    default:
      return { dcs: DCS_OCTETS, body }
  }
}
