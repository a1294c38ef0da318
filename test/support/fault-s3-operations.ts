import type { IncomingHttpHeaders } from 'node:http'
import { checkDigests } from './fault-s3-checksum.ts'
import { listObjects, listVersions } from './fault-s3-list.ts'
import type { Uploads } from './fault-s3-multipart.ts'
import { problem, type Reply } from './fault-s3-reply.ts'
import type { StoredObject, StoredObjects } from './fault-s3-store.ts'
import { element, xml } from './fault-s3-xml.ts'

export type Operation =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'HeadBucket'
  | 'ListObjectsV2'
  | 'ListObjectVersions'
  | 'GetBucketVersioning'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'Unknown'

export interface S3Call {
  operation: Operation
  bucket: string
  key: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
}

/** Path style only: `/bucket/key?query`. */
export function parseCall(method: string, url: string, headers: IncomingHttpHeaders): S3Call {
  const [path = '/', search = ''] = url.split('?', 2)
  const [, bucket = '', ...rest] = path.split('/')
  const key = decodeURIComponent(rest.join('/'))
  const query = new URLSearchParams(search)
  return { operation: operationOf(method, key, query), bucket, key, query, headers }
}

function operationOf(method: string, key: string, query: URLSearchParams): Operation {
  const isPart = query.has('uploadId')
  switch (`${method} ${key === '' ? 'bucket' : 'object'}`) {
    case 'PUT object':
      return isPart ? 'UploadPart' : 'PutObject'
    case 'GET object':
      return 'GetObject'
    case 'HEAD object':
      return 'HeadObject'
    case 'DELETE object':
      return isPart ? 'AbortMultipartUpload' : 'DeleteObject'
    case 'POST object':
      return isPart ? 'CompleteMultipartUpload' : query.has('uploads') ? 'CreateMultipartUpload' : 'Unknown'
    case 'HEAD bucket':
      return 'HeadBucket'
    case 'GET bucket':
      if (query.has('versioning')) return 'GetBucketVersioning'
      if (query.has('versions')) return 'ListObjectVersions'
      return query.get('list-type') === '2' ? 'ListObjectsV2' : 'Unknown'
    default:
      return 'Unknown'
  }
}

/** What the store does and answers. Acts at once and whole: between two calls there is no half-done one. */
export function operate(call: S3Call, body: Buffer, objects: StoredObjects, uploads: Uploads): Reply {
  const { key, query, headers } = call
  switch (call.operation) {
    case 'PutObject':
      return checkPut(call, body) ?? checkCondition(call, objects) ?? storeObject(call, body, objects)
    case 'GetObject':
      return readObject(call, objects)
    case 'HeadObject': {
      // The status line tells all that HEAD has to say about an error.
      const { status, headers: answered, body: content } = readObject(call, objects)
      return status < 300 ? { status, headers: { ...answered, 'content-length': String(content?.length) } } : { status }
    }
    case 'DeleteObject': {
      const version = query.get('versionId')
      if (version === null) objects.remove(key)
      else objects.purge(key, version)
      return { status: 204 }
    }
    case 'HeadBucket':
      return { status: 200 }
    case 'ListObjectsV2':
      return xmlReply(listObjects(call.bucket, objects, query))
    case 'ListObjectVersions':
      return xmlReply(listVersions(call.bucket, objects, query))
    case 'GetBucketVersioning':
      return xmlReply(xml('VersioningConfiguration', objects.isVersioned ? [element('Status', 'Enabled')] : []))
    case 'CreateMultipartUpload':
      return xmlReply(uploads.create(call.bucket, key, metadataOf(headers)))
    case 'UploadPart':
      return checkDigests(headers, body) ?? uploads.part(query, body)
    case 'CompleteMultipartUpload':
      return checkCondition(call, objects) ?? uploads.complete(call.bucket, key, query, objects)
    case 'AbortMultipartUpload':
      return uploads.abort(query)
    default:
      return problem(405, 'MethodNotAllowed')
  }
}

/** Everything about a PUT that can be wrong without looking at what is there. */
export function checkPut({ headers }: S3Call, body: Buffer): Reply | undefined {
  if (headers['content-length'] === undefined) return problem(411, 'MissingContentLength')
  const metadata = Object.entries(metadataOf(headers))
  if (metadata.reduce((sum, [name, value]) => sum + name.length + value.length, 0) > 2048) {
    return problem(400, 'MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size.')
  }
  return checkDigests(headers, body)
}

export function checkCondition({ headers, key }: S3Call, objects: StoredObjects): Reply | undefined {
  if (headers['if-none-match'] === undefined || objects.current(key) === undefined) return undefined
  const message = 'At least one of the pre-conditions you specified did not hold'
  return problem(412, 'PreconditionFailed', message, { Condition: 'If-None-Match' })
}

export function storeObject({ key, headers }: S3Call, body: Buffer, objects: StoredObjects): Reply {
  const { id, sha256 } = objects.put(key, body, metadataOf(headers))
  const version: Record<string, string> = objects.isVersioned ? { 'x-amz-version-id': id } : {}
  const encryption = headers['x-amz-server-side-encryption']
  const about = encryption === undefined ? {} : { 'x-amz-server-side-encryption': String(encryption) }
  return { status: 200, headers: { etag: etagOf(sha256), ...version, ...about } }
}

function readObject({ key, query, headers }: S3Call, objects: StoredObjects): Reply {
  const wanted = query.get('versionId')
  const object = wanted === null ? objects.current(key) : objects.version(key, wanted)
  if (object === undefined) {
    return wanted === null
      ? problem(404, 'NoSuchKey', 'The specified key does not exist.', { Key: key })
      : problem(404, 'NoSuchVersion')
  }
  const about = headersOf(object, objects)
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '')
  if (range === null) return { status: 200, headers: about, body: object.body }
  const size = object.body.byteLength
  const start = Number(range[1])
  const end = Math.min(size, range[2] ? Number(range[2]) + 1 : size)
  if (start >= size) {
    const refused = problem(416, 'InvalidRange', 'The requested range is not satisfiable')
    return { ...refused, headers: { ...refused.headers, 'content-range': `bytes */${size}` } }
  }
  const headersOfPart = { ...about, 'content-range': `bytes ${start}-${end - 1}/${size}` }
  return { status: 206, headers: headersOfPart, body: object.body.subarray(start, end) }
}

function headersOf(object: StoredObject, objects: StoredObjects): Record<string, string> {
  const metadata = Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])
  return {
    ...Object.fromEntries(metadata),
    etag: etagOf(object.sha256),
    'last-modified': new Date(object.storedAtMs).toUTCString(),
    'content-type': 'application/octet-stream',
    ...(objects.isVersioned ? { 'x-amz-version-id': object.id } : {}),
  }
}

function metadataOf(headers: IncomingHttpHeaders): Record<string, string> {
  const prefix = 'x-amz-meta-'
  const given = Object.entries(headers).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(given.map(([name, value]) => [name.slice(prefix.length), String(value)]))
}

function etagOf(sha256: string): string {
  return `"${sha256.slice(0, 32)}"`
}

function xmlReply(body: string): Reply {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}
