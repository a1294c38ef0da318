import { createLimiter } from '../base/concurrency.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { contentRun } from '../bucket/stream-content.ts'
import { firstKey } from '../bucket/stream-header.ts'
import { findChainEnd, type ListedSegment, listSegments } from '../bucket/stream-listing.ts'
import { walkInStages } from '../bucket/stream-stages.ts'
import { type ChainEnd, chainStart } from '../format/chain.ts'
import { windowBytes } from '../format/limits.ts'

/** A stream's chain as far as it was walked: it only grows (I8), so that what is kept stays right. */
export interface KnownChain {
  /** 0, or where its first byte is when those before have expired. */
  start: number
  end: ChainEnd
  /** In order; each begins where the one before it ends. */
  stretches: Stretch[]
  /** On the monotonic clock. */
  lookedAtMs: number
}

/** Some hundred segments of a chain, that can be walked again from their beginning alone. */
export interface Stretch {
  start: ChainEnd
  /** Where it ends. */
  end: number
  /** In order; undefined where they were forgotten for others. */
  segments: ListedSegment[] | undefined
}

export interface ChainCache {
  /** What is kept now: within the bounds, whoever asks for what. */
  readonly kept: { chains: number; segments: number }
  /** The chain, listed again unless that was done less than `maxAgeMs` ago. Who asks meanwhile gets the same answer. */
  look(host: string, stream: string, maxAgeMs: number): Promise<KnownChain>
  /** The segments of a stretch of a chain that was looked at. */
  segmentsOf(host: string, stream: string, stretch: Stretch, signal: AbortSignal): Promise<readonly ListedSegment[]>
  /** What was listed is no longer there. */
  forget(host: string, stream: string): void
}

export const chainBounds = {
  /** A stretch that was forgotten costs a listing, and a small request for each of these. */
  stretchSegments: 500,
  /** Of all chains together: some 300 bytes each, 60 MB at most. Those that were asked for longest ago are listed again. */
  segmentsMax: 200_000,
  /** Of all chains together, and a chain counts as one, be it of a stream that was invented: 8 KiB each, 64 MB at most. */
  stretchesMax: 8_000,
}
/** Listed at once of a stretch that is walked again. */
const stageSegments = 1_000
/** Walks at once: each reads the tails of up to 16 segments. */
const walksMax = 4

/**
 * `bucket` with its listings as they are: a long stream has millions of segments, and only a part of them is in memory.
 * `bounded`: for a stream without a beginning, of which all have to be seen at once. `signal` ends walks that are under way:
 * they are shared, so that no single client's leaving may.
 */
export function createChainCache(
  bucket: Bucket,
  bounded: Bucket,
  clock: { monotonic(): number },
  signal: AbortSignal,
  { stretchSegments, segmentsMax, stretchesMax }: typeof chainBounds = chainBounds,
): ChainCache {
  const known = new Map<string, KnownChain>()
  const underWay = new Map<string, Promise<KnownChain>>()
  const limiter = createLimiter(walksMax)
  /** Those with their segments, the one that was asked for longest ago first. */
  const full = new Set<Stretch>()
  let segmentCount = 0
  let stretchCount = 0

  const touch = (stretch: Stretch): void => {
    full.delete(stretch)
    full.add(stretch)
    for (const oldest of full) {
      if (segmentCount <= segmentsMax || oldest === stretch) break
      empty(oldest)
    }
  }
  const empty = (stretch: Stretch): void => {
    if (!full.delete(stretch)) return
    segmentCount -= stretch.segments?.length ?? 0
    stretch.segments = undefined
  }
  const drop = (key: string): void => {
    const chain = known.get(key)
    if (chain === undefined) return
    for (const stretch of chain.stretches) empty(stretch)
    stretchCount -= weightOf(chain)
    known.delete(key)
  }
  const keep = (key: string, chain: KnownChain): void => {
    const before = known.get(key)
    if (before !== undefined) {
      stretchCount -= weightOf(before)
      // Walked anew from the beginning: nobody asks for the others any more.
      if (chain.stretches[0] !== before.stretches[0]) for (const stretch of before.stretches) empty(stretch)
    }
    known.delete(key)
    known.set(key, chain)
    stretchCount += weightOf(chain)
    for (const oldest of known.keys()) {
      if (stretchCount <= stretchesMax || oldest === key) break
      drop(oldest)
    }
  }

  /** What a walk has met so far: kept also where it fails later, so that no long one begins anew. */
  const gather = (chain: KnownChain) => (segment: ListedSegment, end: ChainEnd) => {
    let open = chain.stretches.at(-1)
    if (open?.segments === undefined || open.segments.length >= stretchSegments) {
      open = { start: chain.end, end: chain.end.offset, segments: [] }
      chain.stretches.push(open)
    }
    open.end = end.offset
    open.segments?.push(segment)
    segmentCount++
    touch(open)
    chain.end = end
  }
  const walk = async (host: string, stream: string, chain: KnownChain): Promise<void> => {
    const visit = gather(chain)
    if (chain.end.offset === 0 && (await bucket.head(firstKey(host, stream), { signal })) === undefined) {
      const { segments, start } = contentRun(await listSegments(bounded, host, stream, { signal }))
      chain.start = start.offset
      chain.end = start
      await findChainEnd(bucket, segments, { start, signal, visit })
      return
    }
    await walkInStages(
      bucket,
      host,
      stream,
      chain.end,
      (segments, start) => findChainEnd(bucket, segments, { start, signal, visit }),
      { signal },
    )
  }
  /** Where a look goes on; from the beginning while little is known of a run without one: all of it tells what comes next. */
  const begin = (before: KnownChain | undefined): KnownChain => {
    const lookedAtMs = clock.monotonic()
    const isSure = before !== undefined && (before.start === 0 || before.end.window.byteLength >= windowBytes)
    if (isSure) return { ...before, stretches: [...before.stretches], lookedAtMs }
    return { start: 0, end: chainStart, stretches: [], lookedAtMs }
  }

  return {
    get kept() {
      return { chains: known.size, segments: segmentCount }
    },
    async look(host, stream, maxAgeMs) {
      const key = `${host}/${stream}`
      const before = known.get(key)
      if (before !== undefined && clock.monotonic() - before.lookedAtMs < maxAgeMs) {
        keep(key, before)
        return before
      }
      const shared = underWay.get(key)
      if (shared !== undefined) return shared
      const walking = limiter(async () => {
        const chain = begin(known.get(key))
        try {
          await walk(host, stream, chain)
          keep(key, chain)
          return chain
        } catch (error) {
          keep(key, { ...chain, lookedAtMs: Number.NEGATIVE_INFINITY })
          throw error
        }
      })
      underWay.set(key, walking)
      try {
        return await walking
      } finally {
        underWay.delete(key)
      }
    },
    async segmentsOf(host, stream, stretch, signal) {
      const segments = stretch.segments ?? (await walkAgain([bucket, bounded], host, stream, stretch, signal))
      // Of a chain that nobody keeps any more, nothing is kept either.
      if (known.get(`${host}/${stream}`)?.stretches.includes(stretch) !== true) return segments
      if (stretch.segments === undefined) segmentCount += segments.length
      stretch.segments ??= segments
      touch(stretch)
      return segments
    },
    forget: (host, stream) => drop(`${host}/${stream}`),
  }
}

/** A stream that is not there takes a place, too. */
function weightOf({ stretches }: KnownChain): number {
  return 1 + stretches.length
}

async function walkAgain(
  [bucket, bounded]: readonly [Bucket, Bucket],
  host: string,
  stream: string,
  { start, end: until }: Stretch,
  signal: AbortSignal,
): Promise<ListedSegment[]> {
  const segments: ListedSegment[] = []
  const visit = (segment: ListedSegment): void => {
    if (segment.offset >= start.offset) segments.push(segment)
  }
  const options = { until, signal, visit }
  // Near the beginning of a run that has none, what comes next is told by all of it, not by a name.
  if (start.window.byteLength < Math.min(start.offset, windowBytes)) {
    const run = contentRun(await listSegments(bounded, host, stream, { signal }))
    await findChainEnd(bucket, run.segments, { ...options, start: run.start })
    return segments
  }
  const walk = (listed: Parameters<typeof findChainEnd>[1], from: ChainEnd): Promise<ChainEnd> =>
    findChainEnd(bucket, listed, { ...options, start: from })
  await walkInStages(bucket, host, stream, start, walk, { signal, segmentsMax: stageSegments })
  return segments
}
