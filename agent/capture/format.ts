import type { FrameSink } from './frame.ts'

/** Frames larger than this are damage: the largest real ones are offloaded super-frames of some 64 KiB. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024

/** What became of an attempt to read one record. */
export const MORE = 0
export const DAMAGED = -1

/** One of the file formats: reads records one at a time. */
export interface CaptureFormat {
  /**
   * Reads the record that begins at `at` and hands its frame on. Gives its length in bytes, MORE when it is not all there yet, or DAMAGED
   * when it cannot be one.
   */
  record: (bytes: Uint8Array, at: number, end: number, onFrame: FrameSink) => number
}

/** Numbers of either byte order, from bytes that the caller has checked to be there. */
export interface ByteOrder {
  uint16: (bytes: Uint8Array, at: number) => number
  uint32: (bytes: Uint8Array, at: number) => number
}

export const BIG_ENDIAN: ByteOrder = {
  uint16: (bytes, at) => bytes[at]! << 8 | bytes[at + 1]!,
  uint32: (bytes, at) => (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0
}

export const LITTLE_ENDIAN: ByteOrder = {
  uint16: (bytes, at) => bytes[at]! | bytes[at + 1]! << 8,
  uint32: (bytes, at) => (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0
}
