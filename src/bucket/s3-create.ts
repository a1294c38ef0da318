import { Readable } from 'node:stream'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Metadata } from '../format/segment.ts'

/** One object to be created: `sha256` in hex, of all of the body. */
export interface Creation {
  bucket: string
  key: string
  body: Uint8Array
  sha256: string
  metadata: Metadata | undefined
}

/** The fields of the SDK's requests and answers that are looked at here. */
interface WireRequest {
  method: string
  protocol: string
  hostname: string
  port?: number
  path: string
  query: Record<string, string>
  headers: Record<string, string>
  body?: unknown
}
interface WireResponse {
  statusCode: number
  headers: Record<string, string>
  body: Readable
}
interface Signer {
  sign(request: WireRequest, options: object): Promise<WireRequest>
}
interface Handler {
  handle(request: WireRequest, options: { abortSignal?: AbortSignal }): Promise<{ response: WireResponse }>
}

/** What the SDK makes of a creation, but for what is the creation's own. */
interface Pattern {
  request: WireRequest
  /** Before the key. */
  base: string
  signer: Signer
  signing: { signingRegion: string | undefined; signingService: string | undefined }
}

/** Where a creation goes, and how it is signed, is the same for all of one client: the SDK finds it out once. */
const patterns = new WeakMap<S3Client, Pattern>()

/**
 * Creates an object, or rejects with the SDK's error; the ETag, or undefined where a success is none. The SDK's own way
 * from a command to an answer costs three times what is below, most of it garbage: of ten thousand small files it is the
 * largest part. So the first request goes that way, and the next are made after it, signed by the SDK's signer, sent by
 * its handler, and every answer but a plain success is judged by it.
 */
export async function createObject(
  client: S3Client,
  creation: Creation,
  options: { abortSignal?: AbortSignal },
): Promise<string | undefined> {
  const pattern = patterns.get(client)
  if (pattern === undefined) return (await client.send(watchedCommand(client, creation), options)).ETag
  const signed = await pattern.signer.sign(requestOf(pattern, creation), pattern.signing)
  const { response } = await (client.config.requestHandler as unknown as Handler).handle(signed, options)
  if (isPlainSuccess(pattern.request, response)) {
    // Its end gives the connection back.
    await new Promise<void>((resolve, reject) => {
      response.body.once('end', resolve).once('error', reject).resume()
    })
    return response.headers.etag
  }
  return (await client.send(answeredCommand(creation, response), options)).ETag
}

/** No more can be said of it than that the object is stored, and as it was asked for. */
function isPlainSuccess({ headers: asked }: WireRequest, { statusCode, headers }: WireResponse): boolean {
  const encryption = 'x-amz-server-side-encryption'
  const isAsAsked = asked[encryption] === undefined || asked[encryption] === headers[encryption]
  return statusCode === 200 && headers['content-length'] === '0' && headers.etag !== undefined && isAsAsked
}

/** These are made anew for each request, or say what only one of them is. */
const own =
  /^(?:amz-sdk-.*|authorization|content-length|if-none-match|x-amz-(?:date|content-sha256|checksum-.*|security-token|meta-.*))$/

function requestOf({ request, base }: Pattern, { key, body, sha256, metadata }: Creation): WireRequest {
  const headers: Record<string, string> = {
    ...request.headers,
    'content-length': String(body.byteLength),
    'if-none-match': '*',
    'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64'),
    'x-amz-content-sha256': sha256,
  }
  for (const name in metadata) headers[`x-amz-meta-${name}`.toLowerCase()] = metadata[name] ?? ''
  // Over plain HTTP what is left of a write is seen to shrink: one of four megabytes costs less than sixteen.
  return {
    ...request,
    path: base + encodedKey(key),
    headers,
    body: request.protocol === 'http:' ? body : inPieces(body),
  }
}

/** As the SDK writes it, and S3's signatures have it. */
function encodedKey(key: string): string {
  return key
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('/')
}

function commandOf({ bucket, key, body, sha256, metadata }: Creation): PutObjectCommand {
  return new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: inPieces(body),
    ContentLength: body.byteLength,
    IfNoneMatch: '*',
    ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
    Metadata: metadata,
  })
}

/** What the SDK's signing middleware has at hand. */
interface SigningContext {
  __smithy_context?: { selectedHttpAuthScheme?: { httpAuthOption?: Partial<AuthOption> } }
  endpointV2?: { properties?: { authSchemes?: unknown[]; backend?: string } }
}
interface AuthOption {
  schemeId: string
  signingProperties: { signingRegion?: string; signingName?: string }
}

/** The SDK's own way; the request that it makes is a pattern for the next ones. */
function watchedCommand(client: S3Client, creation: Creation): PutObjectCommand {
  const command = commandOf(creation)
  command.middlewareStack.add(
    (next, context) => async (args) => {
      const pattern = await patternOf(client, args.request as WireRequest, context as SigningContext, creation.key)
      if (pattern !== undefined) patterns.set(client, pattern)
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low', name: 'watchCreation' },
  )
  return command
}

/** Undefined where requests are signed by another scheme, or their paths do not end in the key: then each is the SDK's. */
async function patternOf(
  client: S3Client,
  request: WireRequest,
  { __smithy_context: smithy, endpointV2 }: SigningContext,
  key: string,
): Promise<Pattern | undefined> {
  const { schemeId, signingProperties = {} } = smithy?.selectedHttpAuthScheme?.httpAuthOption ?? {}
  const path = encodedKey(key)
  const { authSchemes = [], backend } = endpointV2?.properties ?? {}
  if (schemeId !== 'aws.auth#sigv4' || backend !== undefined || !request.path.endsWith(`/${path}`)) return undefined
  const signer = (await client.config.signer(authSchemes[0] as never)) as unknown as Signer
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !own.test(name)))
  const { method, protocol, hostname, port, query } = request
  return {
    request: { method, protocol, hostname, ...(port !== undefined && { port }), path: '', query, headers },
    base: request.path.slice(0, -path.length),
    signer,
    signing: { signingRegion: signingProperties.signingRegion, signingService: signingProperties.signingName },
  }
}

/** The SDK's own judgement of an answer that is there already. */
function answeredCommand({ bucket, key }: Creation, response: WireResponse): PutObjectCommand {
  const command = new PutObjectCommand({ Bucket: bucket, Key: key })
  command.middlewareStack.add(() => async () => ({ response, output: undefined as never }), {
    step: 'deserialize',
    priority: 'low',
    name: 'answered',
  })
  return command
}

/**
 * Written at once, a body over TLS would be encrypted at once (as much memory again), and a slow line would count as a
 * dead one: nothing is seen to move before all is out. 256 KiB in 30 s is slower than any line that is worth the wait.
 */
export const pieceBytes = 256 * 1024

/** Views of the same bytes; small bodies go out in one packet with the headers. */
function inPieces(body: Uint8Array): Uint8Array | Readable {
  if (body.byteLength <= pieceBytes) return body
  let at = 0
  return new Readable({
    highWaterMark: pieceBytes,
    read() {
      const from = at
      at += pieceBytes
      this.push(from < body.byteLength ? body.subarray(from, at) : null)
    },
  })
}
