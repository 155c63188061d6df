import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tcpFrames, type TimedProcedure } from '../generator/history.ts'
import { pcap } from '../generator/pcap.ts'

const PLMNS = ['24201', '24001', '26201', '23415', '20801', '310410']

/** Procedures in one capture, and time between them. */
const PROCEDURES = 600
const SPACING_MS = 50

/** Captures lie in the last half day, so that nothing in them is due by the wall clock. */
const BEGIN_MS = 12 * 3_600_000

/** Quiet time between two captures. */
const PAUSE_MS = 30_000

/** Random captures that follow one another: SIMs attach, move and change handsets. */
export class Traffic {
  readonly #directory: string
  readonly #random: () => number
  #time = Date.now() - BEGIN_MS
  #sims = 0
  #files = 0

  constructor (directory: string, random: () => number) {
    this.#directory = directory
    this.#random = random
  }

  /** Writes the next capture; gives its path and the SIMs in it. */
  next (procedures = PROCEDURES): { path: string, imsis: string[] } {
    const history = Array.from({ length: procedures }, () => this.#procedure())
    const path = join(this.#directory, `${++this.#files}.pcap`)
    this.#time += PAUSE_MS
    writeFileSync(path, pcap(tcpFrames(history)))
    return { path, imsis: [...new Set(history.map(({ imsi }) => imsi!))] }
  }

  #procedure (): TimedProcedure {
    const isNew = this.#sims < 100 || this.#random() % 3 === 0
    const number = isNew ? this.#sims++ : this.#random() % this.#sims
    const handset = this.#random() % 4
    this.#time += SPACING_MS
    return {
      kind: 'ULR',
      time: this.#time,
      imsi: `242010${String(number).padStart(9, '0')}`,
      msisdn: `479${String(number).padStart(7, '0')}`,
      plmn: PLMNS[this.#random() % PLMNS.length]!,
      host: `mme${this.#random() % 20}.example`,
      realm: 'example',
      ...(handset === 0 ? { imei: `3572200924${String(this.#random() % 10_000).padStart(4, '0')}`, softwareVersion: '01' } : {})
    }
  }
}
