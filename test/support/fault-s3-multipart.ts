import { problem, type Reply } from './fault-s3-reply.ts'
import type { StoredObjects } from './fault-s3-store.ts'
import { element, xml } from './fault-s3-xml.ts'

/** Multipart uploads in progress: invisible until they are completed. */
export class Uploads {
  readonly #uploads = new Map<string, { metadata: Record<string, string>; parts: Map<number, Buffer> }>()
  #made = 0

  create(bucket: string, key: string, metadata: Record<string, string>): string {
    const id = `upload-${++this.#made}`
    this.#uploads.set(id, { metadata, parts: new Map() })
    return xml('InitiateMultipartUploadResult', [
      element('Bucket', bucket),
      element('Key', key),
      element('UploadId', id),
    ])
  }

  part(query: URLSearchParams, body: Buffer): Reply {
    const number = Number(query.get('partNumber'))
    const upload = this.#uploads.get(query.get('uploadId') ?? '')
    if (upload === undefined) return problem(404, 'NoSuchUpload')
    upload.parts.set(number, body)
    return { status: 200, headers: { etag: `"part-${number}"` } }
  }

  /** All parts in the order of their numbers: our clients list them all. */
  complete(bucket: string, key: string, query: URLSearchParams, objects: StoredObjects): Reply {
    const id = query.get('uploadId') ?? ''
    const upload = this.#uploads.get(id)
    if (upload === undefined) return problem(404, 'NoSuchUpload')
    this.#uploads.delete(id)
    const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, body]) => body)
    const { sha256 } = objects.put(key, Buffer.concat(parts), upload.metadata)
    const etag = `"${sha256.slice(0, 32)}-${parts.length}"`
    const children = [element('Bucket', bucket), element('Key', key), element('ETag', etag)]
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: xml('CompleteMultipartUploadResult', children),
    }
  }

  abort(query: URLSearchParams): Reply {
    this.#uploads.delete(query.get('uploadId') ?? '')
    return { status: 204 }
  }
}
