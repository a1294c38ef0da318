import type { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'

/** The fields of the SDK's requests and answers that are looked at here. */
export interface WireRequest {
  method: string
  protocol: string
  hostname: string
  port?: number
  path: string
  query: Record<string, string>
  headers: Record<string, string>
  body?: unknown
}
export interface WireResponse {
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

/** What the SDK makes of a request for an object, but for what is the request's own. */
export interface Pattern {
  request: WireRequest
  /** Before the key. */
  base: string
  signer: Signer
  signing: { signingRegion: string | undefined; signingService: string | undefined }
}

/** The SDK's commands, as far as their ways are looked into. */
interface Command {
  middlewareStack: { add(middleware: unknown, options: { step: string; priority: string; name: string }): void }
}
type Next = (args: { request: unknown }) => Promise<unknown>

/**
 * Where a request goes, and how it is signed, is the same for all of one kind and client: the SDK finds it out once. Its own
 * way from a command to an answer costs three times what is below, most of it garbage: of ten thousand small objects it
 * is the largest part. So the first request goes that way, and the next are made after it, signed by the SDK's signer, sent
 * by its handler, and every answer but a plain success is judged by it.
 */
export class Patterns {
  readonly #known = new WeakMap<S3Client, Pattern>()

  of(client: S3Client): Pattern | undefined {
    return this.#known.get(client)
  }

  /** `command`, with an eye on it: the request that the SDK makes of it is a pattern for the next ones. */
  watched<C>(client: S3Client, command: C, key: string): C {
    add(command, 'finalizeRequest', 'watched', (next, context) => async (args) => {
      const pattern = await patternOf(client, args.request as WireRequest, context as SigningContext, key)
      if (pattern !== undefined) this.#known.set(client, pattern)
      return next(args)
    })
    return command
  }
}

/** The pattern, with what is the request's own. */
export function requestLike(
  { request, base }: Pattern,
  { key, headers, body }: { key: string; headers: Record<string, string>; body?: unknown },
): WireRequest {
  return { ...request, path: base + encodedKey(key), headers: { ...request.headers, ...headers }, body }
}

export async function sendLike(
  client: S3Client,
  { signer, signing }: Pattern,
  request: WireRequest,
  options: { abortSignal?: AbortSignal },
): Promise<WireResponse> {
  const signed = await signer.sign(request, signing)
  const { response } = await (client.config.requestHandler as unknown as Handler).handle(signed, options)
  return response
}

/** `command`, sent already: the SDK's own judgement of an answer that is there. */
export function answered<C>(command: C, response: WireResponse): C {
  add(command, 'deserialize', 'answered', () => async () => ({ response, output: undefined }))
  return command
}

function add(command: unknown, step: string, name: string, middleware: (next: Next, context: unknown) => Next): void {
  ;(command as Command).middlewareStack.add(middleware, { step, priority: 'low', name })
}

/** These are made anew for each request, or say what only one of them is. */
const own =
  /^(?:amz-sdk-.*|authorization|content-length|if-none-match|range|x-amz-(?:date|content-sha256|checksum-.*|security-token|meta-.*))$/

/** As the SDK writes it, and S3's signatures have it. */
function encodedKey(key: string): string {
  return key
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('/')
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
