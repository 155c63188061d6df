import { TON, type Address, type Ton } from '../address.ts'
import type { WireAddress } from './message.ts'

/** Numbering plan indicators (SMPP 3.4 clause 5.2.6). */
const NPI = { unknown: 0, isdn: 1 } as const

/** TON and NPI of short codes and of numbers that are valid in one network only: service centres differ. */
export interface TonNpi { ton: number, npi: number }

/** Digits as TS 23.040 clause 9.1.2.5 has them, as many as SMPP has room for. */
const DIGITS = /^[0-9*#abc]{1,20}$/i

/** Printable ASCII, as many as an alphanumeric address of TS 23.040 holds. What is beyond it each service centre reads in its own way. */
const NAME = /^[\x20-\x7e]{1,11}$/

const RECEIVED_NAME = /^[\x20-\x7e]{1,20}$/

/** An address as it is sent; undefined when it cannot be. */
export function toWire ({ ton, value }: Address, shortCode: TonNpi): WireAddress | undefined {
  if (ton === TON.alphanumeric) return NAME.test(value) ? { ton, npi: NPI.unknown, value } : undefined
  if (!DIGITS.test(value)) return undefined
  return ton === TON.international || ton === TON.national ? { ton, npi: NPI.isdn, value } : { ...shortCode, value }
}

const TONS: ReadonlySet<number> = new Set(Object.values(TON))

/** An address as it came; undefined when it is empty or holds what no address has. */
export function fromWire ({ ton, value }: WireAddress): Address | undefined {
  if (value.startsWith('+') && DIGITS.test(value.slice(1))) return { ton: TON.international, value: value.slice(1) }
  if (ton !== TON.alphanumeric && DIGITS.test(value)) return { ton: TONS.has(ton) ? ton as Ton : TON.unknown, value }
  return RECEIVED_NAME.test(value) ? { ton: TON.alphanumeric, value } : undefined
}
