/** The two kinds of node that register a SIM over S6a (MME) and S6d (SGSN), TS 29.272 clause 5.2.1. */
export type NodeType = 'mme' | 'sgsn'

/** The procedure a sighting comes from, by the name of its request (TS 29.272 clause 7.2). */
export type SightingKind = 'ULR' | 'AIR' | 'ECR' | 'NOR' | 'PUR' | 'CLR' | 'IDR'

/**
 * What one finished, successful Diameter transaction tells about one SIM. Every property is always present, so that all sightings share
 * one shape; `undefined` means that the transaction did not say.
 */
export interface Sighting {
  kind: SightingKind
  /** When the answer was captured, milliseconds since 1970 (UTC), whole. */
  time: number
  /** 6 to 15 digits (TS 23.003 clause 2.2). */
  imsi: string
  /** Which of its two registrations the transaction is about. */
  node: NodeType
  /** Visited PLMN as MCC followed by MNC: five digits or six, the MNC's length being part of its identity. ULR and AIR only. */
  plmn: string | undefined
  /** DiameterIdentity of the serving node, lower case: Origin-Host, or Destination-Host of a CLR and IDR. */
  host: string | undefined
  /** Its realm, lower case. */
  realm: string | undefined
  /** ULR-Flags or NOR-Flags bit 0 (TS 29.272 clauses 7.3.7, 7.3.49): the other node type's registration has ended. */
  singleRegistration: boolean
  /** Whether the node is registered for SMS: SMS-Register-Request, MME-Number-for-MT-SMS, ULA-Flags bit 1, NOR-Flags bit 9. `undefined`: not said. */
  smsRegistered: boolean | undefined
  /** The network can bring something to the SIM again: NOR-Flags bits 3 and 6 of an MME, 5 and 2 of an SGSN (TS 29.272 clause 7.3.49). */
  reachable: boolean
  /** MME-Number-for-MT-SMS or SGSN-Number, digits. */
  smsNumber: string | undefined
  /** 14 to 16 digits as sent. */
  imei: string | undefined
  /** Software-Version, as sent: two digits as a rule. */
  softwareVersion: string | undefined
  /** MSISDN from Subscription-Data: international digits without "+". */
  msisdn: string | undefined
  /** Cancellation-Type of a CLR (TS 29.272 clause 7.3.24). */
  cancellationType: number | undefined
}

/** Takes each sighting in the order in which the transactions finished. */
export type SightingSink = (sighting: Sighting) => void
