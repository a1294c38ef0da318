/**
 * A store that costs next to nothing, in a process of its own: it answers like S3 and forgets what it is sent, except
 * for small bodies. Prints its port, and with --log each object as it is complete: `<monotonic ns> <size> <path>`.
 *
 *     node bench/sink.ts [--log] [--hang] [--keep] [--wait=MS]    --hang: never answers the PUT of a segment;
 *     --keep: remembers them; --wait: answers so much later
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** Probes, small files and records are read back whole; of a backlog's segments, the beginning and the end at most. */
const keptBytesMax = 64 * 1024
const edgeBytes = 4096
const pageMax = 1000

interface Stored {
  size: number
  /** Pieces of the body that are kept, with their offsets. */
  kept: { offset: number; bytes: Buffer }[]
  headers: Record<string, string>
  at: string
}

const isLogged = process.argv.includes('--log')
const isHanging = process.argv.includes('--hang')
const isKeeping = process.argv.includes('--keep')
const waitMs = Number(process.argv.find((one) => one.startsWith('--wait='))?.slice('--wait='.length) ?? 0)
const objects = new Map<string, Stored>()
/** In order, so that a listing costs what it answers. */
const paths: string[] = []
/** What came in parts so far, by upload; small ones, which a probe reads back, with their bytes. */
const uploads = new Map<string, { size: number; bytes: Buffer }>()
const counts: Record<string, number> = {}

function firstFrom(path: string): number {
  let low = 0
  let high = paths.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((paths[middle] ?? '') < path) low = middle + 1
    else high = middle
  }
  return low
}

function store(path: string, stored: Stored): void {
  if (!objects.has(path)) paths.splice(firstFrom(path), 0, path)
  objects.set(path, stored)
  if (isLogged) process.stdout.write(`${process.hrtime.bigint()} ${stored.size} ${path}\n`)
}

/** By plain events: an asynchronous loop would cost the machine more than some of those that it measures. */
function receive(request: IncomingMessage, bytesMax = keptBytesMax): Promise<Pick<Stored, 'size' | 'kept'>> {
  let size = 0
  let parts: Buffer[] = []
  let head: Buffer | undefined
  let tail: Buffer = Buffer.alloc(0)
  const total = Number(request.headers['content-length'] ?? 0)
  request.on('data', (part: Buffer) => {
    if (size === 0) head = Buffer.from(part.subarray(0, edgeBytes))
    size += part.byteLength
    if (size <= bytesMax) parts.push(part)
    else parts = []
    if (size + edgeBytes > total) tail = Buffer.concat([tail, part]).subarray(-edgeBytes)
  })
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('end', () => {
      if (size <= bytesMax) return resolve({ size, kept: [{ offset: 0, bytes: Buffer.concat(parts) }] })
      const edges = [
        { offset: 0, bytes: head ?? tail },
        { offset: size - tail.byteLength, bytes: Buffer.from(tail) },
      ]
      resolve({ size, kept: edges })
    })
  })
}

const etag = { ETag: '"0123456789abcdef0123456789abcdef-1"' }

function answer(response: ServerResponse, status: number, body = '', headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), 'x-amz-request-id': 'sink', ...headers })
  response.end(body)
}

function refuse(response: ServerResponse, status: number, code: string): void {
  answer(response, status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`, xml)
}

const xml = { 'Content-Type': 'application/xml' }
const escapeXml = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

async function put(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams) {
  const isCreate = request.headers['if-none-match'] === '*'
  const { size, kept } = await receive(request, isKeeping && path.includes('/segments/') ? Infinity : keptBytesMax)
  if (isHanging && path.includes('/segments/')) return
  if (query.has('partNumber')) {
    const upload = uploads.get(query.get('uploadId') ?? '')
    if (upload === undefined) return refuse(response, 404, 'NoSuchUpload')
    upload.size += size
    upload.bytes = Buffer.concat([upload.bytes, kept[0]?.bytes ?? Buffer.alloc(0)]).subarray(0, keptBytesMax)
    return answer(response, 200, '', etag)
  }
  if (isCreate && objects.has(path)) return refuse(response, 412, 'PreconditionFailed')
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') ? [[name, String(value)]] : [],
    ),
  )
  store(path, { size, kept, headers, at: new Date().toUTCString() })
  answer(response, 200, '', etag)
}

async function get(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const found = objects.get(path)
  if (found === undefined) return refuse(response, 404, 'NoSuchKey')
  const { size, kept, headers, at } = found
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const from = range ? Number(range[1]) : 0
  const to = range?.[2] ? Math.min(Number(range[2]) + 1, size) : size
  const common = { ...headers, ...etag, 'Last-Modified': at, 'Content-Length': String(to - from) }
  const piece = kept.find(({ offset, bytes }) => from >= offset && to <= offset + bytes.byteLength)
  if (request.method === 'GET' && piece === undefined) return refuse(response, 500, 'SinkForgotThis')
  const contentRange = range ? { 'Content-Range': `bytes ${from}-${to - 1}/${size}` } : {}
  response.writeHead(range ? 206 : 200, { ...common, ...contentRange })
  response.end(
    request.method === 'GET' && piece ? piece.bytes.subarray(from - piece.offset, to - piece.offset) : undefined,
  )
}

function list(response: ServerResponse, bucket: string, query: URLSearchParams): void {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const entries: string[] = []
  const folded = new Set<string>()
  let last = ''
  let isTruncated = false
  const begin = after > prefix ? after : prefix
  for (let at = firstFrom(`/${bucket}/${begin}`); at < paths.length; at++) {
    const key = (paths[at] ?? '').slice(bucket.length + 2)
    if (!key.startsWith(prefix)) break
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const fold = cut < 0 ? undefined : key.slice(0, cut + 1)
    if (key <= after || (fold !== undefined && (folded.has(fold) || after.startsWith(fold)))) continue
    if (entries.length + folded.size === pageMax) {
      isTruncated = true
      break
    }
    last = fold === undefined ? key : `${fold}\u{10ffff}`
    if (fold !== undefined) folded.add(fold)
    else {
      const { size = 0, at: storedAt = '' } = objects.get(paths[at] ?? '') ?? {}
      const when = new Date(storedAt).toISOString()
      entries.push(
        `<Contents><Key>${escapeXml(key)}</Key><Size>${size}</Size><LastModified>${when}</LastModified></Contents>`,
      )
    }
  }
  const prefixes = [...folded].map((one) => `<CommonPrefixes><Prefix>${escapeXml(one)}</Prefix></CommonPrefixes>`)
  const next = isTruncated ? `<NextContinuationToken>${escapeXml(last)}</NextContinuationToken>` : ''
  const body = `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${entries.join('')}${prefixes.join('')}</ListBucketResult>`
  answer(response, 200, body, xml)
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sink')
  const path = decodeURIComponent(url.pathname)
  const query = url.searchParams
  if (path === '/-/counts') return answer(response, 200, JSON.stringify(counts))
  counts[request.method ?? ''] = (counts[request.method ?? ''] ?? 0) + 1
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?([\s\S]*)$/.exec(path) ?? []
  if (key === '') {
    if (request.method === 'PUT' || request.method === 'HEAD') return answer(response, 200)
    if (query.has('versioning')) return answer(response, 200, '<VersioningConfiguration/>', xml)
    return list(response, bucket, query)
  }
  if (request.method === 'PUT') return put(request, response, path, query)
  if (request.method === 'GET' || request.method === 'HEAD') return get(request, response, path)
  await receive(request)
  if (query.has('uploads')) {
    const id = `${uploads.size}`
    uploads.set(id, { size: 0, bytes: Buffer.alloc(0) })
    const body = `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`
    return answer(response, 200, body, xml)
  }
  if (request.method === 'DELETE') return answer(response, 204)
  if (request.headers['if-none-match'] === '*' && objects.has(path)) return refuse(response, 412, 'PreconditionFailed')
  const { size = 0, bytes = Buffer.alloc(0) } = uploads.get(query.get('uploadId') ?? '') ?? {}
  store(path, { size, kept: [{ offset: 0, bytes }], headers: {}, at: new Date().toUTCString() })
  answer(response, 200, `<CompleteMultipartUploadResult><ETag>${etag.ETag}</ETag></CompleteMultipartUploadResult>`, xml)
}

const server = createServer((request, response) => {
  const answer = (): void => void serve(request, response).catch(() => response.destroy())
  if (waitMs > 0) setTimeout(answer, waitMs)
  else answer()
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`port ${typeof address === 'object' ? address?.port : ''}\n`)
})
