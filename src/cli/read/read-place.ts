import { matchesGlob } from '../../base/glob.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import type { Times } from '../../bucket/delivered-between.ts'
import type { ContentRead } from '../../bucket/stream-content.ts'
import type { ChainEnd } from '../../format/chain.ts'
import { type CommandInput, usageError } from '../command.ts'
import { isPattern } from './read-names.ts'
import type { ByteRange } from './read-range.ts'

/** Where people read streams: a bucket, or a server in front of one. */
export interface ReadPlace {
  readonly url: string
  /** What stands behind bytes that were read whole, for people. */
  readonly voucher: string
  /** In order; those that this reader may read. */
  hosts(): Promise<readonly string[]>
  /** The streams that NAME means. Rejects `invalid` where it means nothing, or is not clear; with `several` there is none then, or all. */
  find(host: string, name: string, options: FindOptions): Promise<readonly Found[]>
  /** The bytes that were delivered in that time; undefined where none were. */
  delivered(host: string, stream: string, times: Times): Promise<ByteRange | undefined>
  read(host: string, stream: string, range: ByteRange): AsyncGenerator<Uint8Array, ContentRead>
  /** Prints what comes after `end`. Ends only by rejecting: with the signal's reason, or where the other side says no. */
  follow(followed: Followed, end: ChainEnd): Promise<never>
}

export interface FindOptions {
  /** Older streams of a name may be left out. */
  newestOnly: boolean
  several: boolean
}

/** The streams of one path. */
export interface Found {
  path: string
  /** Oldest first; only the newest where `isPartial`. */
  streams: readonly string[]
  /** Older streams were not looked at. */
  isPartial: boolean
  /** Streams of the host whose header cannot be read: one of them may be of this name. */
  unreadable: readonly { stream: string; problem?: Error }[]
}

export interface Followed {
  host: string
  stream: string
  /** The name to go on with after a rotation; undefined: this stream and no other. */
  path: string | undefined
}

/** One file that is to be read: what of it, oldest stream first. */
export interface Target {
  place: ReadPlace
  host: string
  found: Found
}

/** The hosts that HOST means, in order. One that is no pattern is itself, there or not. */
export async function selectHosts(
  place: Pick<ReadPlace, 'url' | 'hosts'>,
  pattern: string,
): Promise<readonly string[]> {
  if (!isPattern(pattern)) return [pattern]
  const all = await place.hosts()
  const hosts = all.includes(pattern) ? [pattern] : all.filter((host) => matchesGlob(pattern, host))
  if (hosts.length > 0) return hosts
  throw usageError(`${place.url}: no host fits ${pathForPeople(pattern)}`, `logcask ls ${place.url} lists the hosts`)
}

/** All files that HOST and NAME mean, by host and path; wrong usage where there is none. */
export async function selectTargets(
  { terminal }: Pick<CommandInput, 'terminal'>,
  place: ReadPlace,
  host: string,
  name: string,
  options: { newestOnly: boolean },
): Promise<Target[]> {
  const several = isPattern(host)
  const targets: Target[] = []
  for (const one of await selectHosts(place, host)) {
    const found = await place.find(one, name, { ...options, several })
    for (const { stream, problem } of found[0]?.unreadable.slice(0, 3) ?? []) {
      terminal.warn(`${stream}: cannot be read, and may be of this name: ${textForPeople(problem?.message ?? '')}`)
    }
    targets.push(...found.map((each) => ({ place, host: one, found: each })))
  }
  if (targets.length > 0) return targets
  throw usageError(
    `no stream is called ${pathForPeople(name)} on any host that fits ${pathForPeople(host)}`,
    `logcask ls ${place.url} '${pathForPeople(host)}' lists them all`,
  )
}
