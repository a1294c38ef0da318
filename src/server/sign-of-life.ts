import type { Clock } from '../base/clock.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { fromHour, hostPrefix, hourMs, hourOf, hourStart, parseKey } from '../format/keys.ts'

/** How far back a sign of life is looked for. */
export const recentMs = 7 * 24 * hourMs
/** An agent writes one within each hour: this long without means that it is off, or cannot deliver. */
export const silentMs = 3 * hourMs

/** `silent`: its last sign is within the last week; `long-silent`: before; `none`: it never gave any. */
export type Sign = 'alive' | 'silent' | 'long-silent' | 'none'

interface Place {
  bucket: Bucket
  clock: Pick<Clock, 'now'>
}

/** What the digests of a host say; `lastHour` where there is one within the last week. Rejects where nobody knows. */
export async function signOfLife(
  place: Place,
  host: string,
  signal: AbortSignal,
): Promise<{ sign: Sign; lastHour: string | undefined }> {
  const lastHour = await lastDigestHour(place, host, signal)
  if (lastHour !== undefined)
    return { sign: place.clock.now() - hourStart(lastHour) < silentMs ? 'alive' : 'silent', lastHour }
  return { sign: (await hasDigest(place, host, signal)) ? 'long-silent' : 'none', lastHour }
}

/** Looked at within one hour, and in all: more are no agents', and the rest of them is passed over. */
const perHourMax = 100
export const looksMax = 20_000

async function lastDigestHour(
  { bucket, clock }: Place,
  host: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const nowMs = clock.now()
  const prefix = hostPrefix('digests', host)
  // A host that is alive is told by a request or two.
  for (let ms = nowMs; ms > nowMs - silentMs; ms -= hourMs) {
    const hour = hourOf(ms)
    let looked = 0
    for await (const entry of bucket.list(`${prefix}${hour}-`, { signal })) {
      if (entry.kind === 'object' && parseKey(entry.key)?.kind === 'digest') return hour
      if (++looked === perHourMax) break
    }
  }
  let startAfter: string | undefined = fromHour(host, hourOf(nowMs - recentMs))
  let last: string | undefined
  for (let looked = 0; startAfter !== undefined && looked < looksMax; ) {
    const entries = bucket.list(prefix, { startAfter, signal })
    startAfter = undefined
    let [hour, inHour] = ['', 0]
    for await (const entry of entries) {
      const key = entry.kind === 'object' ? parseKey(entry.key) : undefined
      looked++
      // A compromised host may write hours to come: its sign of life is no better for that.
      if (key?.kind === 'digest' && hourStart(key.hour) > nowMs) return last
      if (key?.kind === 'digest') last = key.hour
      inHour = key?.kind === 'digest' && key.hour !== hour ? 1 : inHour + 1
      if (key?.kind === 'digest') hour = key.hour
      if (inHour < perHourMax) continue
      // Behind all names of this hour; of names that are no digests' at all, nothing is told.
      if (hour !== '') startAfter = `${prefix}${hour}.`
      break
    }
  }
  return last
}

async function hasDigest({ bucket }: Pick<Place, 'bucket'>, host: string, signal: AbortSignal): Promise<boolean> {
  for await (const _ of bucket.list(hostPrefix('digests', host), { signal })) return true
  return false
}
