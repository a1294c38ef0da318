import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { S3Target, Target } from './target.ts'

export interface PlainObject {
  /** Below the prefix of this run. */
  key: string
  size: number
  /** Changes when the content does. */
  tag: string
}

export interface PlainContent {
  body: Buffer
  metadata: Readonly<Record<string, string>>
}

/** The store as anybody sees it who has never heard of Logcask: LIST and GET, past the proxy. */
export interface PlainStore {
  list(prefix: string): Promise<PlainObject[]>
  get(key: string): Promise<PlainContent>
  /** Up to `length` bytes from the object's beginning. */
  head(key: string, length: number): Promise<Buffer>
}

export function plainStore(target: Target): PlainStore {
  return target.scheme === 's3' ? s3Store(target) : directoryStore(target.root)
}

function s3Store({ client, bucket, prefix }: S3Target): PlainStore {
  const read = async (key: string, length?: number): Promise<PlainContent> => {
    const range = length === undefined ? {} : { Range: `bytes=0-${length - 1}` }
    const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: prefix + key, ...range }))
    const body = Buffer.from((await found.Body?.transformToByteArray()) ?? [])
    return { body: length === undefined ? body : body.subarray(0, length), metadata: found.Metadata ?? {} }
  }
  return {
    async list(below) {
      const objects: PlainObject[] = []
      let token: string | undefined
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix + below, ContinuationToken: token }),
        )
        for (const { Key = '', Size = 0, ETag = '' } of page.Contents ?? [])
          objects.push({ key: Key.slice(prefix.length), size: Size, tag: ETag })
        token = page.NextContinuationToken
      } while (token !== undefined)
      return objects
    },
    get: (key) => read(key),
    head: async (key, length) => (await read(key, length)).body,
  }
}

function directoryStore(root: string): PlainStore {
  return {
    async list(below) {
      // Whole directories, then by name: a prefix may end in the middle of one.
      const directory = join(root, below.slice(0, below.lastIndexOf('/') + 1))
      const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
      const objects: PlainObject[] = []
      for (const entry of entries) {
        const path = join(entry.parentPath, entry.name)
        const key = path.slice(root.length + 1)
        if (!entry.isFile() || key.split('/').some((part) => part.startsWith('.')) || !key.startsWith(below)) continue
        const { size, mtimeNs, ino } = await stat(path, { bigint: true })
        objects.push({ key, size: Number(size), tag: `${ino}-${size}-${mtimeNs}` })
      }
      return objects.sort((a, b) => (a.key < b.key ? -1 : 1))
    },
    async get(key) {
      const body = await readFile(join(root, key))
      return { body, metadata: await metadataBeside(root, key, body) }
    },
    head: async (key, length) => (await readFile(join(root, key))).subarray(0, length),
  }
}

/** As the embedded store keeps it: `.meta/<name>/<SHA-256 of the body>`, in JSON. */
async function metadataBeside(root: string, key: string, body: Buffer): Promise<Record<string, string>> {
  const at = key.lastIndexOf('/')
  const sha256 = createHash('sha256').update(body).digest('hex')
  const path = join(root, key.slice(0, at), '.meta', key.slice(at + 1), sha256)
  const text = await readFile(path, 'utf8').catch(() => '{}')
  return (JSON.parse(text) as { metadata?: Record<string, string> }).metadata ?? {}
}
