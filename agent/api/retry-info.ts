import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { Metadata, type status } from '@grpc/grpc-js'

const { LengthDelimited, Varint } = WireType

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'

/**
 * Trailing metadata that say when to try again, in the two ways programs understand: `grpc-status-details-bin` with a google.rpc.RetryInfo
 * (google/rpc/status.proto, google/rpc/error_details.proto), and `grpc-retry-pushback-ms`, which gRPC libraries obey by themselves
 * (gRFC A6).
 */
export function retryMetadata (code: status, message: string, retryMs: number): Metadata {
  const ms = Math.max(1, Math.ceil(retryMs))
  const delay = new BinaryWriter().tag(1, Varint).uint32(Math.floor(ms / 1000)).tag(2, Varint).uint32(ms % 1000 * 1e6).finish()
  const info = new BinaryWriter().tag(1, LengthDelimited).bytes(delay).finish()
  const any = new BinaryWriter().tag(1, LengthDelimited).string(RETRY_INFO).tag(2, LengthDelimited).bytes(info).finish()
  const told = new BinaryWriter().tag(1, Varint).uint32(code).tag(2, LengthDelimited).string(message).tag(3, LengthDelimited).bytes(any).finish()
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', Buffer.from(told))
  metadata.set('grpc-retry-pushback-ms', String(ms))
  return metadata
}
