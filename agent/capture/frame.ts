/** One captured frame, as a source hands it on. Sources reuse the object and may reuse the bytes: a consumer copies what it keeps. */
export interface Frame {
  /** Position in its source, counted from 1 as tshark counts. */
  number: number
  /** Time of capture: whole seconds since 1970 (UTC). */
  seconds: number
  /** Time of capture: nanoseconds within the second. */
  nanoseconds: number
  /** Link type as registered by tcpdump.org (LINKTYPE_*). */
  linkType: number
  /** The captured bytes; fewer than `originalLength` where the capture cut the frame. */
  data: Uint8Array
  /** Length of the frame on the wire, in bytes. */
  originalLength: number
}

/** Takes each frame in turn; the frame is valid during the call only. */
export type FrameSink = (frame: Frame) => void
