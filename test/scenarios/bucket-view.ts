import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../src/base/hash.ts'
import { advance, chainStart, SegmentMap } from '../../src/format/chain.ts'
import { parseKey, parseStreamId } from '../../src/format/keys.ts'
import type { FaultS3 } from '../support/fault-s3.ts'

/** An object of any store, with what it says of its stream's origin. */
export interface StoredObject {
  body: Buffer
  /** The metadata `origin` and `final`, as they are. */
  metadata: Readonly<Record<string, string>>
}

export type StoredObjects = ReadonlyMap<string, StoredObject>

/** What a bucket says of one stream. */
export interface StreamView {
  stream: string
  identity: string
  generation: number
  /** Where its file was at first sight; undefined where nothing says so. */
  path: string | undefined
  /** By the chain. */
  content: Buffer
  segments: number
  /** Segments that are on no chain. */
  strays: number
  seals: { length: number; sha256: string }[]
  /** `<offset> <reason>` of gaps that no seal has closed: bytes that are lost, or may be. */
  gaps: string[]
  /** Identities of files that are said to hold this stream's bytes. */
  aliases: string[]
}

/** A file:// store, read as any tool could: names and bytes. What was read once is not read again, unless `seen` is new. */
export async function objectsBelow(root: string, seen = new Map<string, StoredObject>()): Promise<StoredObjects> {
  const names = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  const found = new Map<string, StoredObject>()
  for (const entry of names) {
    const key = join(entry.parentPath, entry.name).slice(root.length + 1)
    if (!entry.isFile() || key.split('/').some((part) => part.startsWith('.'))) continue
    const object = seen.get(key) ?? { body: await readFile(join(root, key)), metadata: {} }
    if (!seen.has(key) && key.startsWith('segments/')) object.metadata = await metadataBeside(root, key, object.body)
    seen.set(key, object)
    found.set(key, object)
  }
  return found
}

async function metadataBeside(root: string, key: string, body: Buffer): Promise<Record<string, string>> {
  const slash = key.lastIndexOf('/')
  const path = join(root, key.slice(0, slash), '.meta', key.slice(slash + 1), sha256(body))
  const text = await readFile(path, 'utf8').catch(() => '{}')
  return JSON.parse(text).metadata ?? {}
}

export function objectsOf({ objects }: FaultS3): StoredObjects {
  return new Map(
    objects.keys().map((key) => {
      const { body, metadata } = objects.current(key) ?? { body: Buffer.alloc(0), metadata: {} }
      return [key, { body: Buffer.from(body), metadata }]
    }),
  )
}

/** All streams of a bucket, by identity and generation. */
export function streamsOf(objects: StoredObjects): StreamView[] {
  const views = new Map<string, StreamView>()
  const gaps = new Map<string, { offset: number; reason: string }[]>()
  const segments = new Map<string, { key: string; offset: number; before: string; length: number }[]>()
  const at = (stream: string): StreamView => {
    const { identity, generation } = parseStreamId(stream) ?? { identity: stream, generation: 0 }
    const fresh = {
      path: undefined,
      content: Buffer.alloc(0),
      segments: 0,
      strays: 0,
      seals: [],
      gaps: [],
      aliases: [],
    }
    const view = views.get(stream) ?? { stream, identity, generation, ...fresh }
    views.set(stream, view)
    return view
  }
  for (const [key, { body, metadata }] of objects) {
    const parsed = parseKey(key)
    if (parsed?.kind === 'segment') {
      const { stream, offset, before } = parsed
      segments.set(stream, [...(segments.get(stream) ?? []), { key, offset, before, length: body.byteLength }])
      if (offset > 0) continue
      if (metadata.origin !== undefined) at(stream).path = JSON.parse(metadata.origin).path
      if (metadata.final !== undefined) at(stream).seals.push({ length: body.byteLength, sha256: metadata.final })
    } else if (parsed?.kind === 'seal') {
      at(parsed.stream).seals.push({ length: parsed.length, sha256: parsed.sha256 })
      at(parsed.stream).path ??= JSON.parse(body.toString()).origin.path
    } else if (parsed?.kind === 'gap') {
      const gap = { offset: parsed.offset, reason: JSON.parse(body.toString()).reason }
      gaps.set(parsed.stream, [...(gaps.get(parsed.stream) ?? []), gap])
      at(parsed.stream)
    } else if (parsed?.kind === 'alias') at(parsed.stream).aliases.push(parsed.identity)
  }
  for (const [stream, listed] of segments) Object.assign(at(stream), chainOf(listed, objects))
  for (const [stream, found] of gaps) {
    const sealed = Math.max(-1, ...at(stream).seals.map(({ length }) => length))
    at(stream).gaps = found.filter(({ offset }) => offset > sealed).map(({ offset, reason }) => `${offset} ${reason}`)
  }
  return [...views.values()].sort((a, b) =>
    a.identity === b.identity ? a.generation - b.generation : a.identity < b.identity ? -1 : 1,
  )
}

function chainOf(
  listed: { key: string; offset: number; before: string; length: number }[],
  objects: StoredObjects,
): Pick<StreamView, 'content' | 'segments' | 'strays'> {
  const map = new SegmentMap(listed)
  const parts: Buffer[] = []
  let end = chainStart
  for (let next = map.next(end); next !== undefined; next = map.next(end)) {
    const body = objects.get(next.key)?.body ?? Buffer.alloc(0)
    parts.push(body)
    end = advance(end, body)
  }
  return { content: Buffer.concat(parts), segments: parts.length, strays: listed.length - parts.length }
}

/** What no bucket may show, whatever happened: seals that lie, and segments on no chain. */
export function liesOf(views: readonly StreamView[]): string[] {
  return views.flatMap(({ stream, content, seals, strays }) => [
    ...seals
      .filter(({ length, sha256: digest }) => sha256(content.subarray(0, length)) !== digest)
      .map(({ length }) => `${stream}: the seal of ${length} bytes is not true`),
    ...(strays > 0 ? [`${stream}: ${strays} strays`] : []),
  ])
}
