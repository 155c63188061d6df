import type { Sighting } from '../../agent/diameter/sighting.ts'

/** When the histories of tests begin: 2026-01-01 00:00 UTC. */
export const START = Date.UTC(2026, 0, 1)

/** An Update-Location of a test SIM in Norway, with whatever a test says otherwise. */
export function ulr (other: Partial<Sighting> = {}): Sighting {
  return {
    kind: 'ULR',
    time: START,
    imsi: '242010000000001',
    node: 'mme',
    plmn: '24201',
    host: 'mme1.example',
    realm: 'example',
    singleRegistration: false,
    smsRegistered: undefined,
    reachable: false,
    smsNumber: undefined,
    imei: undefined,
    softwareVersion: undefined,
    msisdn: '4790000001',
    cancellationType: undefined,
    ...other
  }
}
