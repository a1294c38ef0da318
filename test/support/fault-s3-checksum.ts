import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { crc32 } from 'node:zlib'
import { type Problem, problem } from './fault-s3-reply.ts'

/** Compares the body with every digest that came with it, as AWS does; undefined: all agree. */
export function checkDigests(headers: IncomingHttpHeaders, body: Buffer): Problem | undefined {
  const signed = headers['x-amz-content-sha256'] ?? ''
  if (typeof signed === 'string' && signed.startsWith('STREAMING-')) {
    return problem(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented.')
  }
  if (signed !== 'UNSIGNED-PAYLOAD' && signed !== digest('sha256', 'hex', body)) {
    return problem(400, 'XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match.")
  }
  for (const [name, compute] of Object.entries(digests)) {
    const given = headers[name]
    if (given !== undefined && given !== compute(body)) {
      return problem(400, 'BadDigest', `The ${name} you specified did not match the calculated checksum.`)
    }
  }
  return undefined
}

const digests: Record<string, (body: Buffer) => string> = {
  'content-md5': (body) => digest('md5', 'base64', body),
  'x-amz-checksum-sha1': (body) => digest('sha1', 'base64', body),
  'x-amz-checksum-sha256': (body) => digest('sha256', 'base64', body),
  'x-amz-checksum-crc32': (body) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(crc32(body))
    return bytes.toString('base64')
  },
}

function digest(algorithm: string, encoding: 'hex' | 'base64', body: Buffer): string {
  return createHash(algorithm).update(body).digest(encoding)
}
