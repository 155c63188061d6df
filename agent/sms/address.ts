/** Type of number (TS 23.040 clause 9.1.2.5; SMPP 3.4 clause 5.2.5 has the same values for these). */
export const TON = { unknown: 0, international: 1, national: 2, networkSpecific: 3, alphanumeric: 5, abbreviated: 6 } as const

export type Ton = typeof TON[keyof typeof TON]

/** An address of a short message. */
export interface Address {
  ton: Ton
  /** Digits (`*`, `#`, `a` to `c` are digits here), without "+"; of an alphanumeric address the text. */
  value: string
}
