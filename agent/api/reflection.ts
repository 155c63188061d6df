import { status, type Server, type ServerDuplexStream } from '@grpc/grpc-js'
import {
  ServerReflectionService,
  type ServerReflectionRequest,
  type ServerReflectionResponse
} from '../../gen/grpc/reflection/v1/reflection.ts'
import { Descriptors, readDescriptorSet } from './descriptors.ts'

/** The earlier version differs in its path only. */
const ALPHA_PATH = '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo'

type Answer = NonNullable<ServerReflectionResponse['messageResponse']>

/**
 * Adds server reflection (v1 and v1alpha), since the documented command lines carry no schema. The descriptors are those that the
 * generated code was made from, options included. `services`: those that are listed.
 */
export function addReflection (server: Server, services: readonly string[]): void {
  const descriptors = new Descriptors(readDescriptorSet())
  const serverReflectionInfo = (call: ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>): void => {
    call.on('data', (request: ServerReflectionRequest) => {
      const answer = { validHost: request.host, originalRequest: request, messageResponse: answerTo(request, descriptors, services) }
      // A client that asks and does not read is not asked for more.
      if (!call.write(answer)) {
        call.pause()
        call.once('drain', () => { call.resume() })
      }
    })
    call.on('end', () => { call.end() })
    call.on('error', () => {})
  }
  const { serverReflectionInfo: method } = ServerReflectionService
  server.addService(ServerReflectionService, { serverReflectionInfo })
  server.addService({ serverReflectionInfo: { ...method, path: ALPHA_PATH } }, { serverReflectionInfo })
}

function answerTo ({ messageRequest }: ServerReflectionRequest, descriptors: Descriptors, services: readonly string[]): Answer {
  switch (messageRequest?.$case) {
    case 'listServices': return { $case: 'listServicesResponse', value: { service: services.map(name => ({ name })) } }
    case 'fileByFilename': return files(descriptors.file(messageRequest.value))
    case 'fileContainingSymbol': return files(descriptors.fileOf(messageRequest.value))
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = messageRequest.value
      return files(descriptors.fileOfExtension(containingType, extensionNumber))
    }
    case 'allExtensionNumbersOfType': {
      const numbers = descriptors.extensions(messageRequest.value)
      if (numbers === undefined) return notFound()
      return { $case: 'allExtensionNumbersResponse', value: { baseTypeName: messageRequest.value, extensionNumber: numbers } }
    }
    case undefined: return { $case: 'errorResponse', value: { errorCode: status.INVALID_ARGUMENT, errorMessage: 'the request asks nothing' } }
  }
}

function files (found: Uint8Array[] | undefined): Answer {
  if (found === undefined) return notFound()
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: found.map(bytes => Buffer.from(bytes)) } }
}

function notFound (): Answer {
  return { $case: 'errorResponse', value: { errorCode: status.NOT_FOUND, errorMessage: 'there is nothing of that name' } }
}
