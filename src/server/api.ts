import type { Clock } from '../base/clock.ts'
import { boundedLists } from '../bucket/bounded-lists.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { firstKey, headerOf, readHeader } from '../bucket/stream-header.ts'
import { fromOffset, parseKey } from '../format/keys.ts'
import { activityRoute } from './api-activity.ts'
import { contentRoute } from './api-content.ts'
import type { ApiContext } from './api-context.ts'
import { deliveredRoute } from './api-delivered.ts'
import { followRoute } from './api-follow.ts'
import { hostRoutes } from './api-hosts.ts'
import { streamRoutes } from './api-streams.ts'
import { type VerifyStream, verifyRoute } from './api-verify.ts'
import { createChainCache } from './chain-cache.ts'
import { createContentSource, type OpenPublished } from './content.ts'
import type { ServerLoad } from './load.ts'
import type { Route } from './route.ts'

/** Objects that one answer lists at most: 50 MB, and 200 requests. */
const entriesMax = 200_000

export interface ApiParts {
  bucket: Bucket
  clock: Clock
  /** Ends what requests share. */
  signal: AbortSignal
  load: ServerLoad
  maxAgeMs: number
  acceptsHost?: (host: string) => boolean
  openPublished?: OpenPublished | undefined
  /** Objects that one answer lists at most, where it is another number. */
  listedMax?: number
  /** Without it there is no path that verifies. */
  verify?: VerifyStream | undefined
}

/** The routes under /api/v1 that read a bucket. */
export function apiRoutes(parts: ApiParts): Route[] {
  const { clock, load, maxAgeMs, openPublished, acceptsHost = () => true, listedMax = entriesMax } = parts
  const bucket = boundedLists(parts.bucket, listedMax)
  const chains = createChainCache(parts.bucket, bucket, clock, parts.signal)
  const context: ApiContext = {
    bucket,
    clock,
    load,
    maxAgeMs,
    acceptsHost,
    contents: createContentSource(bucket, chains, openPublished),
    async publishedLength(host, stream) {
      const published = await openPublished?.(host, stream)
      await published?.close()
      return published?.length
    },
    async isSealedAt(host, stream, length, signal) {
      // Those of this length alone: however many others there are.
      for await (const entry of bucket.list(fromOffset('seals', host, stream, length), { signal }))
        if (entry.kind === 'object' && parseKey(entry.key)?.kind === 'seal') return true
      const key = firstKey(host, stream)
      const info = await bucket.head(key, { signal })
      return info !== undefined && headerOf(info.metadata, key, info.size).final?.length === length
    },
    isThere: async (host, stream, signal) => (await readHeader(bucket, host, stream, { signal })) !== undefined,
  }
  return [
    ...hostRoutes(context),
    activityRoute(context),
    ...streamRoutes(context),
    contentRoute(context),
    deliveredRoute(context),
    followRoute(context),
    ...(parts.verify ? [verifyRoute(context, parts.verify)] : []),
  ]
}
