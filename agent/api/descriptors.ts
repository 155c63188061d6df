import { readFileSync } from 'node:fs'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import { FileDescriptorProto, type DescriptorProto, type FieldDescriptorProto } from '../../gen/google/protobuf/descriptor.ts'

/** The encoded google.protobuf.FileDescriptorSet of everything that is served, with the options that generated code passes over. */
export function readDescriptorSet (): Uint8Array {
  return readFileSync(new URL('../../gen/descriptors.binpb', import.meta.url))
}

/** One file of a schema, as it is and as bytes: bytes keep the options that nobody here can read. */
interface SchemaFile {
  bytes: Uint8Array
  imports: readonly string[]
}

/** A schema that can be asked for its parts by name. Names are full and have no leading dot. */
export class Descriptors {
  readonly #files = new Map<string, SchemaFile>()
  /** Symbol → name of its file. */
  readonly #symbols = new Map<string, string>()
  /** Extended message → number of the extension → name of its file. */
  readonly #extensions = new Map<string, Map<number, string>>()
  readonly services: string[] = []

  /** `set`: an encoded google.protobuf.FileDescriptorSet. */
  constructor (set: Uint8Array) {
    const reader = new BinaryReader(set)
    while (reader.pos < reader.len) {
      reader.tag()
      this.#add(reader.bytes())
    }
  }

  /** Bytes of a file and of all that it imports, itself first; undefined when there is none of that name. */
  file (name: string): Uint8Array[] | undefined {
    if (!this.#files.has(name)) return undefined
    const names = new Set([name])
    for (const wanted of names) {
      for (const imported of this.#files.get(wanted)?.imports ?? []) names.add(imported)
    }
    return [...names].flatMap(name => this.#files.get(name)?.bytes ?? [])
  }

  /** The same for the file that defines a symbol. */
  fileOf (symbol: string): Uint8Array[] | undefined {
    return this.file(this.#symbols.get(symbol) ?? '')
  }

  /** The same for the file that defines an extension. */
  fileOfExtension (message: string, number: number): Uint8Array[] | undefined {
    return this.file(this.#extensions.get(message)?.get(number) ?? '')
  }

  /** Numbers of the extensions of a message; undefined when there is no such message. */
  extensions (message: string): number[] | undefined {
    const numbers = [...this.#extensions.get(message)?.keys() ?? []]
    return numbers.length > 0 || this.#symbols.has(message) ? numbers : undefined
  }

  #add (bytes: Uint8Array): void {
    const file = FileDescriptorProto.decode(bytes)
    const { name = '', package: scope = '' } = file
    this.#files.set(name, { bytes, imports: file.dependency })
    const symbol = (within: string, own = ''): string => {
      const full = within === '' ? own : `${within}.${own}`
      this.#symbols.set(full, name)
      return full
    }
    const extend = (fields: readonly FieldDescriptorProto[], within: string): void => {
      for (const field of fields) {
        symbol(within, field.name)
        const message = (field.extendee ?? '').replace(/^\./, '')
        this.#extensions.set(message, (this.#extensions.get(message) ?? new Map<number, string>()).set(field.number ?? 0, name))
      }
    }
    const add = (message: DescriptorProto, within: string): void => {
      const full = symbol(within, message.name)
      for (const { name } of [...message.field, ...message.oneofDecl, ...message.enumType]) symbol(full, name)
      extend(message.extension, full)
      for (const nested of message.nestedType) add(nested, full)
    }
    for (const message of file.messageType) add(message, scope)
    for (const { name } of file.enumType) symbol(scope, name)
    extend(file.extension, scope)
    for (const service of file.service) {
      const full = symbol(scope, service.name)
      this.services.push(full)
      for (const { name } of service.method) symbol(full, name)
    }
  }
}
