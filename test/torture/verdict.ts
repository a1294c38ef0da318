import { readFile } from 'node:fs/promises'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { LineTally } from './line.ts'
import type { Oracle, WrittenLife } from './oracle.ts'
import type { KnownStream } from './other-readers.ts'
import { type ReadStream, sha256 } from './read-back.ts'

/** What the store holds, against what was written. */
export interface Verdict {
  streams: number
  bytes: number
  lostLines: number
  lostBytes: number
  doubledLines: number
  doubledBytes: number
  /** In streams, but no line that was written. */
  foreignBytes: number
  /** Lives and streams that are not each other's, byte for byte. */
  mismatches: string[]
  sealed: number
  /** Seals that say something else than their stream. */
  wrongSeals: string[]
  forks: number
  strays: number
  /** Reason → number; `at 0`: nothing of that life is in its stream; `(closed)`: a seal says that nothing is missing. */
  gaps: Map<string, number>
  examples: string[]
}

/** `onStream` sees each stream once, for other readers to be compared with. */
export async function judge(
  oracle: Oracle,
  streams: AsyncIterable<ReadStream>,
  onStream: (stream: KnownStream) => void,
): Promise<Verdict> {
  const tally = new LineTally(oracle.lines)
  const lives = await livesByHash(oracle)
  const gaps = new Map<string, number>()
  const mismatches: string[] = []
  const wrongSeals: string[] = []
  const counts = { streams: 0, bytes: 0, sealed: 0, forks: 0, strays: 0 }
  for await (const read of streams) {
    const { host, stream, content, seals } = read
    const hash = sha256(content)
    if (content.byteLength > 0) onStream({ host, stream, length: content.byteLength, sha256: hash })
    tally.add(unpacked(content))
    counts.streams += content.byteLength > 0 ? 1 : 0
    counts.bytes += content.byteLength
    counts.strays += read.strays
    if (read.isFork) counts.forks++
    const own = seals.filter((seal) => seal === `${content.byteLength}-${hash}`)
    if (own.length > 0) counts.sealed++
    wrongSeals.push(...seals.filter((seal) => !isSealOf(seal, content)).map((seal) => `${host}/${stream}: ${seal}`))
    for (const { offset, end, reason } of read.gaps) {
      const isClosed = seals.some((seal) => Number(seal.split('-')[0]) >= offset)
      const where = `${offset === 0 ? ' at 0' : ''}${end === 'open' ? '' : ' to a known end'}`
      const name = `${reason}${where}${isClosed ? ' (closed)' : ''}`
      gaps.set(name, (gaps.get(name) ?? 0) + 1)
    }
    if (content.byteLength === 0) continue
    const twins = lives.get(`${host} ${hash}`)
    if (twins?.pop() === undefined)
      mismatches.push(`${host}/${stream}: ${content.byteLength} bytes that are no file's from beginning to end`)
  }
  for (const left of lives.values()) mismatches.push(...left.map(describeMissing))
  return {
    ...counts,
    ...tally.result,
    foreignBytes: tally.foreignBytes,
    mismatches,
    wrongSeals,
    gaps,
    examples: tally.examples(5),
  }
}

export function isSound(verdict: Verdict): boolean {
  const { lostBytes, doubledBytes, foreignBytes, mismatches, wrongSeals } = verdict
  return lostBytes + doubledBytes + foreignBytes + mismatches.length + wrongSeals.length === 0
}

/** Host and SHA-256 → the lives with that content that no stream was found for yet. */
async function livesByHash(oracle: Oracle): Promise<Map<string, WrittenLife[]>> {
  const lives = new Map<string, WrittenLife[]>()
  for (const life of oracle.lives) {
    if (life.bytes === 0) continue
    const key = `${life.host} ${sha256(await readFile(life.copy))}`
    lives.set(key, [...(lives.get(key) ?? []), life])
  }
  return lives
}

function describeMissing({ host, path, identity, bytes, end }: WrittenLife): string {
  return `${host}: the ${bytes} bytes of ${path} (${identity}, ${end ?? 'open'}) are no stream`
}

/** A seal may be older than the last bytes: then it is of the beginning. */
function isSealOf(seal: string, content: Buffer): boolean {
  const [length, hash] = seal.split('-')
  return Number(length) <= content.byteLength && sha256(content.subarray(0, Number(length))) === hash
}

/** Where a compressed file was delivered as one of its own, its lines count, too. */
function unpacked(content: Buffer): Buffer {
  try {
    if (content.readUInt16BE(0) === 0x1f8b) return gunzipSync(content)
    if (content.readUInt32LE(0) === 0xfd2fb528) return zstdDecompressSync(content)
  } catch {
    // Cut short, or too short to say: its bytes are what they are.
  }
  return content
}
