/** Time for a whole answer, and its size at most: a set of keys has a few KiB. */
const TIMEOUT_MS = 5_000
const MAX_BYTES = 262_144

/** Asks another server of the operator's for JSON. Rejects when it does not answer in 5 s, with another status than 200, or with too much. */
export async function fetchJson (url: string, request: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, { ...request, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    throw new Error(`it answered with status ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Error(`its answer has more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return parseJson(Buffer.concat(chunks).toString())
}

/** JSON whose errors repeat nothing of it: it may hold secrets. */
export function parseJson (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Error('it is no JSON')
  }
}
