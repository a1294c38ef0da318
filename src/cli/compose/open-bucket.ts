import type { ParseArgsOptionsConfig } from 'node:util'
import type { Clock } from '../../base/clock.ts'
import type { LogcaskError } from '../../base/errors.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import type { StoreSettings } from '../../config/store-settings.ts'
import { parseStoreUrl } from '../../config/store-url.ts'
import { type OptionValues, textOf } from '../command.ts'
import { shellWord } from '../terminal/shell-word.ts'

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

/** What only a configuration can say. */
const configured = ['roleArn', 'sse', 'storageClass', 'expectedBucketOwner', 'fips', 'dualStack'] as const

/**
 * How a command line names the same store: its URL with all that a query may hold, then the files of TLS; with `name`, its
 * own in the configuration, where that alone says it all.
 */
export function storeWords(url: string, settings: StoreSettings, name?: string): string {
  if (name !== undefined && configured.some((setting) => settings[setting] !== undefined)) {
    return `${shellWord(name)} -c /etc/logcask/agent.yaml`
  }
  const address = parseStoreUrl(url)
  const [place = url] = url.split('?')
  const query = (['endpoint', 'region', 'profile'] as const).flatMap((name) => {
    const value = settings[name] ?? (address.scheme === 's3' ? address.query[name] : undefined)
    return value === undefined ? [] : [`${name}=${value.replace(/[%&#+\s]/g, encodeURIComponent)}`]
  })
  const files = (['ca', 'cert', 'key'] as const).flatMap((name) => {
    const file = settings[name]
    return file === undefined ? [] : [`--${name} ${shellWord(file)}`]
  })
  if (address.scheme === 'file') return shellWord(url)
  return [shellWord(query.length === 0 ? place : `${place}?${query.join('&')}`), ...files].join(' ')
}

/** For the probe; undefined: as the bucket says. */
export function encryptionOf({ sse, kmsKey }: StoreSettings): string | undefined {
  return sse === undefined ? undefined : `${sse} ${kmsKey ?? ''}`
}

/**
 * The bucket behind a URL, `file:///dir` or `s3://bucket/prefix`, not yet asked anything. `create` makes the directory
 * of a `file://` bucket where it is missing; for the role `read` never. `warn` hears of certificates that went bad while
 * it was open. The caller closes it.
 */
export async function openBucket(
  url: string,
  settings: StoreSettings,
  role: 'read' | 'write',
  clock: Clock,
  options: { create?: boolean; warn?: (warning: LogcaskError) => void } = {},
): Promise<Bucket> {
  const address = parseStoreUrl(url)
  if (address.scheme === 'file') {
    const { createDirectoryBucket } = await import('../../bucket/directory.ts')
    return createDirectoryBucket({ root: address.root, create: role === 'write' && options.create === true }, clock)
  }
  const { createS3Bucket } = await import('../../bucket/s3.ts')
  const { bucket, prefix, query } = address
  const { endpoint, region, profile, ca, cert, key, ...same } = settings
  return createS3Bucket(
    {
      ...same,
      bucket,
      prefix,
      endpoint: endpoint ?? query.endpoint,
      region: region ?? query.region,
      profile: profile ?? query.profile,
      caFile: ca,
      certFile: cert,
      keyFile: key,
    },
    clock,
    options.warn,
  )
}
