import { parseEndpoint, reachOf } from '../lib/endpoint.ts'

/** The settings that decide who can come in. */
interface Doors {
  listen: string
  insecure: boolean
  access?: { issuer?: { listen: string } | undefined } | undefined
  tls: { certificate: string, key: string, client_ca: string, client_certificates: 'none' | 'optional' | 'required' }
}

/** A rule over several settings. */
interface Rule {
  /** The setting that is named when it is broken. */
  path: string[]
  /** What is wrong and what to do. */
  message: string
  holds: (config: Doors) => boolean
}

const fromNetwork = (address: string): boolean => reachOf(parseEndpoint(address)!) === 'network'

/** What must hold between the settings of the doors: nothing is open, or open to more than it seems, by an oversight. */
export const DOOR_RULES: Rule[] = [
  {
    path: ['listen'],
    message: 'can be reached from the network and would be plaintext: set "tls.certificate" and "tls.key", or a loopback address, or, if everybody ' +
      'on the way may read and change everything, "insecure: true"',
    holds: ({ listen, insecure, tls }) => !fromNetwork(listen) || tls.certificate !== '' || insecure
  },
  {
    path: ['listen'],
    message: 'can be reached from the network, and nobody who calls would be checked: set "access", or a loopback address',
    holds: ({ listen, access }) => !fromNetwork(listen) || access !== undefined
  },
  {
    path: ['access', 'issuer', 'listen'],
    message: 'can be reached from the network, and secrets and tokens would be plaintext: set "tls.certificate" and "tls.key", or a loopback address',
    holds: ({ access, insecure, tls }) => access?.issuer === undefined || !fromNetwork(access.issuer.listen) || tls.certificate !== '' || insecure
  },
  {
    path: ['tls', 'certificate'],
    message: 'needs its private key: set "tls.key"',
    holds: ({ tls }) => tls.certificate === '' || tls.key !== ''
  },
  {
    path: ['tls', 'key'],
    message: 'needs its certificate: set "tls.certificate"',
    holds: ({ tls }) => tls.key === '' || tls.certificate !== ''
  },
  {
    path: ['tls', 'client_certificates'],
    message: 'can only be asked for over TLS, and checked against "tls.client_ca": set that, "tls.certificate" and "tls.key"',
    holds: ({ tls }) => tls.client_certificates === 'none' || (tls.certificate !== '' && tls.client_ca !== '')
  },
  {
    path: ['tls', 'client_ca'],
    message: 'is not used while "tls.client_certificates" is none: set that to optional or required, or remove this',
    holds: ({ tls }) => tls.client_ca === '' || tls.client_certificates !== 'none'
  }
]
