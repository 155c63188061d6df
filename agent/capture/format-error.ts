/** What was given is no capture file. The message says what was expected and what was found. */
export class CaptureFormatError extends Error {
  constructor (found: string) {
    super(`this is not a pcap or pcapng file (gzip around either is fine): ${found}`)
    this.name = 'CaptureFormatError'
  }
}
