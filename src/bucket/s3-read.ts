import { finished, type Readable } from 'node:stream'
import {
  GetObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { LogcaskError } from '../base/errors.ts'
import type { GetResult, ObjectInfo } from './bucket.ts'
import { answered, Patterns, requestLike, sendLike, type WireResponse } from './s3-pattern.ts'
import type { Outcome, S3Place } from './s3-request.ts'

export interface ReadRequest {
  version?: string | undefined
  /** Holds at least one byte. */
  range?: { start: number; end: number } | undefined
  into?: Uint8Array | undefined
  signal?: AbortSignal | undefined
}

/** The content, or the range of it; undefined: the store is sure that there is no such key. */
export async function readObject(place: S3Place, key: string, request: ReadRequest): Promise<GetResult | undefined> {
  const outcome = await getObject(place, key, request)
  if (outcome.meaning !== 'beyond') return foundOf(outcome)
  const info = await readInfo(place, key, request)
  return info && { ...info, body: new Uint8Array(0) }
}

/** By its first byte: HEAD has no body, so that its errors have no code and "no such bucket" looks like "no such key". */
export async function readInfo(place: S3Place, key: string, request: ReadRequest): Promise<ObjectInfo | undefined> {
  const { version, signal } = request
  let outcome = await getObject(place, key, { version, signal, range: { start: 0, end: 1 } })
  // Of an empty object no range can be had, but the whole.
  if (outcome.meaning === 'beyond') outcome = await getObject(place, key, { version, signal })
  const found = foundOf(outcome)
  if (found === undefined) return undefined
  const { body, ...info } = found
  return info
}

function foundOf(outcome: Outcome<GetResult>): GetResult | undefined {
  if (outcome.meaning === 'acked') return outcome.output
  if (outcome.meaning === 'absent') return undefined
  throw outcome.error
}

function getObject(
  place: S3Place,
  key: string,
  { version, range, into, signal }: ReadRequest,
): Promise<Outcome<GetResult>> {
  const operation = version === undefined ? 'GetObject' : 'GetObjectVersion'
  return place.ask({ operation, key }, signal, async (client, options) => {
    const output = await send(
      client,
      {
        Bucket: place.bucket,
        Key: key,
        VersionId: version,
        Range: range && `bytes=${range.start}-${range.end - 1}`,
      },
      options,
    )
    // In Node the SDK's body is the response itself.
    const response = output.Body as Readable
    const what = `${place.url}: ${key}`
    const extent = extentOf(output)
    if (extent === undefined || output.LastModified === undefined) {
      response.destroy()
      throw incomplete(what, 'an answer that is not as S3 gives it')
    }
    const { start, length, size } = extent
    const body = await collectBody(response, into?.byteLength === length ? into : new Uint8Array(length), what)
    return {
      // A store may give the whole where a part was asked for.
      body: range === undefined ? body : body.slice(range.start - start, range.end - start),
      size,
      storedAtMs: output.LastModified.getTime(),
      metadata: output.Metadata ?? {},
      versions: 1,
    }
  })
}

/** What is looked at of an answer. */
type Given = Pick<GetObjectCommandOutput, 'ContentLength' | 'ContentRange' | 'LastModified' | 'Metadata'> & {
  Body?: unknown
}

const patterns = new Patterns()

async function send(
  client: S3Client,
  input: GetObjectCommandInput & { Key: string },
  options: { abortSignal?: AbortSignal },
): Promise<Given> {
  const command = new GetObjectCommand(input)
  const { Key: key, Range: range, VersionId: version } = input
  // Versions are asked for by hand, now and then.
  if (version !== undefined) return client.send(command, options)
  const pattern = patterns.of(client)
  if (pattern === undefined) return client.send(patterns.watched(client, command, key), options)
  const request = requestLike(pattern, { key, headers: range === undefined ? {} : { range } })
  const response = await sendLike(client, pattern, request, options)
  return plainSuccess(response) ?? client.send(answered(command, response), options)
}

function plainSuccess({ statusCode, headers, body }: WireResponse): Given | undefined {
  const length = headers['content-length'] ?? ''
  const storedAtMs = Date.parse(headers['last-modified'] ?? '')
  if ((statusCode !== 200 && statusCode !== 206) || !/^\d+$/.test(length) || Number.isNaN(storedAtMs)) return undefined
  const prefix = 'x-amz-meta-'
  const ours = Object.entries(headers).filter(([name]) => name.startsWith(prefix))
  return {
    ContentLength: Number(length),
    ContentRange: headers['content-range'],
    LastModified: new Date(storedAtMs),
    Metadata: Object.fromEntries(ours.map(([name, value]) => [name.slice(prefix.length), value])),
    Body: body,
  }
}

/** Which bytes of the object the body of this answer holds; undefined where it does not say, or nonsense. */
function extentOf({ ContentRange, ContentLength }: Given): { start: number; length: number; size: number } | undefined {
  if (ContentLength === undefined) return undefined
  if (ContentRange === undefined) return { start: 0, length: ContentLength, size: ContentLength }
  const [, start, end, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange)?.map(Number) ?? []
  const isWhole = start !== undefined && end !== undefined && size !== undefined && end - start + 1 === ContentLength
  return isWhole ? { start, length: ContentLength, size } : undefined
}

/**
 * Exactly as many bytes as there is memory for. A body that ends before or after is no answer. By events: an asynchronous
 * loop would make some promises for each 64 KiB.
 */
function collectBody(response: Readable, bytes: Uint8Array, what: string): Promise<Uint8Array> {
  let done = 0
  response.on('data', (chunk: Uint8Array) => {
    if (done + chunk.byteLength <= bytes.byteLength) bytes.set(chunk, done)
    done += chunk.byteLength
  })
  return new Promise((resolve, reject) => {
    finished(response, (error) => {
      if (error) reject(error)
      else if (done !== bytes.byteLength) reject(incomplete(what, `${done} of ${bytes.byteLength} bytes`))
      else resolve(bytes)
    })
  })
}

function incomplete(what: string, problem: string): LogcaskError {
  return new LogcaskError('unavailable', `${what}: the store gave ${problem}`, {
    hint: 'the same again may give it all',
  })
}
