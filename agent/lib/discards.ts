/** How many samples are kept, and how many bytes of each: enough to see what a peer sends, too little to matter in memory. */
const SAMPLES = 32
const SAMPLE_BYTES = 512

/** The start of something that was passed over, kept for the operator. Holds raw bytes of the network: never log it. */
export interface DiscardSample {
  reason: string
  bytes: Uint8Array
}

/**
 * Counts what was passed over, by reason, and keeps the newest samples in a small ring. Reasons are constants of the code
 * (`sctp.fragment-lost`), never made from input, so that their number is bounded.
 */
export class Discards {
  readonly #counts = new Map<string, number>()
  readonly #samples: DiscardSample[] = []
  #next = 0

  /** Counts one discard; with `bytes`, keeps up to 512 bytes of `bytes[start, end)` as a sample. */
  count (reason: string, bytes?: Uint8Array, start = 0, end = bytes?.length ?? 0): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
    if (bytes === undefined) return
    const sample = { reason, bytes: bytes.slice(start, Math.min(end, start + SAMPLE_BYTES)) }
    this.#samples[this.#next] = sample
    this.#next = (this.#next + 1) % SAMPLES
  }

  /** Counts by reason, sorted by name. */
  counts (): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a < b ? -1 : 1))
  }

  /** The newest samples, in no particular order. */
  samples (): readonly DiscardSample[] {
    return this.#samples
  }
}
