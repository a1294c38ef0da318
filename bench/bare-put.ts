/**
 * What a shipper costs at the very least: read, hash once, sign (SigV4), PUT create-only, keep so many in flight. Nothing
 * is known afterwards, nothing is retried.
 *
 *     node bench/bare-put.ts ENDPOINT BUCKET SEGMENT_BYTES AT_ONCE PATH      a file, or every file in a directory
 */
import { createHmac, hash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'

const [endpoint = '', bucket = '', segmentText = '', atOnceText = '', path = ''] = process.argv.slice(2)
const segmentBytes = Number(segmentText)
const atOnce = Number(atOnceText)
const { hostname, port, host } = new URL(endpoint)
const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
const accessKey = 'test'
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

let signingDay = ''
let signingKey: Buffer = Buffer.alloc(0)

function keyFor(day: string): Buffer {
  if (day !== signingDay) {
    signingKey = hmac(hmac(hmac(hmac('AWS4testtest1', day), 'us-east-1'), 's3'), 'aws4_request')
    signingDay = day
  }
  return signingKey
}

/** Key characters are such that nothing has to be encoded. */
function put(key: string, body: Uint8Array): Promise<void> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const day = time.slice(0, 8)
  const digest = hash('sha256', body, 'buffer')
  const headers = {
    host,
    'if-none-match': '*',
    'x-amz-checksum-sha256': digest.toString('base64'),
    'x-amz-content-sha256': digest.toString('hex'),
    'x-amz-date': time,
  }
  const signed = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const canonical = `PUT\n/${bucket}/${key}\n\n${lines.join('')}\n${signed}\n${headers['x-amz-content-sha256']}`
  const scope = `${day}/us-east-1/s3/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', canonical)}`
  const signature = hmac(keyFor(day), text).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent,
        hostname,
        port,
        method: 'PUT',
        path: `/${bucket}/${key}`,
        headers: { ...headers, authorization, 'content-length': body.byteLength },
      },
      (response) => {
        response.resume()
        response.once('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode} for ${key}`)),
        )
      },
    )
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

/** Every segment of a file, or of each file. */
async function* segments(): AsyncGenerator<{ path: string; name: string; offset: number; length: number }> {
  const root = await stat(path)
  const names = root.isDirectory() ? await readdir(path) : ['']
  for (const [number, name] of names.entries()) {
    const file = name === '' ? path : join(path, name)
    const { size } = name === '' ? root : await stat(file)
    for (let offset = 0; offset < size; offset += segmentBytes) {
      yield { path: file, name: String(number), offset, length: Math.min(segmentBytes, size - offset) }
    }
  }
}

const source = segments()
async function work(): Promise<void> {
  const buffer = Buffer.allocUnsafe(segmentBytes)
  for (let next = await source.next(); !next.done; next = await source.next()) {
    const { path: file, name, offset, length } = next.value
    const handle = await open(file)
    const { bytesRead } = await handle.read(buffer, 0, length, offset)
    await handle.close()
    await put(`bare/${process.pid}/${name}/${String(offset).padStart(20, '0')}`, buffer.subarray(0, bytesRead))
  }
}
await Promise.all(Array.from({ length: atOnce }, work))
agent.destroy()
