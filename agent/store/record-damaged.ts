/** A stored record is not what was written, or was written by a later version. The message names what it was, never a person. */
export class RecordDamaged extends Error {
  constructor (what: string, why = 'its checksum does not match') {
    super(`${what} cannot be read: ${why}`)
    this.name = 'RecordDamaged'
  }
}
