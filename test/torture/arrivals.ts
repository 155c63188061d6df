import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tcpFrames } from '../generator/history.ts'
import { pcap } from '../generator/pcap.ts'

/** Captures lie in the last half day, so that nothing in them is due by the wall clock. */
const BEGIN_MS = 12 * 3_600_000
const SPACING_MS = 2
const PAUSE_MS = 30_000

/** Captures of SIMs that attach for the first time: exactly so many events of one kind. */
export class Arrivals {
  readonly #directory: string
  #time = Date.now() - BEGIN_MS
  #sims = 0
  #files = 0

  constructor (directory: string) {
    this.#directory = directory
  }

  /** Writes a capture of so many first attachments; gives its path. */
  next (count: number): string {
    this.#time += PAUSE_MS
    const path = join(this.#directory, `arrivals-${++this.#files}.pcap`)
    writeFileSync(path, pcap(tcpFrames(Array.from({ length: count }, () => {
      const number = String(this.#sims++).padStart(9, '0')
      this.#time += SPACING_MS
      return { kind: 'ULR' as const, time: this.#time, imsi: `242010${number}`, msisdn: `47${number}`, plmn: '24201', host: 'mme1.example', realm: 'example' }
    }))))
    return path
  }
}
