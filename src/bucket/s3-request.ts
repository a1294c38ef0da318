import type { S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '../base/clock.ts'
import { LogcaskError, messageOf } from '../base/errors.ts'
import { type Meaning, meaningOf, type StoreAnswer } from './answer.ts'
import type { S3Connected, S3Connection } from './s3-client.ts'
import { describeAnswer, type RemedyPlace, remedyFor, type S3Request } from './s3-remedy.ts'

/** What became of a request. `error` is ready to be thrown where the meaning is not one that the caller expects. */
export type Outcome<T> =
  | { meaning: 'acked'; output: T }
  | { meaning: Exclude<Meaning, 'acked'>; answer: StoreAnswer; error: LogcaskError }

/**
 * Sends one request and says what its answer means; nothing is repeated here. Rejects only with the reason of an
 * aborted `signal`, or with a LogcaskError that `send` itself throws.
 */
export type Ask = <T>(
  request: S3Request,
  signal: AbortSignal | undefined,
  send: (client: S3Client, options: { abortSignal?: AbortSignal }) => Promise<T>,
) => Promise<Outcome<T>>

/** Where requests go. Keys in them and in what they give are the store's own, with the destination's prefix. */
export interface S3Place {
  ask: Ask
  bucket: string
  /** For people. */
  url: string
}

export function createAsk(
  connection: S3Connection,
  place: Omit<RemedyPlace, 'endpoint' | 'proxy' | 'certificate'> & { url: string },
  clock: Clock,
): Ask {
  return async (request, signal, send) => {
    let connected: S3Connected | undefined
    try {
      signal?.throwIfAborted()
      connected = await connection.connect()
      const { client } = connected
      const output = await connection.way.inTurn(() => {
        signal?.throwIfAborted()
        return send(client, signal ? { abortSignal: signal } : {})
      })
      return { meaning: 'acked', output }
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      if (cause instanceof LogcaskError) throw cause
      const failure = answerOf(cause)
      // Before there is a client to ask with, a failure without a name is one of configuration.
      const answer = connected ? failure : { ...failure, code: failure.code ?? 'CredentialsProviderError' }
      const meaning = failureOf(answer)
      if (connected && (meaning === 'refused' || expired.has(answer.code ?? ''))) connection.forget(connected)
      const asked = connected ? request : { ...request, operation: 'credentials' }
      const endpoint = connected?.endpoint
      const { proxyFor, certificate } = connection.way
      const way = connected && {
        endpoint,
        proxy: proxyFor(endpoint ?? `https://${place.bucket}.s3.amazonaws.com`),
        certificate: certificate(),
      }
      const error = new LogcaskError(
        meaning === 'refused' ? 'refused' : 'unavailable',
        `${place.url}: ${describeAnswer(answer, asked)}`,
        { hint: remedyFor(answer, asked, { ...place, endpoint, ...way }, clock.now()), cause },
      )
      return { meaning, answer, error }
    }
  }
}

/** The output, or the error thrown: for requests to which there is but one good answer. */
export function outputOf<T>(outcome: Outcome<T>): T {
  if (outcome.meaning === 'acked') return outcome.output
  throw outcome.error
}

/** A success that is none: what answers is no S3 store. A welcome page, say. */
export function oddAnswer(place: S3Place, operation: string): LogcaskError {
  return new LogcaskError('unavailable', `${place.url}: ${operation} was answered with success, but not as S3 does`, {
    hint: 'check endpoint:: something answers that is no S3 store',
  })
}

const expired = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'])

/** A 2xx that could not be read tells nothing. */
function failureOf(answer: StoreAnswer): Exclude<Meaning, 'acked'> {
  const meaning = meaningOf(answer)
  return meaning === 'acked' ? 'unknown' : meaning
}

/** The fields of the SDK's exceptions and of Node's errors, as far as they are there. */
interface Failure {
  name?: unknown
  code?: unknown
  Region?: unknown
  ServerTime?: unknown
  /** Of a proxy that was to make a tunnel. */
  statusCode?: unknown
  $metadata?: { httpStatusCode?: unknown }
  $response?: { statusCode?: unknown; headers?: Record<string, string | undefined>; body?: unknown }
}

export function answerOf(cause: unknown): StoreAnswer {
  const failure: Failure = typeof cause === 'object' && cause !== null ? cause : {}
  const { name, Region, ServerTime, $metadata, $response } = failure
  const headers = $response?.headers ?? {}
  const status = $metadata?.httpStatusCode ?? $response?.statusCode
  const storeTimeMs = Date.parse(textOf(ServerTime) ?? headers.date ?? '')
  const said = messageOf(cause)
  const page = pageTitle($response?.body)
  const code = codeOnTheWay(failure, status === undefined ? said : '', page) ?? wordOf(failure.code)
  return {
    status: typeof status === 'number' ? status : undefined,
    code: code ?? (name === 'Error' ? undefined : wordOf(name)),
    message: page ?? plainMessage(said),
    region: wordOf(headers['x-amz-bucket-region']) ?? wordOf(Region),
    storeTimeMs: Number.isNaN(storeTimeMs) ? undefined : storeTimeMs,
  }
}

/** What TLS and proxies say, which neither has a field for. */
function codeOnTheWay({ code, statusCode }: Failure, said: string, page: string | undefined): string | undefined {
  // nginx takes the connection and answers 400, in a page, where others end it with an alert.
  if (page !== undefined && /No required SSL certificate was sent|SSL certificate error/.test(page)) {
    return 'ClientCertificateRequired'
  }
  if (code === 'ERR_PROXY_TUNNEL' && typeof statusCode === 'number') {
    return statusCode < 500 && statusCode !== 408 && statusCode !== 429 ? 'ProxyRefused' : code
  }
  // OpenSSL's reason, which Node gives as a code when it reads, and hides in an EPROTO when it writes.
  const reason = /\bEPROTO\b.*:SSL routines:[^:]*:([^:]+):/.exec(said)?.[1]
  return reason && `ERR_SSL_${reason.toUpperCase().replace(/\W+/g, '_')}`
}

/** What a page says that came where XML was to come: from a proxy, most likely. */
function pageTitle(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined
  return /<title>\s*([^<]{1,200}?)\s*<\/title>/i.exec(body.slice(0, 4096))?.[1]
}

/** Without what the SDK says about itself. */
function plainMessage(message: string): string | undefined {
  const idleMs = /timed out after (\d+) ms of inactivity/.exec(message)?.[1]
  if (idleMs !== undefined) return `nothing moved for ${idleMs} ms`
  return message.includes('$response') ? undefined : message
}

/** Codes and regions are shown as they are: anything but a word is none (I9). */
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.-]{1,100}$/.test(value) ? value : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
