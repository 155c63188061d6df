/** Names of TP-FCS (TS 23.040 clause 9.2.3.22). */
const CAUSES: ReadonlyMap<number, string> = new Map([
  [0x80, 'interworking-unsupported'],
  [0x81, 'type-0-unsupported'],
  [0x82, 'cannot-replace'],
  [0x8f, 'pid-error'],
  [0x90, 'alphabet-unsupported'],
  [0x91, 'class-unsupported'],
  [0x9f, 'dcs-error'],
  [0xa0, 'command-not-possible'],
  [0xa1, 'command-unsupported'],
  [0xaf, 'command-error'],
  [0xb0, 'tpdu-unsupported'],
  [0xc0, 'service-centre-busy'],
  [0xc1, 'no-subscription'],
  [0xc2, 'service-centre-failure'],
  [0xc3, 'invalid-address'],
  [0xc4, 'destination-barred'],
  [0xc5, 'duplicate'],
  [0xc6, 'validity-format-unsupported'],
  [0xc7, 'validity-unsupported'],
  [0xd0, 'sim-full'],
  [0xd1, 'sim-cannot-store'],
  [0xd2, 'phone-error'],
  [0xd3, 'memory-full'],
  [0xd4, 'toolkit-busy'],
  [0xd5, 'data-download-error'],
  [0xff, 'unspecified']
])

/** The name of a TP-FCS, for people and programs; of one without a name `fcs-` and its two hexadecimal digits. */
export function failureCause (code: number): string {
  return CAUSES.get(code) ?? `fcs-${code.toString(16).padStart(2, '0')}`
}
