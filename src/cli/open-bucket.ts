import { fileURLToPath } from 'node:url'
import type { ParseArgsOptionsConfig } from 'node:util'
import type { Clock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { didYouMean, type OptionValues, textOf } from './command.ts'

/** How to reach a store: from the flags below, from a destination of the configuration, or from the URL's query. */
export interface StoreSettings {
  endpoint?: string | undefined
  region?: string | undefined
  profile?: string | undefined
  /** Files in PEM: the authority to trust; our certificate and its key. */
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  requestTimeoutMs?: number | undefined
}

/** Flags that every command with a URL takes. */
export const storeOptions = {
  endpoint: { type: 'string' },
  region: { type: 'string' },
  profile: { type: 'string' },
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
} satisfies ParseArgsOptionsConfig

/** The same for help texts. */
export const storeHelp = `Store options (for s3://; also AWS_ENDPOINT_URL_S3, AWS_PROFILE, AWS_REGION and AWS's other variables)
  --endpoint URL    of a store that is not AWS (also in the URL: ?endpoint=, ?region=, ?profile=)
  --region NAME     --profile NAME
  --ca FILE         trust this authority    --cert FILE --key FILE    client certificate`

export function storeSettings(values: OptionValues): StoreSettings {
  return Object.fromEntries(Object.keys(storeOptions).map((name) => [name, textOf(values, name)]))
}

export type StoreAddress =
  | { scheme: 'file'; root: string }
  | { scheme: 's3'; bucket: string; prefix: string; query: Pick<StoreSettings, 'endpoint' | 'region' | 'profile'> }

/**
 * The bucket behind a URL, `file:///dir` or `s3://bucket/prefix`, not yet asked anything. `create` makes the directory
 * of a `file://` bucket where it is missing; for the role `read` never. The caller closes it.
 */
export async function openBucket(
  url: string,
  settings: StoreSettings,
  role: 'read' | 'write',
  clock: Clock,
  options: { create?: boolean } = {},
): Promise<Bucket> {
  const address = parseStoreUrl(url)
  if (address.scheme === 'file') {
    const { createDirectoryBucket } = await loadInterim('../bucket/directory.ts')
    return createDirectoryBucket({ root: address.root, create: role === 'write' && options.create === true }, clock)
  }
  const { createS3Bucket } = await loadInterim('../bucket/s3.ts')
  const { bucket, prefix, query } = address
  const { endpoint, region, profile } = settings
  return createS3Bucket(
    {
      bucket,
      prefix,
      endpoint: endpoint ?? query.endpoint,
      region: region ?? query.region,
      profile: profile ?? query.profile,
      caFile: settings.ca,
      certFile: settings.cert,
      keyFile: settings.key,
      requestTimeoutMs: settings.requestTimeoutMs,
    },
    clock,
  )
}

/** Throws `invalid` for what is no address of a store, with what to type. */
export function parseStoreUrl(text: string): StoreAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    throw invalidUrl(text, 'is no URL', text.startsWith('/') ? `file://${text}` : 'file:///dir or s3://bucket/prefix')
  }
  if (scheme !== 'file' && scheme !== 's3') {
    const meant = didYouMean(scheme, ['file', 's3'])
    throw invalidUrl(text, `has the unknown scheme ${scheme}://${meant}`, 'file:///dir or s3://bucket/prefix')
  }
  if (!URL.canParse(text)) throw invalidUrl(text, 'cannot be read', 'file:///dir or s3://bucket/prefix')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    throw invalidUrl(
      `${scheme}://…@${url.host}${url.pathname}`,
      'holds a credential',
      'use --profile or AWS_ACCESS_KEY_ID: URLs are logged',
    )
  }
  if (url.hash !== '') throw invalidUrl(text, 'holds a #', 'write it as %23')
  return scheme === 'file' ? parseFileUrl(text, url) : parseS3Url(text, url)
}

function parseFileUrl(text: string, url: URL): StoreAddress {
  if (url.host !== '' || !text.toLowerCase().startsWith('file:///')) {
    throw invalidUrl(text, 'names no absolute path', `file:///${text.replace(/^file:\/*/i, '')} (three slashes)`)
  }
  if (url.search !== '') throw invalidUrl(text, 'takes no ?query', 'write a ? in a name as %3F')
  try {
    return { scheme: 'file', root: fileURLToPath(url) }
  } catch (cause) {
    throw new LogcaskError('invalid', `${text}: cannot be read as a path`, { hint: 'write file:///dir', cause })
  }
}

function parseS3Url(text: string, url: URL): StoreAddress {
  // The parser of this scheme keeps the host as written: bucket names are case-sensitive.
  const bucket = url.host
  if (bucket === '') throw invalidUrl(text, 'names no bucket', 's3://bucket/prefix')
  const known = ['endpoint', 'region', 'profile']
  for (const name of url.searchParams.keys()) {
    if (!known.includes(name)) {
      throw invalidUrl(
        text,
        `has the unknown setting ?${name}=${didYouMean(name, known)}`,
        `it may have ${known.map((one) => `?${one}=`).join(', ')}`,
      )
    }
  }
  const path = decodePath(text, url.pathname)
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`
  const query = Object.fromEntries(known.map((name) => [name, url.searchParams.get(name) ?? undefined]))
  return { scheme: 's3', bucket, prefix, query }
}

function decodePath(text: string, pathname: string): string {
  try {
    return decodeURIComponent(pathname.replace(/^\//, ''))
  } catch (cause) {
    throw new LogcaskError('invalid', `${text}: holds a broken % escape`, { hint: 'write a % as %25', cause })
  }
}

function invalidUrl(text: string, problem: string, hint: string): LogcaskError {
  return new LogcaskError('invalid', `${text}: ${problem}`, { hint })
}

// Until both modules are there: a literal specifier would fail the type check of everybody else.
async function loadInterim(path: string): Promise<Record<'createDirectoryBucket' | 'createS3Bucket', Create>> {
  return await import(path)
}
type Create = (settings: object, clock: Clock) => Bucket
