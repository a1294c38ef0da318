import { statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../src/base/hash.ts'
import { advance, chainStart, SegmentMap, type SegmentRef } from '../../src/format/chain.ts'
import { identityOf, parseKey } from '../../src/format/keys.ts'
import type { StoredObjects } from '../support/fault-s3-store.ts'

/** Key → bytes of all that a store holds. */
export type Holdings = ReadonlyMap<string, Buffer>

export function holdingsOf(objects: StoredObjects): Holdings {
  return new Map(objects.keys().map((key) => [key, objects.body(key) ?? Buffer.alloc(0)]))
}

/** The same of a file:// store, read as any tool would: names and bytes, nothing of ours. */
export async function holdingsBelow(root: string): Promise<Holdings> {
  const holdings = new Map<string, Buffer>()
  const names = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of names) {
    const key = join(entry.parentPath, entry.name).slice(root.length + 1)
    if (!entry.isFile() || key.split('/').some((part) => part.startsWith('.'))) continue
    holdings.set(key, await readFile(join(root, key)))
  }
  return holdings
}

/** Bytes of all segments in a file:// store, without reading them. */
export async function holdingsSizeBelow(root: string): Promise<number> {
  const names = await readdir(join(root, 'segments'), { recursive: true, withFileTypes: true }).catch(() => [])
  let bytes = 0
  for (const entry of names) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !path.includes('/.')) bytes += statSync(path).size
  }
  return bytes
}

export interface StoredContent {
  /** By the chain. */
  content: Buffer
  /** Segments that are on no chain. */
  strays: number
  /** `<length>-<sha256>` of each seal; that of a `final` segment is not among them. */
  seals: string[]
  gaps: string[]
}

/** Stream → what the store says of it, over all hosts. */
export function contentsOf(holdings: Holdings): Map<string, StoredContent> {
  const segments = new Map<string, (SegmentRef & { key: string })[]>()
  const found = new Map<string, StoredContent>()
  const at = (stream: string): StoredContent => {
    const known = found.get(stream) ?? { content: Buffer.alloc(0), strays: 0, seals: [], gaps: [] }
    found.set(stream, known)
    return known
  }
  for (const [key, body] of holdings) {
    const parsed = parseKey(key)
    if (parsed?.kind === 'segment') {
      const { stream, offset, before } = parsed
      segments.set(stream, [...(segments.get(stream) ?? []), { key, offset, before, length: body.byteLength }])
    } else if (parsed?.kind === 'seal') at(parsed.stream).seals.push(`${parsed.length}-${parsed.sha256}`)
    else if (parsed?.kind === 'gap') at(parsed.stream).gaps.push(`${parsed.offset}-${parsed.end}`)
  }
  for (const [stream, listed] of segments) {
    const map = new SegmentMap(listed)
    const parts: Buffer[] = []
    let end = chainStart
    for (let next = map.next(end); next !== undefined; next = map.next(end)) {
      const bytes = holdings.get(next.key) ?? Buffer.alloc(0)
      parts.push(bytes)
      end = advance(end, bytes)
    }
    Object.assign(at(stream), { content: Buffer.concat(parts), strays: listed.length - parts.length })
  }
  return found
}

export interface Comparison {
  bytes: number
  /** Of the files, not on their stream's chain. */
  lost: number
  /** On any chain beyond what the files hold: repeated, or in a stream that is no file's first. */
  doubled: number
  /** Files whose stream differs somewhere from them. */
  different: string[]
}

/** The files, each with what it must hold, against a store in which each is one stream of the first generation. */
export function compareWithFiles(files: ReadonlyMap<string, Uint8Array>, holdings: Holdings): Comparison {
  return compareStreams(files, new Map([...contentsOf(holdings)].map(([stream, { content }]) => [stream, content])))
}

/** The same for what a compactor has published below `root`. */
export async function compareWithPublished(files: ReadonlyMap<string, Uint8Array>, root: string): Promise<Comparison> {
  const published = [...(await holdingsBelow(root))]
  return compareStreams(
    files,
    new Map(published.map(([path, bytes]) => [path.slice(path.lastIndexOf('~') + 1), bytes])),
  )
}

function compareStreams(files: ReadonlyMap<string, Uint8Array>, contents: Map<string, Buffer>): Comparison {
  const comparison: Comparison = { bytes: 0, lost: 0, doubled: 0, different: [] }
  for (const [path, bytes] of files) {
    const { birthtimeNs, ino } = statSync(path, { bigint: true })
    const stream = identityOf(birthtimeNs, ino)
    const content = contents.get(stream) ?? Buffer.alloc(0)
    contents.delete(stream)
    comparison.bytes += content.byteLength
    comparison.lost += Math.max(0, bytes.byteLength - content.byteLength)
    comparison.doubled += Math.max(0, content.byteLength - bytes.byteLength)
    if (sha256(content) !== sha256(bytes)) comparison.different.push(path)
  }
  for (const content of contents.values()) comparison.doubled += content.byteLength
  return comparison
}
