/** A message cannot be sent, now or later; in words that a person can act on. */
export class Reject extends Error {
  constructor (why: string) {
    super(why)
    this.name = 'Reject'
  }
}
