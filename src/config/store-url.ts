import { fileURLToPath } from 'node:url'
import { closest } from '../base/closest.ts'
import { LogcaskError } from '../base/errors.ts'

/** Where a URL points: `file:///dir`, or `s3://bucket/prefix` with `?endpoint=`, `?region=` and `?profile=`. */
export type StoreAddress =
  | { scheme: 'file'; root: string }
  | { scheme: 's3'; bucket: string; prefix: string; query: StoreQuery }

export interface StoreQuery {
  endpoint?: string | undefined
  region?: string | undefined
  profile?: string | undefined
}

const queryNames = ['endpoint', 'region', 'profile'] as const
const examples = 'write file:///dir or s3://bucket/prefix'

/** Throws `invalid` for what is no address of a store, with what to type instead. */
export function parseStoreUrl(text: string): StoreAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    throw invalid(text, 'is no URL', text.startsWith('/') ? `write file://${text.replaceAll(' ', '%20')}` : examples)
  }
  if (scheme !== 'file' && scheme !== 's3') {
    const meant = closest(scheme, ['file', 's3'])
    throw invalid(text, `has the unknown scheme ${scheme}:`, meant ? `did you mean ${meant}:? ${examples}` : examples)
  }
  if (!text.startsWith(`${text.slice(0, scheme.length)}://`) || !URL.canParse(text)) {
    throw invalid(text, 'cannot be read as a URL', examples)
  }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    // Without the credential: messages are logged.
    throw invalid(
      `${scheme}://…@${url.host}`,
      'holds a credential',
      'use a profile, or AWS_ACCESS_KEY_ID: URLs are logged',
    )
  }
  if (url.hash !== '') throw invalid(text, 'holds a #', 'write it as %23')
  return scheme === 'file' ? fileAddress(text, url) : s3Address(text, url)
}

/** For a destination without a name of its own: `bucket/prefix`, or the path. */
export function nameOfAddress(address: StoreAddress): string {
  return address.scheme === 'file' ? address.root : `${address.bucket}/${address.prefix}`.replace(/\/$/, '')
}

/** The same text for two addresses exactly where they name the same place. */
export function placeOfAddress(address: StoreAddress, endpoint: string | undefined): string {
  if (address.scheme === 'file') return `file://${address.root}`
  return `s3://${address.bucket}/${address.prefix} ${endpoint ?? address.query.endpoint ?? ''}`.replace(/\/$/, '')
}

function fileAddress(text: string, url: URL): StoreAddress {
  if (url.host !== '' || !/^file:\/\/\//i.test(text)) {
    throw invalid(text, 'names no absolute path', `three slashes: file:///${text.replace(/^file:\/*/i, '')}`)
  }
  if (url.search !== '') throw invalid(text, 'takes no ?setting', 'write a ? in a name as %3F')
  try {
    const root = fileURLToPath(url)
    return { scheme: 'file', root: root.length > 1 ? root.replace(/\/+$/, '') || '/' : root }
  } catch (cause) {
    throw new LogcaskError('invalid', `${text}: cannot be read as a path`, { hint: 'write file:///dir', cause })
  }
}

function s3Address(text: string, url: URL): StoreAddress {
  if (url.host === '') throw invalid(text, 'names no bucket', 'write s3://bucket/prefix')
  for (const name of url.searchParams.keys()) {
    if (queryNames.some((known) => known === name)) continue
    const meant = closest(name, queryNames)
    throw invalid(
      text,
      `has the unknown setting ?${name}=${meant ? ` (did you mean ?${meant}=?)` : ''}`,
      `there are ${queryNames.map((known) => `?${known}=`).join(', ')}`,
    )
  }
  const path = decodedPath(text, url.pathname)
  const query = Object.fromEntries(queryNames.map((name) => [name, url.searchParams.get(name) ?? undefined]))
  // The parser leaves the host of this scheme as it is written: bucket names may have capitals outside AWS.
  return { scheme: 's3', bucket: url.host, prefix: path === '' || path.endsWith('/') ? path : `${path}/`, query }
}

function decodedPath(text: string, pathname: string): string {
  try {
    return decodeURIComponent(pathname.replace(/^\/+/, ''))
  } catch (cause) {
    throw new LogcaskError('invalid', `${text}: holds a broken % escape`, { hint: 'write a % as %25', cause })
  }
}

function invalid(text: string, problem: string, hint: string): LogcaskError {
  return new LogcaskError('invalid', `${text}: ${problem}`, { hint })
}
