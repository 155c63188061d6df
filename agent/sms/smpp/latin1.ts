/** The GSM default alphabet (TS 23.038 clause 6.2.1), one character a septet; ESC is a space there, which it never is read as. */
const GSM = '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'

/** Its extension (clause 6.2.1.1), as far as Latin-1 has it. */
const EXTENSION: ReadonlyMap<number, string> = new Map([
  [0x0a, '\f'], [0x14, '^'], [0x28, '{'], [0x29, '}'], [0x2f, '\\'], [0x3c, '['], [0x3d, '~'], [0x3e, ']'], [0x40, '|']
])

const ESCAPE = 0x1b

const FIRST_BEYOND_LATIN1 = 0x100

/** Septets, one in each octet, as Latin-1 for a service centre that expects that; undefined when a character is not in it, such as € or Δ. */
export function septetsToLatin1 (septets: Uint8Array): Uint8Array | undefined {
  const octets: number[] = []
  for (let at = 0; at < septets.length; at++) {
    const escaped = septets[at] === ESCAPE
    if (escaped) at++
    const character = escaped ? EXTENSION.get(septets[at] ?? ESCAPE) : GSM[septets[at]!]
    const code = character?.charCodeAt(0)
    if (code === undefined || code >= FIRST_BEYOND_LATIN1) return undefined
    octets.push(code)
  }
  return Uint8Array.from(octets)
}

/** Latin-1 as UTF-16BE, which has all of it. */
export function latin1ToUcs2 (octets: Uint8Array): Uint8Array {
  const units = new Uint8Array(2 * octets.length)
  octets.forEach((octet, i) => { units[2 * i + 1] = octet })
  return units
}
