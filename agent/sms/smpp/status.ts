/**
 * What a command_status means for what was sent: `permanent`: never; `temporary`: later; `throttle`: later, and everything else, too; `session`: it
 * is about the session, which must be bound anew.
 */
export type StatusClass = 'permanent' | 'temporary' | 'throttle' | 'session'

interface Status { name: string, class: StatusClass }

const permanent = (name: string): Status => ({ name, class: 'permanent' })
const temporary = (name: string): Status => ({ name, class: 'temporary' })
const throttle = (name: string): Status => ({ name, class: 'throttle' })
const session = (name: string): Status => ({ name, class: 'session' })

export const ROK = 0x00
export const RINVCMDID = 0x03
export const RINVBNDSTS = 0x04
export const RALYBND = 0x05
export const RX_T_APPN = 0x64
export const RX_P_APPN = 0x65

/** Refusals of a bind that no later try will better: somebody has to change something. */
export const BIND_REFUSED: ReadonlySet<number> = new Set([0x0d, 0x0e, 0x0f])

/** command_status (SMPP 3.4 clause 5.1.3; those from 0x100 on are of SMPP 5.0, and used by service centres that speak 3.4, too). */
const STATUSES: ReadonlyMap<number, Status> = new Map([
  [0x01, permanent('ESME_RINVMSGLEN')],
  [0x02, permanent('ESME_RINVCMDLEN')],
  [RINVCMDID, permanent('ESME_RINVCMDID')],
  [RINVBNDSTS, session('ESME_RINVBNDSTS')],
  [RALYBND, session('ESME_RALYBND')],
  [0x06, permanent('ESME_RINVPRTFLG')],
  [0x07, permanent('ESME_RINVREGDLVFLG')],
  [0x08, temporary('ESME_RSYSERR')],
  [0x0a, permanent('ESME_RINVSRCADR')],
  [0x0b, permanent('ESME_RINVDSTADR')],
  [0x0c, permanent('ESME_RINVMSGID')],
  [0x0d, session('ESME_RBINDFAIL')],
  [0x0e, session('ESME_RINVPASWD')],
  [0x0f, session('ESME_RINVSYSID')],
  [0x11, permanent('ESME_RCANCELFAIL')],
  [0x13, permanent('ESME_RREPLACEFAIL')],
  [0x14, throttle('ESME_RMSGQFUL')],
  [0x15, permanent('ESME_RINVSERTYP')],
  [0x33, permanent('ESME_RINVNUMDESTS')],
  [0x34, permanent('ESME_RINVDLNAME')],
  [0x40, permanent('ESME_RINVDESTFLAG')],
  [0x42, permanent('ESME_RINVSUBREP')],
  [0x43, permanent('ESME_RINVESMCLASS')],
  [0x44, permanent('ESME_RCNTSUBDL')],
  [0x45, temporary('ESME_RSUBMITFAIL')],
  [0x48, permanent('ESME_RINVSRCTON')],
  [0x49, permanent('ESME_RINVSRCNPI')],
  [0x50, permanent('ESME_RINVDSTTON')],
  [0x51, permanent('ESME_RINVDSTNPI')],
  [0x53, permanent('ESME_RINVSYSTYP')],
  [0x54, permanent('ESME_RINVREPFLAG')],
  [0x55, permanent('ESME_RINVNUMMSGS')],
  [0x58, throttle('ESME_RTHROTTLED')],
  [0x61, permanent('ESME_RINVSCHED')],
  [0x62, permanent('ESME_RINVEXPIRY')],
  [0x63, permanent('ESME_RINVDFTMSGID')],
  [RX_T_APPN, temporary('ESME_RX_T_APPN')],
  [RX_P_APPN, permanent('ESME_RX_P_APPN')],
  [0x66, permanent('ESME_RX_R_APPN')],
  [0x67, permanent('ESME_RQUERYFAIL')],
  [0xc0, permanent('ESME_RINVOPTPARSTREAM')],
  [0xc1, permanent('ESME_ROPTPARNOTALLWD')],
  [0xc2, permanent('ESME_RINVPARLEN')],
  [0xc3, permanent('ESME_RMISSINGOPTPARAM')],
  [0xc4, permanent('ESME_RINVOPTPARAMVAL')],
  [0xfe, temporary('ESME_RDELIVERYFAILURE')],
  [0xff, temporary('ESME_RUNKNOWNERR')],
  [0x0101, permanent('ESME_RPROHIBITED')],
  [0x0102, temporary('ESME_RSERTYPUNAVAIL')],
  [0x0103, permanent('ESME_RSERTYPDENIED')],
  [0x0104, permanent('ESME_RINVDCS')],
  [0x0105, permanent('ESME_RINVSRCADDRSUBUNIT')],
  [0x0106, permanent('ESME_RINVDSTADDRSUBUNIT')]
])

/** Statuses that this service centre means otherwise: its own from 0x400 on, as a rule. */
export interface StatusOverrides {
  permanent: readonly number[]
  temporary: readonly number[]
}

/** What a status other than 0 means. What nobody knows is temporary: trying again ends at the deadline, giving up at once cannot be undone. */
export function statusClass (status: number, overrides: StatusOverrides): StatusClass {
  if (overrides.permanent.includes(status)) return 'permanent'
  if (overrides.temporary.includes(status)) return 'temporary'
  return STATUSES.get(status)?.class ?? 'temporary'
}

/** A status for people: its name in the standard, or its number. */
export function statusName (status: number): string {
  return STATUSES.get(status)?.name ?? hex(status)
}

/** A status as a stable cause: `smpp.0x00000058`. */
export function statusCause (status: number): string {
  return `smpp.${hex(status)}`
}

function hex (status: number): string {
  return `0x${status.toString(16).padStart(8, '0')}`
}
