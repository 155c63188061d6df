/** How the user data of a message are coded (TS 23.038 clause 4). */
export type Alphabet = 'gsm7' | '8bit' | 'ucs2'

/** The user data of one short message: what a link needs of it, whichever it is. */
export interface Fragment {
  /** User data header with its length octet (TS 23.040 clause 9.2.3.24); empty where there is none. */
  header: Uint8Array
  /** What follows the header: septets, one in each octet and not packed, for gsm7; octets otherwise (UTF-16BE for ucs2). */
  body: Uint8Array
}

/** What a message became: the same for every fragment, and the fragments in order. */
export interface Encoded {
  alphabet: Alphabet
  /** TP-DCS (TS 23.040 clause 9.2.3.10). */
  dcs: number
  fragments: Fragment[]
}
