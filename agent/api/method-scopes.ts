import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { SubscriptionEventServiceService as METHODS } from '../../gen/wgtwo/subscription/v1/subscription.ts'
import { SmsEventServiceService as SMS_METHODS } from '../../gen/landfall/v1/sms.ts'
import type { LogKind } from '../store/event-record.ts'

/** Number of the option `wgtwo.scope`, which the generated code passes over. */
const SCOPE = 50013

/** Numbers of the fields on the way to it (google/protobuf/descriptor.proto). */
const SET = { file: 1 } as const
const FILE = { package: 2, service: 6 } as const
const SERVICE = { name: 1, method: 2 } as const
const METHOD = { name: 1, options: 4 } as const

const STREAM_OF: Record<LogKind, { path: string }> = {
  'handset-change': METHODS.streamHandsetChangeEvents,
  'first-attachment': METHODS.streamFirstAttachmentEvents,
  'country-change': METHODS.streamCountryChangeEvents,
  'periodic-country': METHODS.streamPeriodicCountryEvents,
  'sms-delivery': SMS_METHODS.streamSmsDeliveryEvents,
  'received-sms': SMS_METHODS.streamReceivedSmsEvents
}

/** Which scope each method needs, as the proto files say. */
export class MethodScopes {
  readonly #byPath = new Map<string, string>()

  /** `set`: an encoded google.protobuf.FileDescriptorSet. */
  constructor (set: Uint8Array) {
    for (const file of parts(set, SET.file)) {
      const scope = text(file, FILE.package)
      for (const service of parts(file, FILE.service)) {
        const name = `${scope}.${text(service, SERVICE.name)}`
        for (const method of parts(service, SERVICE.method)) {
          const options = [...parts(method, METHOD.options)].flatMap(options => [...parts(options, SCOPE)])
          const last = options.at(-1)
          if (last !== undefined) this.#byPath.set(`/${name}/${text(method, METHOD.name)}`, Buffer.from(last).toString())
        }
      }
    }
  }

  /** The scope of a method by its path; "" where any valid token will do, undefined where the method has none and so serves nobody. */
  of (path: string): string | undefined {
    return this.#byPath.get(path)
  }

  /** The scope that reading and acknowledging events of a kind needs: that of the contract's stream. */
  ofKind (kind: LogKind): string {
    return this.#byPath.get(STREAM_OF[kind].path)!
  }

  /** All scopes that a method needs, in alphabetical order. */
  get all (): string[] {
    return [...new Set(this.#byPath.values())].filter(scope => scope !== '').sort()
  }
}

/** The values of a field that holds bytes, text or a message. */
function * parts (message: Uint8Array, number: number): Generator<Uint8Array> {
  const reader = new BinaryReader(message)
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag()
    if (wire !== WireType.LengthDelimited) reader.skip(wire, field)
    else {
      const bytes = reader.bytes()
      if (field === number) yield bytes
    }
  }
}

function text (message: Uint8Array, number: number): string {
  const [value] = parts(message, number)
  return Buffer.from(value ?? []).toString()
}
