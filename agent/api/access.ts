import { ServerInterceptingCall, status, type Metadata, type ServerInterceptor } from '@grpc/grpc-js'
import { admit, demandScope, LOCAL_CALLER, type Caller } from './caller.ts'
import type { Callers } from './callers.ts'
import type { MethodScopes } from './method-scopes.ts'
import { PermissionDenied, StatusError } from './status.ts'

/**
 * What anybody may call: health, since load balancers have no tokens, and reflection, which tells the published contract and nothing else.
 */
const OPEN = /^\/grpc\.(health\.v1\.Health|reflection\.v1(alpha)?\.ServerReflection)\//

/** Names that a connection's certificate has proven; none without TLS. */
type CertificateNames = (call: Parameters<ServerInterceptor>[1]) => readonly string[]

/** What the guard needs. */
interface GuardParts {
  scopes: MethodScopes
  /** Undefined: nobody is checked. */
  callers: Callers | undefined
  certificateNames?: CertificateNames
  /** A call could not be checked for a reason that is ours. */
  failed: (error: unknown) => void
}

/**
 * The guard of all calls: none gets to a handler before it is known who calls and whether that client may. A method that names no scope
 * serves nobody. Without `callers` nobody is checked and everybody is the client "local".
 */
export function guard ({ scopes, callers, certificateNames = () => [], failed }: GuardParts): ServerInterceptor {
  const look = async (path: string, metadata: Metadata, names: readonly string[]): Promise<Caller> => {
    const caller = callers === undefined ? LOCAL_CALLER : await callers.identify(metadata.get('authorization').map(String), names)
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
          look(path, metadata, certificateNames(call)).then(caller => {
            admit(metadata, caller)
            // Nobody behind this point needs it, so nobody can let it out.
            metadata.remove('authorization')
            go(metadata)
          }).catch((error: unknown) => {
            if (error instanceof StatusError) call.sendStatus({ code: error.code, details: error.details, metadata: error.metadata })
            else {
              failed(error)
              call.sendStatus({ code: status.INTERNAL, details: 'the call could not be checked' })
            }
          })
        }
      })
    }
  })
}
