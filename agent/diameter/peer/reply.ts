import { find, findAll, group, text, unsigned, type Avp } from './avp.ts'
import { APPLICATION_COMMON, BASE, FLAG, isProtocolError, RESULT } from './base.ts'
import type { Identity } from './capabilities.ts'
import type { Message, ReadMessage } from './message.ts'

/** How a request is answered. */
export interface Reply {
  /** Result-Code; undefined where `avps` hold an Experimental-Result instead. */
  result: number | undefined
  /** What else is in the answer. */
  avps?: readonly Avp[]
  /** The AVP that a refusal is about (RFC 6733 clause 7.5). */
  failed?: Avp | undefined
}

/** Makes the answer to a request (RFC 6733 clause 6.2; with the E bit, clause 7.2). */
export function answerTo (request: Message, { result, avps = [], failed }: Reply, { host, realm }: Identity): Message {
  const { flags, command, applicationId, hopByHop, endToEnd } = request
  return {
    flags: (flags & FLAG.proxiable) | (result !== undefined && isProtocolError(result) ? FLAG.error : 0),
    command,
    applicationId,
    hopByHop,
    endToEnd,
    avps: [
      // Session-Id is the first where there is one (RFC 6733 clause 8.8).
      ...[find(request.avps, BASE.sessionId), find(request.avps, BASE.authSessionState)].filter(avp => avp !== undefined),
      ...(result === undefined ? [] : [unsigned(BASE.resultCode, result)]),
      text(BASE.originHost, host),
      text(BASE.originRealm, realm),
      ...avps,
      ...(failed === undefined ? [] : [group(BASE.failedAvp, [failed])]),
      // The way back of those in between (RFC 6733 clause 6.2; Route-Record by the answers of TS 29.338 clauses 5.3.2 and 6.3.2).
      ...findAll(request.avps, BASE.proxyInfo),
      ...findAll(request.avps, BASE.routeRecord)
    ]
  }
}

/** Why a request cannot be handed on, whatever its command (RFC 6733 clause 7.1); undefined when it can. */
export function refusalOf ({ flags, applicationId, fault }: ReadMessage, { applications }: Identity): Reply | undefined {
  if ((flags & FLAG.error) !== 0) return { result: RESULT.invalidHeaderBits }
  if (applicationId !== APPLICATION_COMMON && !applications.includes(applicationId)) return { result: RESULT.applicationUnsupported }
  return fault
}
