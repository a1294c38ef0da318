import type { StoredObjects, StoredVersion } from './fault-s3-store.ts'
import { element, xml } from './fault-s3-xml.ts'

/** ListObjectsV2 and ListObjectVersions over one bucket, as XML. */
export function listObjects(bucket: string, objects: StoredObjects, query: URLSearchParams): string {
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const encode = encoderOf(query)
  const page = pageOf(objects.keys(query.get('prefix') ?? ''), decodeToken(after, query), query)
  const contents = page.keys.map((key) => {
    const object = objects.current(key)
    return object === undefined
      ? ''
      : element('Contents', [element('Key', encode(key)), ...described(object), element('StorageClass', 'STANDARD')])
  })
  return xml('ListBucketResult', [
    ...heading(bucket, query, page),
    element('KeyCount', page.keys.length + page.prefixes.length),
    ...(page.isTruncated ? [element('NextContinuationToken', encodeToken(page.last))] : []),
    ...contents,
    ...prefixElements(page, encode),
  ])
}

export function listVersions(bucket: string, objects: StoredObjects, query: URLSearchParams): string {
  const encode = encoderOf(query)
  const prefix = query.get('prefix') ?? ''
  const marker = query.get('key-marker') ?? ''
  const versionMarker = query.get('version-id-marker')
  const keys = objects.allKeys().filter((key) => key.startsWith(prefix))
  // One page counts versions, not keys: a key may go on in the next.
  const rows = keys.flatMap((key) => {
    const newestFirst = objects.versions(key).toReversed()
    if (key !== marker || versionMarker === null) return newestFirst.map((version) => ({ key, version, newestFirst }))
    const at = newestFirst.findIndex(({ id }) => id === versionMarker)
    return newestFirst.slice(at + 1).map((version) => ({ key, version, newestFirst }))
  })
  const from = rows.filter(({ key }) => key > marker || (key === marker && versionMarker !== null))
  const names = from.map(({ key }) => key)
  const page = pageOf(names, versionMarker === null ? marker : '', query)
  const shown = from.filter(({ key }) => page.keys.includes(key)).slice(0, page.keys.length)
  const last = shown.at(-1)
  return xml('ListVersionsResult', [
    ...heading(bucket, query, page),
    ...(page.isTruncated
      ? [
          element('NextKeyMarker', encode(page.last)),
          ...(last && page.last === last.key ? [element('NextVersionIdMarker', last.version.id)] : []),
        ]
      : []),
    ...shown.map(({ key, version, newestFirst }) =>
      element(version.body === undefined ? 'DeleteMarker' : 'Version', [
        element('Key', encode(key)),
        element('VersionId', version.id),
        element('IsLatest', version === newestFirst[0]),
        ...described(version),
      ]),
    ),
    ...prefixElements(page, encode),
  ])
}

interface Page {
  keys: string[]
  prefixes: string[]
  /** The last name on it, key or prefix. */
  last: string
  isTruncated: boolean
}

/** `names` in order (a key once per version); `after` may be a key or a prefix that a page ended with. */
function pageOf(names: readonly string[], after: string, query: URLSearchParams): Page {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter')
  const entriesMax = Number(query.get('max-keys') ?? 1000)
  const page: Page = { keys: [], prefixes: [], last: after, isTruncated: false }
  for (const name of names) {
    const cut = delimiter ? name.indexOf(delimiter, prefix.length) : -1
    const folded = cut < 0 ? undefined : name.slice(0, cut + (delimiter?.length ?? 0))
    if (folded === undefined ? name <= after : folded === page.last || (folded <= after && name <= after)) continue
    if (page.keys.length + page.prefixes.length === entriesMax) return { ...page, isTruncated: true }
    if (folded === undefined) page.keys.push(name)
    else page.prefixes.push(folded)
    page.last = folded ?? name
  }
  return page
}

function heading(bucket: string, query: URLSearchParams, page: Page): string[] {
  const encode = encoderOf(query)
  return [
    element('Name', bucket),
    element('Prefix', encode(query.get('prefix') ?? '')),
    element('MaxKeys', query.get('max-keys') ?? '1000'),
    element('IsTruncated', page.isTruncated),
    ...['delimiter', 'encoding-type'].flatMap((name) => {
      const value = query.get(name)
      return value === null ? [] : [element(name === 'delimiter' ? 'Delimiter' : 'EncodingType', encode(value))]
    }),
  ]
}

function prefixElements(page: Page, encode: (name: string) => string): string[] {
  return page.prefixes.map((prefix) => element('CommonPrefixes', [element('Prefix', encode(prefix))]))
}

function described(version: StoredVersion): string[] {
  const { body, storedAtMs, sha256 } = version
  const time = element('LastModified', new Date(storedAtMs).toISOString())
  if (body === undefined) return [time]
  return [time, element('ETag', `"${sha256.slice(0, 32)}"`), element('Size', body.byteLength)]
}

/** As AWS encodes: a space is a plus, a slash stays. */
function encoderOf(query: URLSearchParams): (name: string) => string {
  if (query.get('encoding-type') !== 'url') return (name) => name
  return (name) => encodeURIComponent(name).replaceAll('%20', '+').replaceAll('%2F', '/')
}

function encodeToken(name: string): string {
  return `t:${Buffer.from(name).toString('base64url')}`
}

function decodeToken(token: string, query: URLSearchParams): string {
  return query.has('continuation-token') ? Buffer.from(token.slice(2), 'base64url').toString() : token
}
