import { createLimiter } from '../base/concurrency.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { contentRun } from '../bucket/stream-content.ts'
import { findChainEnd, type ListedSegment, listSegments } from '../bucket/stream-listing.ts'
import { type ChainEnd, SegmentMap } from '../format/chain.ts'
import { windowBytes } from '../format/limits.ts'

/** A stream's chain as far as it was walked: it only grows (I8), so that what is kept stays right. */
export interface KnownChain {
  /** 0, or where its first byte is when those before have expired. */
  start: number
  end: ChainEnd
  /** In order. */
  segments: readonly ListedSegment[]
  /** On the monotonic clock. */
  lookedAtMs: number
}

export interface ChainCache {
  /** The chain, listed again unless that was done less than `maxAgeMs` ago. Who asks meanwhile gets the same answer. */
  look(host: string, stream: string, maxAgeMs: number): Promise<KnownChain>
  /** What was listed is no longer there. */
  forget(host: string, stream: string): void
}

/** All chains together: some 300 bytes each, 60 MB at most. The one that was asked for longest ago is walked anew. */
const segmentsMax = 200_000
/** Walks at once: each reads the tails of up to 16 segments. */
const walksMax = 4

/** `signal` ends walks that are under way: they are shared, so that no single client's leaving may. */
export function createChainCache(bucket: Bucket, clock: { monotonic(): number }, signal: AbortSignal): ChainCache {
  const known = new Map<string, KnownChain>()
  const underWay = new Map<string, Promise<KnownChain>>()
  const limiter = createLimiter(walksMax)
  let count = 0

  const keep = (key: string, chain: KnownChain): void => {
    drop(key)
    known.set(key, chain)
    count += chain.segments.length
    for (const oldest of known.keys()) {
      if (count <= segmentsMax || oldest === key) break
      drop(oldest)
    }
  }
  const drop = (key: string): void => {
    count -= known.get(key)?.segments.length ?? 0
    known.delete(key)
  }
  const walk = async (host: string, stream: string, before: KnownChain | undefined): Promise<KnownChain> => {
    // While little is known of a run without a beginning, only all of its segments tell what comes next.
    const base = before && (before.start === 0 || before.end.window.byteLength >= windowBytes) ? before : undefined
    const lookedAtMs = clock.monotonic()
    const listed = await listSegments(bucket, host, stream, { from: base?.end.offset ?? 0, signal })
    const { segments: run, start } = base
      ? { segments: listed, start: base.end }
      : contentRun(new SegmentMap(listed.all))
    const segments = [...(base?.segments ?? [])]
    const end = await findChainEnd(bucket, run, { start, signal, visit: (segment) => void segments.push(segment) })
    return { start: base?.start ?? start.offset, end, segments, lookedAtMs }
  }

  return {
    async look(host, stream, maxAgeMs) {
      const key = `${host}/${stream}`
      const before = known.get(key)
      if (before !== undefined && clock.monotonic() - before.lookedAtMs < maxAgeMs) {
        keep(key, before)
        return before
      }
      const shared = underWay.get(key)
      if (shared !== undefined) return shared
      const walking = limiter(() => walk(host, stream, before))
      underWay.set(key, walking)
      try {
        const chain = await walking
        keep(key, chain)
        return chain
      } finally {
        underWay.delete(key)
      }
    },
    forget: (host, stream) => drop(`${host}/${stream}`),
  }
}
