import { isIPv4, isIPv6 } from 'node:net'

/** AddressFamilyNumbers of an Address (RFC 6733 clause 4.3.1). */
const FAMILY = { ipv4: 1, ipv6: 2 } as const

/** How Node writes an IPv4 address on a socket that is both. */
const MAPPED = /^::ffff:(?=\d+\.)/i

/** An IP address as the type Address (RFC 6733 clause 4.3.1): its family in two octets, then the address. What is none becomes 0.0.0.0. */
export function addressOctets (address: string): Uint8Array {
  const plain = address.replace(MAPPED, '').replace(/%.*$/, '')
  if (isIPv6(plain)) return Uint8Array.of(0, FAMILY.ipv6, ...groups(plain).flatMap(group => [group >>> 8, group & 0xff]))
  return Uint8Array.of(0, FAMILY.ipv4, ...(isIPv4(plain) ? plain : '0.0.0.0').split('.').map(Number))
}

/** The eight groups of an IPv6 address, "::" filled up. */
function groups (address: string): number[] {
  const [head = '', tail] = address.split('::')
  const read = (part: string): number[] => part === '' ? [] : part.split(':').map(group => parseInt(group, 16))
  const [first, last] = [read(head), read(tail ?? '')]
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
}
