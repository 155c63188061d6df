import { readFileSync } from 'node:fs'
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'
import type { Server } from '@grpc/grpc-js'

/** Services that the public server shows; the control service is not on it. */
export const SERVICES = ['wgtwo.subscription.v1.SubscriptionEventService', 'wgtwo.sms.v1.SmsService', 'landfall.v1.EventService']

/**
 * Adds server reflection (v1 and v1alpha), since the documented command lines carry no schema. The descriptors are those that the
 * generated code was made from.
 */
export function addReflection (server: Server): void {
  const descriptors = readFileSync(new URL('../../gen/descriptors.binpb', import.meta.url))
  new ReflectionService(loadFileDescriptorSetFromBuffer(descriptors), { services: SERVICES }).addToServer(server)
}
