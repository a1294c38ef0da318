import { Readable } from 'node:stream'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Metadata } from '../format/segment.ts'
import {
  answered,
  type Pattern,
  Patterns,
  requestLike,
  sendLike,
  type WireRequest,
  type WireResponse,
} from './s3-pattern.ts'

/** One object to be created: `sha256` in hex, of all of the body. */
export interface Creation {
  bucket: string
  key: string
  body: Uint8Array
  sha256: string
  metadata: Metadata | undefined
}

const patterns = new Patterns()

/** Creates an object, or rejects with the SDK's error; the ETag, or undefined where a success is none. */
export async function createObject(
  client: S3Client,
  creation: Creation,
  options: { abortSignal?: AbortSignal },
): Promise<string | undefined> {
  const pattern = patterns.of(client)
  if (pattern === undefined) {
    const command = patterns.watched(client, commandOf(creation), creation.key)
    return (await client.send(command, options)).ETag
  }
  const response = await sendLike(client, pattern, requestOf(pattern, creation), options)
  if (isPlainSuccess(pattern.request, response)) {
    // Its end gives the connection back.
    await new Promise<void>((resolve, reject) => {
      response.body.once('end', resolve).once('error', reject).resume()
    })
    return response.headers.etag
  }
  const command = new PutObjectCommand({ Bucket: creation.bucket, Key: creation.key })
  return (await client.send(answered(command, response), options)).ETag
}

/** No more can be said of it than that the object is stored, and as it was asked for. */
function isPlainSuccess({ headers: asked }: WireRequest, { statusCode, headers }: WireResponse): boolean {
  const encryption = 'x-amz-server-side-encryption'
  const isAsAsked = asked[encryption] === undefined || asked[encryption] === headers[encryption]
  return statusCode === 200 && headers['content-length'] === '0' && headers.etag !== undefined && isAsAsked
}

function requestOf(pattern: Pattern, { key, body, sha256, metadata }: Creation): WireRequest {
  const headers: Record<string, string> = {
    'content-length': String(body.byteLength),
    'if-none-match': '*',
    'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64'),
    'x-amz-content-sha256': sha256,
  }
  for (const name in metadata) headers[`x-amz-meta-${name}`.toLowerCase()] = metadata[name] ?? ''
  // Over plain HTTP what is left of a write is seen to shrink: one of four megabytes costs less than sixteen.
  const isPlain = pattern.request.protocol === 'http:'
  return requestLike(pattern, { key, headers, body: isPlain ? body : inPieces(body) })
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
