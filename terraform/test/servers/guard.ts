import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { isAllowed, type Principal } from '../policy/engine.ts'
import type { Policies } from '../policy/policies.ts'

/**
 * In front of a store that enforces nothing: each request is what IAM would call it, judged by the planned policies, and handed on or
 * answered 403. So the programs themselves show whether their roles are enough.
 */
export interface Guard {
  endpoint: string
  /** Action and key of what was refused. */
  refused: string[]
  /** Actions that were let through. */
  used: Set<string>
  close(): Promise<void>
}

export async function startGuard(
  store: string,
  policies: Policies,
  account: string,
  /** Bucket → name of its policy. */
  buckets: ReadonlyMap<string, string>,
  /** Access key → who has it. */
  principals: ReadonlyMap<string, Principal>,
): Promise<Guard> {
  const refused: string[] = []
  const used = new Set<string>()
  const server = createServer((asked, answer) => {
    judge(asked).then(
      (why) => (why === undefined ? handOn(store, asked, answer) : deny(answer, why)),
      (error: Error) => deny(answer, error.message),
    )
  })

  async function judge(asked: IncomingMessage): Promise<string | undefined> {
    const { bucket, key, action, context } = callOf(asked)
    const by = principals.get(/Credential=([^/]+)\//.exec(asked.headers.authorization ?? '')?.[1] ?? '')
    const policy = buckets.get(bucket)
    if (by === undefined || policy === undefined) return `${action} of nobody, or of no bucket ${bucket}`
    // The store is asked by plain http; what the policies make of that is tried elsewhere.
    const always = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3', 'aws:PrincipalIsAWSService': 'false' }
    const on = { arn: `arn:aws:s3:::${bucket}`, account, policy }
    if (await isAllowed(policies, { by, action, on, key, context: { ...always, ...context } })) {
      used.add(action)
      return undefined
    }
    refused.push(`${action} ${bucket}/${key ?? ''} ${JSON.stringify(context)}`)
    return `${action} is not allowed`
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    refused,
    used,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The action, and the condition keys that S3 makes of the request. Throws for one that nobody here sends. */
function callOf({ url = '/', method = '', headers }: IncomingMessage): {
  bucket: string
  key: string | undefined
  action: string
  context: Record<string, string>
} {
  const { pathname, searchParams: query } = new URL(url, 'http://store')
  const [, bucket = '', path = ''] = /^\/([^/]+)\/?(.*)$/.exec(pathname) ?? []
  const key = path === '' ? undefined : decodeURIComponent(path)
  const has = (name: string): boolean => query.has(name)
  const call = (action: string, context: Record<string, string> = {}) => ({
    bucket,
    key,
    action: `s3:${action}`,
    context,
  })
  if (key === undefined) {
    if (method === 'GET' && has('versioning')) return call('GetBucketVersioning')
    const prefix = { 's3:prefix': query.get('prefix') ?? '' }
    if (method === 'GET' && has('versions')) return call('ListBucketVersions', prefix)
    if (method === 'GET') return call('ListBucket', prefix)
  } else {
    const condition =
      headers['if-none-match'] === undefined ? {} : { 's3:if-none-match': String(headers['if-none-match']) }
    const part = { 's3:ObjectCreationOperation': 'false' }
    const whole = { ...condition, 's3:ObjectCreationOperation': 'true' }
    if (method === 'GET' || method === 'HEAD') return call(has('versionId') ? 'GetObjectVersion' : 'GetObject')
    if (method === 'POST' && has('uploads')) return call('PutObject', part)
    if (method === 'PUT' && has('partNumber')) return call('PutObject', part)
    if (method === 'POST' && has('uploadId')) return call('PutObject', whole)
    if (method === 'PUT') return call('PutObject', whole)
    if (method === 'DELETE' && has('uploadId')) return call('AbortMultipartUpload')
    if (method === 'DELETE') return call(has('versionId') ? 'DeleteObjectVersion' : 'DeleteObject')
  }
  throw new Error(`${method} ${url} is no request of an agent or a compactor`)
}

function handOn(store: string, asked: IncomingMessage, answer: ServerResponse): void {
  const onward = request(
    new URL(asked.url ?? '/', store),
    { method: asked.method ?? 'GET', headers: asked.headers },
    (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(answer)
    },
  )
  onward.on('error', () => answer.destroy())
  asked.pipe(onward)
}

function deny(answer: ServerResponse, why: string): void {
  answer.writeHead(403, { 'content-type': 'application/xml', connection: 'close' })
  answer.end(`<Error><Code>AccessDenied</Code><Message>${why.replaceAll(/[<&]/g, ' ')}</Message></Error>`)
}
