import { createHash, createHmac } from 'node:crypto'
import type { ProxiedRequest } from './proxy.ts'
import type { S3Target } from './target.ts'

/**
 * A store on http:// verifies the signature for the Host that it is sent, and that is the proxy's: the request goes on
 * as the product signed it. Behind TLS the name of the store decides who answers at all: there the proxy puts it in and
 * signs anew with the same credentials, what was sent of the body's hash included.
 */
export function createSigner(target: S3Target): ((request: ProxiedRequest) => Promise<string[]>) | undefined {
  if (!target.endpoint.startsWith('https:')) return undefined
  const { host } = new URL(target.endpoint)
  return async (request) => {
    const { accessKeyId, secretAccessKey, sessionToken } = await target.client.config.credentials()
    return signHeaders(request, {
      host,
      region: target.region,
      accessKeyId,
      secretAccessKey,
      sessionToken,
      now: new Date(),
    })
  }
}

export interface SigningFacts {
  host: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
  now: Date
}

/** SigV4 in a header (AWS, "Signature Version 4 signing process"), for the request under another host's name. */
export function signHeaders({ method, url, headers }: ProxiedRequest, facts: SigningFacts): string[] {
  const date = facts.now.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const kept = new Map<string, string>()
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]?.toLowerCase() ?? ''
    if (!/^(?:authorization|host|connection|x-amz-date|x-amz-security-token)$/.test(name))
      kept.set(name, headers[at + 1] ?? '')
  }
  kept.set('host', facts.host)
  kept.set('x-amz-date', date)
  if (facts.sessionToken !== undefined) kept.set('x-amz-security-token', facts.sessionToken)
  const payload = kept.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD'
  kept.set('x-amz-content-sha256', payload)
  const signed = [...kept.keys()].filter((name) => name === 'host' || /^(?:x-amz-|content-type|content-md5)/.test(name))
  const names = signed.sort().join(';')
  const [path = '/', query = ''] = url.split('?', 2)
  const parameters = query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => (part.includes('=') ? part : `${part}=`))
    .sort()
  const lines = signed.map((name) => `${name}:${(kept.get(name) ?? '').trim().replaceAll(/ +/g, ' ')}`)
  const canonical = [method, path, parameters.join('&'), ...lines, '', names, payload].join('\n')
  const day = date.slice(0, 8)
  const scope = `${day}/${facts.region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = [day, facts.region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${facts.secretAccessKey}`,
  )
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  kept.set(
    'authorization',
    `AWS4-HMAC-SHA256 Credential=${facts.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  )
  return [...kept].flat()
}
