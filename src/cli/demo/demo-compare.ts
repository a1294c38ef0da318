import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../base/hash.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { listStreamNames } from '../../bucket/stream-inventory.ts'
import { listSegments, readChain } from '../../bucket/stream-listing.ts'
import { parseStreamId } from '../../format/keys.ts'
import type { WrittenFile } from './demo-writer.ts'

/** What was found of the logs in one place: a bucket by its chains, or the server's directory. */
export interface Holding {
  streams: readonly WrittenFile[]
  /** How often each numbered line was found, by log. */
  lines: ReadonlyMap<string, Uint8Array>
}

export interface Comparison {
  bytes: number
  /** Over all streams: of their names and their own SHA-256, in order. */
  sha256: string
  isEqual: boolean
  /** Lines that were written and are not there, or not as a line. */
  lost: number
  /** Lines that are there more than once, each as often as it is too many. */
  doubled: number
  /** What differs, by stream, for people. */
  differences: string[]
}

/** What is held against what was written: each stream by its length and SHA-256, each line by its number. */
export function compareHolding(written: readonly WrittenFile[], logs: readonly string[], found: Holding): Comparison {
  const differences: string[] = []
  const held = new Map(found.streams.map((one) => [one.stream, one]))
  for (const { stream, bytes, sha256 } of written.filter(({ bytes }) => bytes > 0)) {
    const there = held.get(stream)
    if (there === undefined) differences.push(`${stream}: is missing`)
    else if (there.bytes !== bytes) differences.push(`${stream}: has ${there.bytes} of ${bytes} bytes`)
    else if (there.sha256 !== sha256) differences.push(`${stream}: has other bytes than were written`)
    held.delete(stream)
  }
  for (const { stream, bytes } of held.values()) if (bytes > 0) differences.push(`${stream}: was never written`)
  let lost = 0
  let doubled = 0
  for (const log of logs) {
    for (const times of found.lines.get(log) ?? []) {
      if (times === 0) lost++
      else doubled += times - 1
    }
  }
  const bytes = found.streams.reduce((sum, one) => sum + one.bytes, 0)
  const isEqual = differences.length === 0 && lost === 0 && doubled === 0
  return { bytes, sha256: digestOf(found.streams), isEqual, lost, doubled, differences }
}

/** One hash for all streams. */
export function digestOf(streams: readonly WrittenFile[]): string {
  const lines = streams.filter(({ bytes }) => bytes > 0).map(({ stream, sha256 }) => `${stream} ${sha256}\n`)
  return sha256(Buffer.from(lines.sort().join('')))
}

/** Reads every chain of a host, each joint checked. */
export async function readBucketHolding(
  bucket: Bucket,
  host: string,
  expected: { logs: readonly string[]; linesEach: number },
  signal: AbortSignal,
): Promise<Holding> {
  const tally = new LineTally(expected.logs, expected.linesEach)
  const streams: WrittenFile[] = []
  for (const stream of await listStreamNames(bucket, host, { signal })) {
    const segments = await listSegments(bucket, host, stream, { signal })
    streams.push(await hashContent(stream, tally, chunksOf(bucket, segments, signal)))
  }
  return { streams, lines: tally.lines }
}

async function* chunksOf(
  bucket: Bucket,
  segments: Awaited<ReturnType<typeof listSegments>>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of readChain(bucket, segments, { signal })) yield bytes
}

/** Reads every file that a compactor published below `directory`. */
export async function readDirectoryHolding(
  directory: string,
  expected: { logs: readonly string[]; linesEach: number },
): Promise<Holding> {
  const tally = new LineTally(expected.logs, expected.linesEach)
  const streams: WrittenFile[] = []
  for (const path of await publishedFiles(directory)) {
    const stream = path.slice(path.lastIndexOf('~') + 1)
    streams.push(await hashContent(stream, tally, createReadStream(path)))
  }
  return { streams, lines: tally.lines }
}

/** The paths of published files (`<name>~<stream>`), in order. Not one that is still being made (`.~<stream>.new`). */
export async function publishedFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter(({ name }) => parseStreamId(name.slice(name.lastIndexOf('~') + 1)) !== undefined)
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/.logcask'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

async function hashContent(stream: string, tally: LineTally, chunks: AsyncIterable<Uint8Array>): Promise<WrittenFile> {
  const hash = createHash('sha256')
  let bytes = 0
  let rest = ''
  for await (const chunk of chunks) {
    hash.update(chunk)
    bytes += chunk.byteLength
    rest = tally.add(rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1'))
  }
  return { stream, bytes, sha256: hash.digest('hex') }
}

/** Counts numbered lines by log. */
class LineTally {
  readonly lines: Map<string, Uint8Array>

  constructor(logs: readonly string[], linesEach: number) {
    this.lines = new Map(logs.map((log) => [log, new Uint8Array(linesEach)]))
  }

  /** Counts the whole lines of `text`; the answer is what is left of the last one. */
  add(text: string): string {
    const lines = text.split('\n')
    const rest = lines.pop() ?? ''
    for (const line of lines) {
      const [log = '', number = ''] = line.split(' ', 2)
      const counts = this.lines.get(log)
      const at = /^\d{9}$/.test(number) ? Number(number) : -1
      if (counts !== undefined && at >= 0 && at < counts.length) counts[at] = Math.min(255, (counts[at] ?? 0) + 1)
    }
    return rest
  }
}
