import { isCode } from '../../base/errors.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { sealsOf } from '../../bucket/stream-header.ts'
import { listGaps, listStreamNames } from '../../bucket/stream-inventory.ts'
import { listSegments, readChain } from '../../bucket/stream-listing.ts'
import { completeness } from '../../bucket/stream-state.ts'
import { type ChainEnd, chainStart } from '../../format/chain.ts'
import { streamPrefix } from '../../format/keys.ts'
import type { CommandInput } from '../command.ts'
import { afterTrouble } from './after-trouble.ts'
import { readHeaders } from './read-bucket.ts'
import { type Born, byBirth } from './read-names.ts'
import type { Followed } from './read-place.ts'

/** Latency while lines come, and requests per hour while none do. What costs nothing is asked more often. */
const pace = { remote: { minMs: 500, maxMs: 10_000 }, local: { minMs: 100, maxMs: 1_000 } }
/** One look in so many asks for the next stream of the name as well. */
const looksPerRotationCheck = 5
/** A stream that is neither sealed nor ended, when a newer one has its name, gets so long for its last lines. */
const quietMs = 10_000

/**
 * Prints what comes after `end`, as `tail -F` does: goes over to the next stream of the name once this one is sealed, has
 * ended in a gap, or has been quiet since the next one began. A store that does not answer is waited for, and is no quiet
 * stream. Ends only by rejecting: with the signal's reason, or where the store says no.
 */
export async function followStream(
  input: CommandInput,
  bucket: Bucket,
  { host, stream, path }: Followed,
  end: ChainEnd,
): Promise<never> {
  const { terminal, clock, signal } = input
  const others = new Set<string>()
  const place: Place = { host, stream, at: end, quietSinceMs: clock.monotonic() }
  const { minMs, maxMs } = bucket.url.startsWith('file:') ? pace.local : pace.remote
  let waitMs = minMs
  let next: string | undefined
  let isTrouble = false
  for (let look = 1; ; look++) {
    await clock.sleep(waitMs, signal)
    try {
      const hasGrown = await printNew(input, bucket, place)
      if (isTrouble) place.quietSinceMs = afterTrouble(clock)
      isTrouble = false
      waitMs = hasGrown ? minMs : Math.min(maxMs, waitMs * 1.5)
      if (path === undefined || hasGrown || (next === undefined && look % looksPerRotationCheck !== 0)) continue
      next ??= await findNext(bucket, place, path, others, signal)
      if (next === undefined) continue
      const isQuiet = clock.monotonic() - place.quietSinceMs >= quietMs
      if (!isQuiet && !(await hasEnded(bucket, place, signal))) continue
      // What came between the last look and the seal.
      if (await printNew(input, bucket, place)) continue
      terminal.say(`${pathForPeople(path)}: rotated, going on with stream ${next}`)
      Object.assign(place, { stream: next, at: chainStart, quietSinceMs: clock.monotonic() })
      next = undefined
      waitMs = minMs
    } catch (error) {
      if (signal.aborted || !isCode(error, 'unavailable')) throw error
      if (!isTrouble) terminal.warn(`${textForPeople(error.message)}: trying on`)
      isTrouble = true
      waitMs = maxMs
    }
  }
}

/** How far the printing has come. */
interface Place {
  host: string
  stream: string
  at: ChainEnd
  /** Since when the store answers, and nothing came. */
  quietSinceMs: number
}

/** Prints what is new, and says whether there was anything. What was printed before a failure is not printed again. */
async function printNew({ terminal, clock, signal }: CommandInput, bucket: Bucket, place: Place): Promise<boolean> {
  const { host, stream, at } = place
  const segments = await listSegments(bucket, host, stream, { from: at.offset, signal })
  for await (const { bytes, end } of readChain(bucket, segments, { start: at, signal })) {
    await terminal.write(bytes)
    place.at = end
    place.quietSinceMs = clock.monotonic()
  }
  return place.at !== at
}

/** The stream of this name that was born next. `others` keeps the streams of other names: headers never change. */
async function findNext(
  bucket: Bucket,
  { host, stream }: Place,
  path: string,
  others: Set<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const names = await listStreamNames(bucket, host, { signal })
  const [current, ...read] = await readHeaders(
    bucket,
    host,
    [stream, ...names.filter((name) => name !== stream && !others.has(name) && mayBeNewer(name, stream))],
    signal,
  )
  const heirs: Born[] = []
  for (const { stream, header, problem } of read) {
    // A header that is not there yet may come.
    if (header === undefined && problem === undefined) continue
    const one = { stream, storedAtMs: header?.storedAtMs }
    const isHeir =
      header?.origin.path === path && byBirth({ stream: current?.stream ?? '', ...current?.header }, one) < 0
    if (isHeir) heirs.push(one)
    else others.add(stream)
  }
  return heirs.toSorted(byBirth)[0]?.stream
}

/** By its name alone; one without a birth time may be anything. */
function mayBeNewer(name: string, stream: string): boolean {
  return name.startsWith('0-') || stream.startsWith('0-') || byBirth({ stream }, { stream: name }) < 0
}

async function hasEnded(bucket: Bucket, { host, stream, at }: Place, signal: AbortSignal): Promise<boolean> {
  const seals = await sealsOf(bucket, host, stream, signal)
  if (completeness(at.offset, seals).kind === 'sealed') return true
  const gaps = await listGaps(bucket, host, { prefix: streamPrefix('gaps', host, stream), signal })
  return (gaps.get(stream) ?? []).some(({ end, offset }) => end === 'open' && offset <= at.offset)
}
