import { ServerInterceptingCall, status, type Metadata, type ServerInterceptor } from '@grpc/grpc-js'
import type { Audit } from './audit.ts'
import { admit, demandScope, type Caller } from './caller.ts'
import type { Callers } from './callers.ts'
import type { ClientConnections } from './client-connections.ts'
import type { MethodScopes } from './method-scopes.ts'
import type { PeerCertificate } from './peer-certificate.ts'
import { PermissionDenied, StatusError } from './status.ts'

/**
 * What anybody may call: health, since load balancers have no tokens, and reflection, which tells the published contract and nothing else.
 */
const OPEN = /^\/grpc\.(health\.v1\.Health|reflection\.v1(alpha)?\.ServerReflection)\//

/** What a connection's certificate has proven; undefined without TLS. */
type CertificateOf = (call: Call) => PeerCertificate | undefined

type Call = Parameters<ServerInterceptor>[1]

/** What the guard needs. */
interface GuardParts {
  scopes: MethodScopes
  /** Who finds out who calls; or, where nobody is checked, who everybody is. */
  callers: Callers | Caller
  certificateOf?: CertificateOf
  /** Bounds the connections of each client; undefined: nothing does. */
  connections?: ClientConnections
  audit: Audit
  /** A call could not be checked for a reason that is ours. */
  failed: (error: unknown) => void
}

/**
 * The guard of all calls: none gets to a handler before it is known who calls and whether that client may. A method that names no scope
 * serves nobody. Where nobody is checked, everybody is one client.
 */
export function guard ({ scopes, callers, certificateOf = () => undefined, connections, audit, failed }: GuardParts): ServerInterceptor {
  const look = async (path: string, metadata: Metadata, call: Call): Promise<Caller> => {
    // Asked before anything is waited for: of a call that has ended nothing is known.
    const connection = call.getConnectionInfo()
    const caller = 'identify' in callers ? await callers.identify(metadata.get('authorization').map(String), certificateOf(call)) : callers
    connections?.demand(caller.client, connection)
    const scope = scopes.of(path)
    if (scope === undefined) throw new PermissionDenied('nobody may call this method')
    demandScope(caller, scope, 'this method')
    return caller
  }
  return ({ path }, call) => new ServerInterceptingCall(call, {
    start: next => {
      next({
        onReceiveMetadata: (metadata, go) => {
          if (OPEN.test(path)) {
            go(metadata)
            return
          }
          look(path, metadata, call).then(caller => {
            admit(metadata, caller)
            // Nobody behind this point needs it, so nobody can let it out.
            metadata.remove('authorization')
            go(metadata)
          }).catch((error: unknown) => {
            if (error instanceof StatusError) {
              audit('refused', { method: path, status: status[error.code], reason: error.details })
              call.sendStatus({ code: error.code, details: error.details, metadata: error.metadata })
            } else {
              failed(error)
              call.sendStatus({ code: status.INTERNAL, details: 'the call could not be checked' })
            }
          })
        }
      })
    }
  })
}
