import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'

/** Asks a token endpoint for a token by HTTP Basic client credentials, over TLS where `ca` (PEM) is trusted; the certificate must name "localhost". */
export async function askToken (
  issuer: string, id: string, secret: string, scope: string, ca?: string | Buffer
): Promise<{ code: number, json: Record<string, unknown> }> {
  const { hostname, port } = new URL(issuer)
  const options = {
    host: hostname,
    port,
    path: '/oauth2/token',
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`, 'content-type': 'application/x-www-form-urlencoded' }
  }
  return await new Promise((resolve, reject) => {
    const call = ca === undefined ? requestHttp(options) : requestHttps({ ...options, ca, servername: 'localhost' })
    call.once('error', reject)
    call.once('response', response => {
      text(response).then(body => { resolve({ code: response.statusCode!, json: JSON.parse(body) as Record<string, unknown> }) }, reject)
    })
    call.end(String(new URLSearchParams({ grant_type: 'client_credentials', scope })))
  })
}
