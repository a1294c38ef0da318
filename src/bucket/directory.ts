import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeFully } from '../base/atomic-file.ts'
import type { Clock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Metadata } from '../format/segment.ts'
import type { Bucket, ObjectInfo, PutOptions, PutResult } from './bucket.ts'
import { createFileCreator, type Write } from './directory-create.ts'
import { explained, unlessAbsent } from './directory-errors.ts'
import { createGate } from './directory-gate.ts'
import { requireObjectKey, requirePrefix } from './directory-key.ts'
import { guardStore } from './directory-marker.ts'
import { encodeMetadata, metadataPath, readMetadata } from './directory-metadata.ts'
import { walkObjects } from './directory-walk.ts'
import { type LargeBody, largeStepBytes, stretchesOf } from './large-body.ts'

export { storeId } from './directory-marker.ts'

/** System calls under way at once: enough to share a disk's flushes, few beside a pool that UV_THREADPOOL_SIZE has raised. */
const callsAtOnce = 4
const hashChunkBytes = 1024 * 1024

/** An object that is open for reading. */
interface OpenObject {
  handle: FileHandle
  info: Stats
  path: string
}

/**
 * The embedded store: an object is a plain file `<root>/<key>` with the raw bytes. Safe for any number of processes, on
 * any file system with hard links. `create` lets a store be made where `root` does not exist or is empty; a reader, and
 * whoever has seen the store before, passes false.
 */
export function createDirectoryBucket(settings: { root: string; create: boolean }, clock: Clock): Bucket {
  const root = resolve(settings.root)
  const url = pathToFileURL(root).href
  const gate = createGate(callsAtOnce)
  const creator = createFileCreator(root, clock)
  const guard = guardStore({ root, create: settings.create }, clock, creator)
  let isPrepared = false

  /** Rejects where the store is missing, or where a symlink on the way to `directory` leads elsewhere. */
  const requireInside = async (directory: string): Promise<void> => {
    const realRoot = await guard.require()
    for (let at = directory; at !== root; at = dirname(at)) {
      const real = await unlessAbsent(realpath(at))
      if (real === undefined) continue
      if (real === join(realRoot, relative(root, at))) return
      throw new LogcaskError('refused', `${url}: ${relative(root, at)} is a symlink, or below one`, {
        hint: 'a store holds plain files and directories only: look who made it, and put a directory there',
      })
    }
  }

  /** Gives `use` the object; undefined only where the store is there, before and after, and the object is not. */
  const withObject = async <T>(
    key: string,
    signal: AbortSignal | undefined,
    use: (object: OpenObject) => Promise<T>,
  ): Promise<T | undefined> => {
    signal?.throwIfAborted()
    requireObjectKey(key)
    const path = join(root, key)
    const read = async (): Promise<T | undefined> => {
      await requireInside(dirname(path))
      // Not blocking: a FIFO would wait for a writer.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
      const handle = await unlessAbsent(open(path, flags))
      try {
        const info = await handle?.stat()
        if (handle !== undefined && info?.isFile()) return await use({ handle, info, path })
      } finally {
        await handle?.close()
      }
      await guard.require()
      return undefined
    }
    return gate.run(() => explained(url, `read ${key}`, read), signal)
  }

  const create = async (
    key: string,
    body: Uint8Array | Write,
    { metadata = {}, signal, digest }: Pick<PutOptions, 'metadata' | 'signal'> & { digest: () => string },
  ): Promise<PutResult> => {
    const path = join(root, key)
    await requireInside(dirname(path))
    if (!isPrepared) await creator.prepare()
    isPrepared = true
    if ((await unlessAbsent(lstat(path))) !== undefined) {
      await creator.confirm(path)
      return 'exists'
    }
    if (Object.keys(metadata).length > 0)
      await creator.create(metadataPath(path, digest()), encodeMetadata(metadata), signal)
    return creator.create(path, body, signal)
  }

  return {
    url,
    capabilities: { versions: false },

    async put(key, body, options) {
      options.signal?.throwIfAborted()
      requireObjectKey(key)
      if (options.sha256 !== undefined && options.sha256 !== sha256(body)) {
        throw wrongBody(`${url}: ${key}`)
      }
      const digest = (): string => options.sha256 ?? sha256(body)
      return gate.run(
        () => explained(url, `write ${key}`, () => create(key, body, { ...options, digest })),
        options.signal,
      )
    },

    async putLarge(key, body, options) {
      options.signal?.throwIfAborted()
      requireObjectKey(key)
      const write: Write = (handle) => writeLarge(handle, body, `${url}: ${key}`, options.signal)
      const digest = (): string => body.sha256
      return gate.run(
        () => explained(url, `write ${key}`, () => create(key, write, { ...options, digest })),
        options.signal,
      )
    },

    get: (key, options = {}) =>
      withObject(key, options.signal, async ({ handle, info, path }) => {
        const start = Math.min(options.range?.start ?? 0, info.size)
        const end = Math.max(start, Math.min(options.range?.end ?? info.size, info.size))
        const body = await readRange(handle, path, start, end)
        const isWhole = end - start === info.size
        const hash = (): Promise<string> =>
          isWhole ? Promise.resolve(sha256(body)) : hashFile(handle, path, info.size)
        return { ...infoOf(info, options.isBare ? {} : await readMetadata(path, hash)), body }
      }),

    head: (key, options = {}) =>
      withObject(key, options.signal, async ({ handle, info, path }) =>
        infoOf(info, options.isBare ? {} : await readMetadata(path, () => hashFile(handle, path, info.size))),
      ),

    async *list(prefix, options = {}) {
      const { signal } = options
      signal?.throwIfAborted()
      requirePrefix(prefix)
      const base = join(root, prefix.slice(0, prefix.lastIndexOf('/') + 1), '.')
      await gate.run(() => explained(url, 'list', () => requireInside(base)), signal)
      for await (const entry of walkObjects(root, url, gate, prefix, options)) {
        yield entry
        signal?.throwIfAborted()
      }
      // Only where the store is still there was the listing complete.
      await gate.run(() => explained(url, 'list', guard.require), signal)
    },

    async close() {},
  }
}

function infoOf(info: Stats, metadata: Metadata): ObjectInfo {
  return { size: info.size, storedAtMs: Math.floor(info.mtimeMs), metadata, versions: 1 }
}

async function writeLarge(
  handle: FileHandle,
  body: LargeBody,
  what: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const hash = createHash('sha256')
  let at = 0
  for await (const bytes of stretchesOf(body, largeStepBytes, signal)) {
    hash.update(bytes)
    await writeFully(handle, bytes, at)
    at += bytes.byteLength
  }
  if (hash.digest('hex') !== body.sha256) throw wrongBody(what)
}

function wrongBody(what: string): LogcaskError {
  return new LogcaskError('unavailable', `${what}: the body does not have the SHA-256 that came with it`, {
    hint: 'it is sent again; if this goes on, test the memory of this machine',
  })
}

async function hashFile(handle: FileHandle, path: string, size: number): Promise<string> {
  const hash = createHash('sha256')
  for (let at = 0; at < size; at += hashChunkBytes)
    hash.update(await readRange(handle, path, at, Math.min(at + hashChunkBytes, size)))
  return hash.digest('hex')
}

async function readRange(handle: FileHandle, path: string, start: number, end: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(end - start)
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done)
    if (bytesRead === 0) {
      throw new LogcaskError('unavailable', `${path}: ended at ${start + done} while it was read up to ${end}`, {
        hint: 'objects never shrink: look who else writes there',
      })
    }
    done += bytesRead
  }
  return bytes
}
