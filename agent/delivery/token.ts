import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto'
import { kindAt, kindIndex } from '../store/event-log.ts'
import type { AckTarget } from './dispatcher.ts'

/** First byte of a token: its layout, and whether its queue is remembered. */
const DURABLE = 1
const REGULAR = 2
const MAC_BYTES = 16
const INCARNATION_BYTES = 8
/** Version, incarnation, tenant, kind, id, length of the client's name. */
const FIXED_BYTES = 1 + INCARNATION_BYTES + 2 + 1 + 8 + 1
/** Longer than any token made here: a queue's name has at most 128 bytes, a client's 255. */
const MAX_CHARACTERS = 640

/**
 * Makes and reads ack tokens. A token holds everything an acknowledgement needs (so it is good on any connection and after a restart) under
 * an HMAC (so that nobody can acknowledge what was not delivered to them), and the data's incarnation (ids of other data mean other events).
 */
export class AckTokens {
  readonly #key: KeyObject
  readonly #incarnation: Buffer

  constructor (key: Buffer, incarnation: string) {
    this.#key = createSecretKey(key)
    this.#incarnation = Buffer.from(incarnation, 'hex')
  }

  make ({ queue, durable, id }: AckTarget): string {
    const client = Buffer.from(queue.client)
    const body = Buffer.alloc(FIXED_BYTES + client.length + Buffer.byteLength(queue.name))
    body[0] = durable ? DURABLE : REGULAR
    this.#incarnation.copy(body, 1)
    let at = 1 + INCARNATION_BYTES
    at = body.writeUInt16BE(queue.tenant, at)
    at = body.writeUInt8(kindIndex(queue.kind), at)
    at = body.writeBigUInt64BE(BigInt(id), at)
    at = body.writeUInt8(client.length, at)
    at += client.copy(body, at)
    body.write(queue.name, at)
    return Buffer.concat([body, this.#mac(body)]).toString('base64url')
  }

  /** Reads a token back; undefined when it was not made here, for these data. */
  read (token: string): AckTarget | undefined {
    if (token.length > MAX_CHARACTERS) return undefined
    const bytes = Buffer.from(token, 'base64url')
    const end = bytes.length - MAC_BYTES
    if (end < FIXED_BYTES || (bytes[0] !== DURABLE && bytes[0] !== REGULAR)) return undefined
    const body = bytes.subarray(0, end)
    if (!timingSafeEqual(this.#mac(body), bytes.subarray(end))) return undefined
    if (!this.#incarnation.equals(body.subarray(1, 1 + INCARNATION_BYTES))) return undefined
    const at = 1 + INCARNATION_BYTES
    const kind = kindAt(body[at + 2]!)
    if (kind === undefined) return undefined
    const clientEnd = FIXED_BYTES + body[FIXED_BYTES - 1]!
    return {
      queue: {
        tenant: body.readUInt16BE(at),
        kind,
        client: body.toString('utf8', FIXED_BYTES, clientEnd),
        name: body.toString('utf8', clientEnd)
      },
      durable: bytes[0] === DURABLE,
      id: Number(body.readBigUInt64BE(at + 3))
    }
  }

  #mac (body: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(body).digest().subarray(0, MAC_BYTES)
  }
}
