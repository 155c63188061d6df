import { APPLICATION, COMMAND, VENDOR_3GPP } from '../../agent/diameter/codes.ts'

/** One AVP as it goes on the wire, padding included. */
export type Avp = Buffer

/** Flags of an AVP that has none of its own wish: M, and V where there is a vendor (RFC 6733 clause 4.1). */
const MANDATORY = 0x40
const VENDOR = 0x80

/** Makes an AVP (RFC 6733 clause 4.1). Numbers are Unsigned32, text is UTF-8. */
export function avp (code: number, vendor: number, data: Uint8Array | string | number, flags = MANDATORY): Avp {
  const body = typeof data === 'number' ? uint32(data) : Buffer.from(data as Uint8Array)
  const header = Buffer.alloc(vendor === 0 ? 8 : 12)
  const length = header.length + body.length
  header.writeUInt32BE(code)
  header.writeUInt32BE((flags | (vendor === 0 ? 0 : VENDOR)) * 0x1000000 + length, 4)
  if (vendor !== 0) header.writeUInt32BE(vendor, 8)
  return Buffer.concat([header, body, Buffer.alloc(-length & 3)])
}

/** Makes an AVP of the base protocol. */
export function base (code: number, data: Uint8Array | string | number): Avp {
  return avp(code, 0, data)
}

/** Makes an AVP of 3GPP. */
export function gpp (code: number, data: Uint8Array | string | number): Avp {
  return avp(code, VENDOR_3GPP, data)
}

/** Digits as TBCD without a nature-of-address octet (TS 29.329 clause 6.3.2). */
export function tbcd (digits: string): Buffer {
  const even = digits.length % 2 === 0 ? digits : digits + 'f'
  return Buffer.from(even.replace(/(.)(.)/g, '$2$1'), 'hex')
}

/** A PLMN in five or six digits as a Visited-PLMN-Id (TS 29.272 clause 7.3.9). */
export function plmnOctets (plmn: string): Buffer {
  const [a, b, c, d, e, f = 'f'] = plmn
  return Buffer.from(`${b}${a}${f}${c}${e}${d}`, 'hex')
}

/** What a message's header says. */
export interface Header {
  command: number
  applicationId?: number
  isRequest: boolean
  hopByHop: number
  endToEnd: number
  /** Flags besides R and P. */
  flags?: number
}

/** Makes a message (RFC 6733 clause 3). */
export function message ({ command, applicationId = APPLICATION.s6a, isRequest, hopByHop, endToEnd, flags = 0 }: Header, avps: readonly Avp[]): Buffer {
  const header = Buffer.alloc(20)
  const length = 20 + avps.reduce((sum, avp) => sum + avp.length, 0)
  header.writeUInt32BE(0x01000000 + length)
  header.writeUInt32BE((flags | (isRequest ? 0xc0 : 0x40)) * 0x1000000 + command, 4)
  header.writeUInt32BE(applicationId, 8)
  header.writeUInt32BE(hopByHop >>> 0, 12)
  header.writeUInt32BE(endToEnd >>> 0, 16)
  return Buffer.concat([header, ...avps])
}

/** One transaction, told from one SIM's side. What is left out is not in the messages. */
export interface Procedure {
  kind: 'ULR' | 'AIR' | 'ECR' | 'NOR' | 'PUR' | 'CLR' | 'IDR'
  imsi?: string | undefined
  plmn?: string
  /** The serving node. */
  host?: string
  realm?: string
  imei?: string
  softwareVersion?: string
  msisdn?: string
  ulrFlags?: number
  ulaFlags?: number
  norFlags?: number
  purFlags?: number
  ratType?: number
  cancellationType?: number
  sgsnNumber?: string
  mmeNumber?: string
  smsRegisterRequest?: number
  /** 2001 unless it says otherwise. */
  resultCode?: number
  experimentalResultCode?: number
  sessionId?: string
  hopByHop?: number
  endToEnd?: number
  requestFlags?: number
}

const COMMANDS = {
  ULR: COMMAND.updateLocation,
  AIR: COMMAND.authenticationInformation,
  ECR: COMMAND.meIdentityCheck,
  NOR: COMMAND.notify,
  PUR: COMMAND.purgeUe,
  CLR: COMMAND.cancelLocation,
  IDR: COMMAND.insertSubscriberData
} as const

const HSS = { host: 'hss01.epc.mnc001.mcc242.3gppnetwork.org', realm: 'epc.mnc001.mcc242.3gppnetwork.org' }

/** A request and its answer. */
export interface Exchange { request: Buffer, answer: Buffer }

let exchanges = 0

/** Makes the two messages of a procedure. Identifiers that are not given are the next ones in a row. */
export function exchange (procedure: Procedure): Exchange {
  const number = ++exchanges
  const { kind, host = 'mme01.epc.mnc001.mcc242.3gppnetwork.org', realm = 'epc.mnc001.mcc242.3gppnetwork.org' } = procedure
  const { hopByHop = 0x10000000 + number, endToEnd = 0xa0000000 + number, requestFlags = 0 } = procedure
  const sessionId = procedure.sessionId ?? `${host};1700000000;${number};s6a`
  const fromHss = kind === 'CLR' || kind === 'IDR'
  const [from, to] = fromHss ? [HSS, { host, realm }] : [{ host, realm }, HSS]
  const header = { command: COMMANDS[kind], applicationId: kind === 'ECR' ? APPLICATION.s13 : APPLICATION.s6a, hopByHop, endToEnd }
  return {
    request: message({ ...header, isRequest: true, flags: requestFlags }, [
      base(263, sessionId), base(277, 1), base(264, from.host), base(296, from.realm), base(293, to.host), base(283, to.realm), ...requestAvps(procedure)
    ]),
    answer: message({ ...header, isRequest: false }, [base(263, sessionId), ...answerAvps(procedure), base(277, 1), base(264, to.host), base(296, to.realm)])
  }
}

function requestAvps (procedure: Procedure): Avp[] {
  const { kind, imsi, plmn, ulrFlags, norFlags, purFlags, ratType, cancellationType, sgsnNumber, mmeNumber, smsRegisterRequest } = procedure
  return [
    ...(imsi === undefined ? [] : [base(1, imsi)]),
    ...terminal(procedure),
    ...(kind === 'ULR' ? [gpp(1032, ratType ?? 1004), gpp(1405, ulrFlags ?? 0x22)] : []),
    ...(plmn === undefined ? [] : [gpp(1407, plmnOctets(plmn))]),
    ...(norFlags === undefined ? [] : [gpp(1443, norFlags)]),
    ...(purFlags === undefined ? [] : [gpp(1635, purFlags)]),
    ...(cancellationType === undefined ? [] : [gpp(1420, cancellationType)]),
    ...(sgsnNumber === undefined ? [] : [gpp(1489, tbcd(sgsnNumber))]),
    ...(mmeNumber === undefined ? [] : [gpp(1645, tbcd(mmeNumber))]),
    ...(smsRegisterRequest === undefined ? [] : [gpp(1648, smsRegisterRequest)]),
    ...(kind === 'IDR' ? subscription(procedure) : [])
  ]
}

function answerAvps (procedure: Procedure): Avp[] {
  const { kind, resultCode, experimentalResultCode, ulaFlags } = procedure
  const result = experimentalResultCode === undefined
    ? base(268, resultCode ?? 2001)
    : base(297, Buffer.concat([base(266, VENDOR_3GPP), base(298, experimentalResultCode)]))
  return [
    result,
    ...(kind === 'ULR' && experimentalResultCode === undefined ? [gpp(1406, ulaFlags ?? 1), ...subscription(procedure)] : []),
    ...(kind === 'ECR' && experimentalResultCode === undefined ? [gpp(1445, 0)] : [])
  ]
}

function terminal ({ imei, softwareVersion }: Procedure): Avp[] {
  if (imei === undefined) return []
  return [gpp(1401, Buffer.concat([gpp(1402, imei), ...(softwareVersion === undefined ? [] : [gpp(1403, softwareVersion)])]))]
}

/** Subscription-Data as an HSS sends it: subscriber status, number, access mode, and an APN. */
function subscription ({ msisdn }: Procedure): Avp[] {
  const apn = gpp(1430, Buffer.concat([gpp(1423, 1), gpp(1456, 0), base(493, 'internet')]))
  return [gpp(1400, Buffer.concat([gpp(1424, 0), ...(msisdn === undefined ? [] : [gpp(701, tbcd(msisdn))]), gpp(1417, 2), apn]))]
}

function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
