import { highWatermark, type Life } from '../../agent/life.ts'
import type { Clock } from '../../base/clock.ts'
import { LogcaskError, messageOf } from '../../base/errors.ts'
import { type Bucket, listObjects } from '../../bucket/bucket.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import type { DestinationConfig } from '../../config/agent-config.ts'
import { fromHour, hostPrefix, hourMs, hourOf, parseKey } from '../../format/keys.ts'
import { openBucket } from '../compose/open-bucket.ts'

/** What a destination itself says of this host. */
export interface AskedDestination {
  name: string
  /** It did not answer, or says no: then nothing else is known (I4). */
  problem?: { message: string; hint: string | undefined; isRefused: boolean } | undefined
  /** When the newest digest of the last two days came, milliseconds since 1970. */
  lastDigestAtMs?: number | undefined
  /** Of what the checkpoint says is missing there, what it has all the same, by the names of its segments. */
  aheadBytes: number
}

/** At three in the morning nobody waits for a store that hangs. */
const patienceMs = 8_000
const recentMs = 48 * hourMs
/** One LIST each: the files that are the furthest behind. */
const streamsMax = 20

/** Asks all of them at once, and never waits longer than that for any. Only reads. */
export function askDestinations(
  destinations: readonly DestinationConfig[],
  host: string,
  lives: readonly Life[],
  clock: Clock,
): Promise<AskedDestination[]> {
  return Promise.all(destinations.map((destination) => ask(destination, host, lives, clock)))
}

async function ask(
  destination: DestinationConfig,
  host: string,
  lives: readonly Life[],
  clock: Clock,
): Promise<AskedDestination> {
  const { name, url, ...store } = destination
  const late = new LogcaskError('unavailable', `${name}: no answer within ${patienceMs / 1000} s`, {
    hint: `does it answer at all? logcask doctor '${url}'`,
  })
  const limit = new AbortController()
  const cancel = clock.timer(patienceMs, () => limit.abort(late))
  const isLate = new Promise<never>((_, reject) => limit.signal.addEventListener('abort', () => reject(late)))
  let bucket: Bucket | undefined
  try {
    bucket = await Promise.race([openBucket(url, store, 'read', clock), isLate])
    return await Promise.race([askBucket(bucket, name, host, lives, clock, limit.signal), isLate])
  } catch (error) {
    const isKnown = error instanceof LogcaskError
    const problem = {
      message: messageOf(error),
      hint: isKnown ? error.hint : undefined,
      isRefused: isKnown && error.code !== 'unavailable',
    }
    return { name, problem, aheadBytes: 0 }
  } finally {
    cancel()
    limit.abort(late)
    await bucket?.close()
  }
}

async function askBucket(
  bucket: Bucket,
  name: string,
  host: string,
  lives: readonly Life[],
  clock: Clock,
  signal: AbortSignal,
): Promise<AskedDestination> {
  const startAfter = fromHour(host, hourOf(Math.max(0, clock.now() - recentMs)))
  const digests = await listObjects(bucket, hostPrefix('digests', host), { startAfter, signal })
  const lastDigestAtMs = digests
    .filter(({ key }) => parseKey(key)?.kind === 'digest')
    .reduce<number | undefined>((last, { storedAtMs }) => Math.max(last ?? 0, storedAtMs), undefined)
  const behind = lives
    .filter((life) => !life.ended && life.deliveries.has(name))
    .sort((a, b) => b.size - highWatermark(b) - (a.size - highWatermark(a)))
  let aheadBytes = 0
  for (const life of behind.slice(0, streamsMax)) aheadBytes += await aheadOf(bucket, name, host, life, signal)
  return { name, lastDigestAtMs, aheadBytes }
}

/** What lies beyond the checkpoint's acked offset, segment after segment: by names alone, so at most this. */
async function aheadOf(bucket: Bucket, name: string, host: string, life: Life, signal: AbortSignal): Promise<number> {
  const delivery = life.deliveries.get(name)
  if (delivery?.stream === undefined || delivery.acked.offset >= life.size) return 0
  const from = delivery.acked.offset
  const segments = await listSegments(bucket, host, delivery.stream, { from, signal })
  let end = from
  for (let next = segments.startingAt(end)[0]; next !== undefined; next = segments.startingAt(end)[0])
    end += next.length
  return Math.max(0, Math.min(end, life.size) - from)
}
