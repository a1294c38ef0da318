import { LogcaskError } from '../../base/errors.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { listStreamNames } from '../../bucket/stream-inventory.ts'
import { noSuchName } from './no-such-name.ts'
import { type NamedStream, noSuchHost, readHeaders } from './read-bucket.ts'
import { byBirth, isPath, isPattern, matchPaths } from './read-names.ts'
import type { FindOptions, Found } from './read-place.ts'

export type { Found }

/** Headers that are read before it is looked whether the newest stream of a name is among them. */
const batchSize = 64

/**
 * The streams that NAME means: a whole path, or the end of one where that is clear. Costs a small request for each stream
 * of the host; with a whole path and `newestOnly`, from the newest on, until one is found.
 */
export async function findStreams(
  bucket: Bucket,
  host: string,
  name: string,
  options: Pick<FindOptions, 'newestOnly'> & { signal: AbortSignal },
): Promise<Found> {
  const all = await findAllStreams(bucket, host, name, { ...options, several: false })
  const [found] = all
  if (found !== undefined && all.length === 1) return found
  const paths = all.map(({ path }) => path)
  throw noSuchName(name, paths, `logcask ls ${bucket.url} ${pathForPeople(host)}`)
}

/** The same where NAME may be a pattern, and mean several paths: in their order. */
export async function findAllStreams(
  bucket: Bucket,
  host: string,
  name: string,
  options: FindOptions & { signal: AbortSignal },
): Promise<Found[]> {
  const { signal } = options
  const all = (await listStreamNames(bucket, host, { signal })).toSorted((a, b) =>
    byBirth({ stream: b }, { stream: a }),
  )
  if (all.length === 0) throw await noSuchHost(bucket, host, signal)
  // Where births are unknown, only what the headers say orders the streams.
  const mayStop =
    options.newestOnly && name.startsWith('/') && !isPattern(name) && !all.some((stream) => stream.startsWith('0-'))
  const read: NamedStream[] = []
  for (let at = 0; at < all.length; at += batchSize) {
    read.push(...(await readHeaders(bucket, host, all.slice(at, at + batchSize), signal)))
    if (mayStop && read.some(({ header }) => header && isPath(name, header.origin))) break
  }
  const named = read.flatMap(({ stream, header }) => (header ? [{ stream, ...header }] : []))
  const origins = named.map(({ origin }) => origin)
  const match = matchPaths(name, origins, options)
  const lookup = `logcask ls ${bucket.url} ${pathForPeople(host)}`
  const unreadable = read.filter(({ problem }) => problem !== undefined)
  if (!('paths' in match)) {
    if (match.candidates.length === 0 && unreadable[0]?.problem !== undefined) throw withUnreadable(name, unreadable)
    throw noSuchName(name, match.candidates, lookup, `, or cat its stream: --stream ID (${lookup} lists the ids)`)
  }
  return match.paths.map((path) => ({
    path,
    streams: named
      .filter(({ origin }) => origin.path === path)
      .toSorted(byBirth)
      .map(({ stream }) => stream),
    isPartial: read.length < all.length,
    unreadable,
  }))
}

function withUnreadable(name: string, unreadable: readonly NamedStream[]): LogcaskError {
  const [first] = unreadable
  return new LogcaskError(
    'corrupt',
    `no stream that can be read is called ${pathForPeople(name)}; ${unreadable.length} cannot: ${first?.problem?.message}`,
    { hint: first?.problem?.hint },
  )
}
