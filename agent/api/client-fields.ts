import { InvalidArgument } from './status.ts'

/** Bounds of what a client is registered with. */
const MAX_SCOPES = 64
const MAX_CERTIFICATES = 16

/** Printable ASCII without space and colon (which ends the id in HTTP Basic, RFC 7617 clause 2): it goes into queue keys, tokens and log lines. */
const ID = /^[!-9;-~]{1,128}$/
const SCOPE = /^[!#-[\]-~]{1,128}$/
const CERTIFICATE = /^[ -~]{1,256}$/

/** Whether a text can be a client's id. */
export function isClientId (text: string): boolean {
  return ID.test(text)
}

/** Throws InvalidArgument. `what`: what is to be named so. */
export function demandId (text: string, what: string): void {
  if (!isClientId(text)) throw new InvalidArgument(`${what} has 1 to 128 printable ASCII characters, without spaces and ":"`)
}

/** Throws InvalidArgument. `known`: all scopes that there are. */
export function demandScopes (scopes: readonly string[], known: readonly string[]): void {
  if (scopes.length > MAX_SCOPES) throw new InvalidArgument(`a client may have ${MAX_SCOPES} scopes`)
  for (const scope of scopes) {
    if (!SCOPE.test(scope)) throw new InvalidArgument('a scope has 1 to 128 printable ASCII characters, without spaces, quotes and "\\" (RFC 6749 clause 3.3)')
    if (!known.includes(scope)) throw new InvalidArgument(`no method needs the scope "${scope}"; there are ${known.join(', ')}`)
  }
}

/** Throws InvalidArgument. */
export function demandCertificates (names: readonly string[]): void {
  if (names.length > MAX_CERTIFICATES) throw new InvalidArgument(`a client may have ${MAX_CERTIFICATES} certificate names`)
  if (!names.every(name => CERTIFICATE.test(name))) throw new InvalidArgument('the name of a certificate has 1 to 256 printable ASCII characters')
}
