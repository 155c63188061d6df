import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Where a server listens or a client connects: a path of a unix socket, or a host and a TCP port. */
export type Endpoint = { path: string } | { host: string, port: number }

/** A host name (RFC 1123 clause 2.1). What ends in a number is an IPv4 address or a mistake. */
const HOST_NAME = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i
const ENDS_IN_NUMBER = /(^|\.)\d+$/

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Reads HOST:PORT (IPv6 hosts in brackets) or unix:PATH; undefined when it is neither. Port 0 is any free one. */
export function parseEndpoint (text: string): Endpoint | undefined {
  if (text.startsWith('unix:')) return text === 'unix:' ? undefined : { path: text.slice('unix:'.length) }
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const [bracketed, host, port] = [parts?.[1], parts?.[2], Number(parts?.[3])]
  if (parts === null || port > 65535) return undefined
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined
  return isIPv4(host!) || (HOST_NAME.test(host!) && !ENDS_IN_NUMBER.test(host!)) ? { host: host!, port } : undefined
}

/** How far one can come from to reach it: "unix" by the file system's permissions, "loopback" from this machine, "network" from elsewhere. */
export function reachOf (endpoint: Endpoint): 'unix' | 'loopback' | 'network' {
  if ('path' in endpoint) return 'unix'
  const { host } = endpoint
  if (host.toLowerCase() === 'localhost') return 'loopback'
  const family = isIPv4(host) ? 'ipv4' : isIPv6(host) ? 'ipv6' : undefined
  return family !== undefined && loopback.check(host, family) ? 'loopback' : 'network'
}
