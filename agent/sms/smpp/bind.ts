import { COMMAND, INTERFACE_VERSION, MAX_LENGTH } from './codes.ts'
import { cString, joined } from './octets.ts'

/** What a session is for (SMPP 3.4 clause 2.2): sending, receiving, or both. */
export type BindMode = 'transmitter' | 'receiver' | 'transceiver'

export const BIND_COMMAND: Readonly<Record<BindMode, number>> = {
  transmitter: COMMAND.bindTransmitter,
  receiver: COMMAND.bindReceiver,
  transceiver: COMMAND.bindTransceiver
}

/** Who binds. */
export interface Credentials {
  systemId: string
  password: string
  systemType: string
}

/** Body of a bind request (clauses 4.1.1, 4.1.3 and 4.1.5), for any address; undefined when a field does not fit or is not printable ASCII. */
export function bindBody ({ systemId, password, systemType }: Credentials): Uint8Array | undefined {
  return joined([
    cString(systemId, MAX_LENGTH.systemId),
    cString(password, MAX_LENGTH.password),
    cString(systemType, MAX_LENGTH.systemType),
    // interface_version, addr_ton, addr_npi, and an address_range that is empty.
    Uint8Array.of(INTERFACE_VERSION, 0, 0, 0)
  ])
}
