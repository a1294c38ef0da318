import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reply } from './fault-s3-reply.ts'

/** Counts in `logged` what comes. Undefined: it did not come whole. Ends the connection itself after `bytesMax`. */
export async function readBody(
  request: IncomingMessage,
  logged: { bytes: number },
  bytesMax: number | undefined,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      logged.bytes += chunk.byteLength
      if (bytesMax !== undefined && logged.bytes >= bytesMax) return void request.destroy()
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}

/** With `bytesMax` the connection ends in the middle of the body. */
export function respond(response: ServerResponse, { status, headers, body }: Reply, bytesMax?: number): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : (body ?? Buffer.alloc(0))
  response.writeHead(status, {
    'x-amz-request-id': 'FAULT',
    ...(status === 204 ? {} : { 'content-length': String(bytes.byteLength) }),
    ...headers,
  })
  if (bytesMax === undefined || bytesMax >= bytes.byteLength) return void response.end(bytes)
  response.write(bytes.subarray(0, bytesMax), () => cut(response))
}

/** As a dead line or a killed process does it. */
export function cut(response: ServerResponse): void {
  response.socket?.destroy()
}
