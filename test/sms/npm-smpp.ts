import { createRequire } from 'node:module'
import type { Server } from 'node:net'

/** What is used of the peer, which comes without types. */
interface NpmSmpp {
  PDU: { new (command: string, options: object): NpmPdu, fromBuffer: (bytes: Buffer) => NpmPdu | false }
  createServer: (onSession: (session: NpmSession) => void) => Server
}

/** A PDU as the peer sees it: its fields are properties. */
export interface NpmPdu {
  [field: string]: unknown
  command: string
  command_status: number
  sequence_number: number
  toBuffer: () => Buffer
  response: (options?: object) => NpmPdu
}

/** A session of the peer's server. */
export interface NpmSession {
  on: (event: string, callback: (pdu: NpmPdu) => void) => void
  send: (pdu: NpmPdu, onResponse?: (pdu: NpmPdu) => void) => boolean
  destroy: () => void
}

const require = createRequire(import.meta.url)

/** npm `smpp`: SMPP by code that is not ours. */
export const npmSmpp = require('smpp') as NpmSmpp
