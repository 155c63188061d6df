import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { capture, type TimedProcedure } from './history.ts'

const NORWAY = { plmn: '24201', host: 'mme01.epc.mnc001.mcc242.3gppnetwork.org', realm: 'epc.mnc001.mcc242.3gppnetwork.org' }
const SWEDEN = { plmn: '24001', host: 'mme07.epc.mnc001.mcc240.3gppnetwork.org', realm: 'epc.mnc001.mcc240.3gppnetwork.org' }

/** Identities of this story only: the IMSI, the number and the handsets belong to nobody. */
const SIM = { imsi: '242010000000042', msisdn: '4790000042' }
const OLD_HANDSET = { imei: '35722009245138', softwareVersion: '39' }
const NEW_HANDSET = { imei: '86650704004053', softwareVersion: '01' }

const DAY_MS = 86_400_000
const START = Date.UTC(2026, 5, 1, 8)
const after = (days: number, hours = 0): number => START + days * DAY_MS + hours * 3_600_000

/**
 * The story that Landfall exists for: a SIM attaches first in Norway, its owner travels to Sweden and switches flight mode off, changes
 * handset there, and comes home. `config/welcome.pcap` is this, and `make run` plays it. Made again with
 * `node dist/test/generator/welcome.js config/welcome.pcap`.
 */
export const WELCOME: readonly TimedProcedure[] = [
  { kind: 'AIR', time: after(0) - 200, ...SIM, ...NORWAY },
  { kind: 'ULR', time: after(0), ...SIM, ...NORWAY, ...OLD_HANDSET },
  { kind: 'ECR', time: after(0) + 400, imsi: SIM.imsi, host: NORWAY.host, realm: NORWAY.realm, ...OLD_HANDSET },
  { kind: 'AIR', time: after(3, 2) - 300, ...SIM, ...SWEDEN },
  { kind: 'ULR', time: after(3, 2), ...SIM, ...SWEDEN, experimentalResultCode: 5004 },
  { kind: 'ULR', time: after(3, 2) + 5_000, ...SIM, ...SWEDEN },
  { kind: 'CLR', time: after(3, 2) + 5_100, imsi: SIM.imsi, host: NORWAY.host, realm: NORWAY.realm, cancellationType: 0 },
  { kind: 'NOR', time: after(5, 9), imsi: SIM.imsi, host: SWEDEN.host, realm: SWEDEN.realm, norFlags: 0, ...NEW_HANDSET },
  { kind: 'ULR', time: after(8, 11), ...SIM, ...NORWAY, ...NEW_HANDSET },
  { kind: 'CLR', time: after(8, 11) + 100, imsi: SIM.imsi, host: SWEDEN.host, realm: SWEDEN.realm, cancellationType: 0 }
]

/** The capture file of the story. */
export function welcomeCapture (): Buffer {
  return capture(WELCOME)
}

if (process.argv[2] !== undefined && import.meta.url === pathToFileURL(process.argv[1]!).href) writeFileSync(process.argv[2], welcomeCapture())
