import { z } from 'zod'
import { isoTime } from '../base/clock.ts'
import { forEachConcurrently } from '../base/concurrency.ts'
import { isCode } from '../base/errors.ts'
import { listStreamNames } from '../bucket/stream-inventory.ts'
import { listSegments } from '../bucket/stream-listing.ts'
import { surveyChain } from '../bucket/stream-survey.ts'
import { decodeDigest } from '../format/digest.ts'
import { fromHour, hostPrefix, hourMs, hourOf, hourStart, parseKey } from '../format/keys.ts'
import { digestBytesMax } from '../format/limits.ts'
import { type ApiContext, json, problemAnswer, readsAtOnce } from './api-context.ts'
import { problem } from './problem.ts'
import { type Route, route } from './route.ts'
import * as schemas from './schemas.ts'

/** Streams that one answer looks at: the youngest, and those that the last signs of life name. Each costs a listing. */
const youngestMax = 24
const namedMax = 24
/** Digests of the last hours that are listed, and read: an agent writes one in an hour, and a host has one agent. */
const digestsListedMax = 200
const digestsReadMax = 2
const digestHours = 3
/** An answer is given again for so long: pages ask for many hosts, and ask again. */
const keptMs = 5_000
const keptMax = 1_000

type Activity = z.output<typeof schemas.activity>

export function activityRoute(context: ApiContext): Route {
  const { clock } = context
  const kept = new Map<string, { atMs: number; activity: Activity }>()
  return route({
    path: '/api/v1/hosts/{host}/activity',
    operationId: 'hostActivity',
    summary: 'Bytes per hour by the time of their delivery, and how far publishing is behind: of the youngest streams',
    query: z.strictObject({ hours: z.coerce.number().int().min(1).max(168).default(24) }),
    responses: { 200: { description: 'The activity; some seconds old at most', schema: schemas.activity } },
    async answer({ params: { host = '' }, query: { hours }, signal }) {
      const key = `${hours} ${host}`
      const before = kept.get(key)
      if (before !== undefined && clock.monotonic() - before.atMs < keptMs) return json(before.activity)
      const activity = await activityOf(context, host, hours, signal)
      if (activity === undefined) return problemAnswer(problem(404, 'no such host'))
      kept.delete(key)
      kept.set(key, { atMs: clock.monotonic(), activity })
      for (const oldest of kept.keys()) {
        if (kept.size <= keptMax) break
        kept.delete(oldest)
      }
      return json(activity)
    },
  })
}

async function activityOf(
  context: ApiContext,
  host: string,
  hours: number,
  signal: AbortSignal,
): Promise<Activity | undefined> {
  const { bucket, clock } = context
  const names = await listStreamNames(bucket, host, { signal })
  if (names.length === 0) return undefined
  const signs = await lastSigns(context, host, signal)
  const looked = [...new Set([...names.slice(-youngestMax), ...signs.streams.filter((one) => names.includes(one))])]
  const thisHour = hourStart(hourOf(clock.now()))
  const perHour = Array.from({ length: hours }, () => 0)
  const sum = { lastStoredMs: 0, unpublished: 0, isPublished: false, unread: 0 }
  await forEachConcurrently(looked, readsAtOnce, async (stream) => {
    try {
      const segments = await listSegments(bucket, host, stream, { signal })
      const chain = await surveyChain(bucket, segments, { isVouched: () => true, signal })
      for (const { length, storedAtMs } of chain) {
        const at = hours - 1 - Math.ceil((thisHour - storedAtMs) / hourMs)
        if (at >= 0 && at < hours) perHour[at] = (perHour[at] ?? 0) + length
        sum.lastStoredMs = Math.max(sum.lastStoredMs, storedAtMs)
      }
      const last = chain.at(-1)
      const published = await context.publishedLength(host, stream)
      if (published !== undefined) sum.isPublished = true
      sum.unpublished += Math.max(0, (last ? last.offset + last.length : 0) - (published ?? 0))
    } catch (error) {
      // One that holds more than may be listed costs the others nothing.
      if (!isCode(error, 'refused', 'corrupt')) throw error
      sum.unread++
    }
  })
  return {
    host,
    firstHour: hourOf(thisHour - (hours - 1) * hourMs),
    bytesPerHour: perHour,
    streams: names.length,
    looked: looked.length - sum.unread,
    unread: sum.unread,
    lastStored: sum.lastStoredMs === 0 ? null : isoTime(sum.lastStoredMs),
    lastSign: signs.lastMs === undefined ? null : isoTime(signs.lastMs),
    unpublished: sum.isPublished ? sum.unpublished : null,
  }
}

/** When the last digest was stored, and the streams that the last ones name: those grew lately, whatever their age. */
async function lastSigns(
  { bucket, clock }: ApiContext,
  host: string,
  signal: AbortSignal,
): Promise<{ lastMs: number | undefined; streams: string[] }> {
  const found: { key: string; size: number; storedAtMs: number }[] = []
  const startAfter = fromHour(host, hourOf(clock.now() - digestHours * hourMs))
  let listed = 0
  for await (const entry of bucket.list(hostPrefix('digests', host), { startAfter, signal })) {
    const key = entry.kind === 'object' ? parseKey(entry.key) : undefined
    // Hours to come are no agent's, and as many as a hostile host likes.
    if (++listed > digestsListedMax || (key?.kind === 'digest' && hourStart(key.hour) > clock.now())) break
    if (entry.kind === 'object' && key?.kind === 'digest') found.push(entry)
  }
  const last = found.slice(-digestsReadMax)
  const bodies = await Promise.all(
    last.map(async ({ key, size }) => (size <= digestBytesMax ? (await bucket.get(key, { signal }))?.body : undefined)),
  )
  const streams = bodies.flatMap((body) => (body === undefined ? [] : streamsOf(body)))
  return { lastMs: found.at(-1)?.storedAtMs, streams: streams.slice(0, namedMax) }
}

function streamsOf(body: Uint8Array): string[] {
  try {
    return decodeDigest(body).streams.map(({ stream }) => stream)
  } catch (error) {
    if (isCode(error, 'corrupt')) return []
    throw error
  }
}
