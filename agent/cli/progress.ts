const WIDTH = 30
/** Redrawn at most this often. */
const REDRAW_MS = 100

/** A progress bar on standard error, on a terminal only. */
export class Progress {
  readonly #label: string
  #drawn = 0

  constructor (label: string) {
    this.#label = label
  }

  /** Shows `done` of `total`; where the total is not known, only how much is done. Both in bytes. */
  show (done: number, total: number | undefined): void {
    if (!process.stderr.isTTY || performance.now() - this.#drawn < REDRAW_MS) return
    this.#drawn = performance.now()
    const size = `${(done / 1e6).toFixed(1)} MB`
    if (total === undefined || total === 0) { this.#draw(`${this.#label} ${size}`); return }
    const filled = Math.round(Math.min(1, done / total) * WIDTH)
    this.#draw(`${this.#label} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${Math.floor(100 * done / total)} % ${size}`)
  }

  /** Takes the bar away. */
  end (): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }

  #draw (text: string): void {
    process.stderr.write(`\r\x1b[K${text}`)
  }
}
