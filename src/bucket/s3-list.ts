import { ListObjectsV2Command, ListObjectVersionsCommand, type ObjectVersion } from '@aws-sdk/client-s3'
import { LogcaskError } from '../base/errors.ts'
import type { ListEntry, ListOptions, ObjectEntry } from './bucket.ts'
import { outputOf, type S3Place } from './s3-request.ts'

/** What both kinds of page have in common. Names come percent-encoded where the store was able to. */
interface Page {
  EncodingType?: string | undefined
  IsTruncated?: boolean | undefined
  CommonPrefixes?: { Prefix?: string | undefined }[] | undefined
}

/** Every object as it is now. A page that fails rejects: what came before it decides nothing (I4). */
export async function* listCurrent(place: S3Place, prefix: string, options: ListOptions): AsyncGenerator<ListEntry> {
  let token: string | undefined
  do {
    const page = outputOf(
      await place.ask({ operation: 'ListObjectsV2', key: prefix }, options.signal, (client, sendOptions) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: place.bucket,
            Prefix: prefix,
            StartAfter: token === undefined ? options.startAfter : undefined,
            ContinuationToken: token,
            Delimiter: options.delimiter,
            EncodingType: 'url',
          }),
          sendOptions,
        ),
      ),
    )
    const next = isLast(page, place) ? undefined : followed(page.NextContinuationToken, token, place)
    const objects = (page.Contents ?? []).map(({ Key, Size, LastModified }): ObjectEntry => {
      const { name, size } = namedAndSized(Key, Size, page, place)
      return { kind: 'object', key: name, size, storedAtMs: LastModified?.getTime() ?? 0, versions: 1 }
    })
    yield* inOrder(objects, prefixesOf(page, place), options)
    token = next
  } while (token !== undefined)
}

/** A key's versions as far as they were listed: S3 lists them newest first, so that the last one seen is the oldest. */
interface Group {
  key: string
  versions: number
  oldest: ObjectVersion | undefined
}

/** Every key that has content in a versioned bucket, with its oldest version, and how many entries it has. */
export async function* listOldest(place: S3Place, prefix: string, options: ListOptions): AsyncGenerator<ListEntry> {
  let marker: { key: string; version: string | undefined } | undefined
  let open: Group | undefined
  do {
    const page = outputOf(
      await place.ask({ operation: 'ListObjectVersions', key: prefix }, options.signal, (client, sendOptions) =>
        client.send(
          new ListObjectVersionsCommand({
            Bucket: place.bucket,
            Prefix: prefix,
            KeyMarker: marker?.key ?? options.startAfter,
            VersionIdMarker: marker?.version,
            Delimiter: options.delimiter,
            EncodingType: 'url',
          }),
          sendOptions,
        ),
      ),
    )
    const groups = new Map<string, Group>(open ? [[open.key, open]] : [])
    for (const version of page.Versions ?? []) {
      const group = groupOf(groups, decoded(version.Key, page, place))
      group.versions++
      group.oldest = version
    }
    for (const { Key } of page.DeleteMarkers ?? []) groupOf(groups, decoded(Key, page, place)).versions++
    const prefixes = prefixesOf(page, place)
    open = isLast(page, place) ? undefined : unfinished(groups, prefixes)
    if (open) groups.delete(open.key)
    const objects = [...groups.values()].flatMap((group) => entryOf(group, page, place))
    yield* inOrder(objects, prefixes, options)
    marker = isLast(page, place) ? undefined : markerOf(page, marker, place)
  } while (marker !== undefined)
}

function groupOf(groups: Map<string, Group>, key: string): Group {
  const group = groups.get(key) ?? { key, versions: 0, oldest: undefined }
  groups.set(key, group)
  return group
}

/** The last key of a page, where nothing on it comes behind: the next page may have more of its versions. */
function unfinished(groups: ReadonlyMap<string, Group>, prefixes: readonly string[]): Group | undefined {
  const keys = [...groups.keys(), ...prefixes]
  const last = keys.reduce((found, key) => (compareBytes(key, found) > 0 ? key : found), '')
  return groups.get(last)
}

/** None for a key of which there are only delete markers. */
function entryOf(group: Group, page: Page, place: S3Place): ObjectEntry[] {
  const { key, versions, oldest } = group
  if (oldest === undefined) return []
  const { size } = namedAndSized(oldest.Key, oldest.Size, page, place)
  const storedAtMs = oldest.LastModified?.getTime() ?? 0
  return [{ kind: 'object', key, size, storedAtMs, versions, version: oldest.VersionId }]
}

function markerOf(
  page: { NextKeyMarker?: string | undefined; NextVersionIdMarker?: string | undefined } & Page,
  before: { key: string; version: string | undefined } | undefined,
  place: S3Place,
): { key: string; version: string | undefined } {
  const marker = { key: decoded(page.NextKeyMarker, page, place), version: page.NextVersionIdMarker }
  if (marker.key === before?.key && marker.version === before.version) throw noListing(place, 'begins again')
  return marker
}

/** S3 gives objects and prefixes apart, each in order; together only where there are prefixes. */
function* inOrder(objects: ObjectEntry[], prefixes: string[], options: ListOptions): Generator<ListEntry> {
  const { startAfter, signal } = options
  const folded = prefixes.map((prefix): ListEntry => ({ kind: 'prefix', prefix }))
  const entries =
    folded.length === 0 ? objects : [...objects, ...folded].sort((a, b) => compareBytes(nameOf(a), nameOf(b)))
  for (const entry of entries) {
    // Some stores begin with the marker itself.
    if (startAfter !== undefined && entry.kind === 'object' && compareBytes(entry.key, startAfter) <= 0) continue
    signal?.throwIfAborted()
    yield entry
  }
  signal?.throwIfAborted()
}

function nameOf(entry: ListEntry): string {
  return entry.kind === 'object' ? entry.key : entry.prefix
}

function prefixesOf(page: Page, place: S3Place): string[] {
  return (page.CommonPrefixes ?? []).map(({ Prefix }) => decoded(Prefix, page, place))
}

/** An empty 200, or somebody's welcome page, is no empty listing (I4). */
function isLast(page: Page, place: S3Place): boolean {
  if (page.IsTruncated === undefined) throw noListing(place, 'does not say whether it is complete')
  return !page.IsTruncated
}

function followed(next: string | undefined, before: string | undefined, place: S3Place): string {
  if (next === undefined || next === '') throw noListing(place, 'is cut without a way to go on')
  if (next === before) throw noListing(place, 'begins again')
  return next
}

function namedAndSized(key: string | undefined, size: number | undefined, page: Page, place: S3Place) {
  if (size === undefined || !Number.isSafeInteger(size)) throw noListing(place, 'has an object without a size')
  return { name: decoded(key, page, place), size }
}

/** Percent-encoded on request, because XML cannot carry every name. A name that does not decode is no agent's: as it is. */
function decoded(name: string | undefined, page: Page, place: S3Place): string {
  if (name === undefined) throw noListing(place, 'has an entry without a name')
  if (page.EncodingType !== 'url') return name
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}

function noListing(place: S3Place, problem: string): LogcaskError {
  return new LogcaskError('unavailable', `${place.url}: the listing ${problem}`, {
    hint: 'check endpoint:: something answers that is no S3 store, or a broken one',
  })
}

/** The order of UTF-8 bytes, in which stores list; JavaScript's own differs beyond U+D800. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
