import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { S3Client } from '@aws-sdk/client-s3'
import { parseStoreUrl } from '../../src/config/store-url.ts'
import type { TortureOptions } from './options.ts'

/** The store under torture, and everything that it takes to reach it past the product. */
export type Target = FileTarget | S3Target

interface Room {
  /** What the product is given: the store with the prefix of this run. */
  url: string
}

export interface FileTarget extends Room {
  scheme: 'file'
  root: string
}

export interface S3Target extends Room {
  scheme: 's3'
  bucket: string
  /** Ends in '/'. */
  prefix: string
  /** Of the store itself, behind the proxy. */
  endpoint: string
  region: string
  profile: string | undefined
  caFile: string | undefined
  ca: Buffer | undefined
  client: S3Client
}

type Place = Pick<TortureOptions, 'to' | 'endpoint' | 'region' | 'profile' | 'ca'>

/** Below `name`, in a place of its own. Throws where `--to` cannot be read; asks nobody anything. */
export async function resolveTarget(options: Place, name: string): Promise<Target> {
  const address = parseStoreUrl(options.to)
  if (address.scheme === 'file') {
    const root = join(address.root, name)
    return { scheme: 'file', root, url: pathToFileURL(root).href }
  }
  const profile = options.profile ?? address.query.profile
  const set = profile === undefined ? {} : { profile }
  // Only for what the environment and AWS's files say.
  const found = new S3Client({ ...set, region: options.region ?? address.query.region ?? regionOfEnv() ?? 'us-east-1' })
  const configured = options.endpoint ?? address.query.endpoint ?? (await found.config.serviceConfiguredEndpoint?.())
  const region = options.region ?? address.query.region ?? (await regionFrom(set, configured))
  found.destroy()
  const endpoint = (configured ?? `https://s3.${region}.amazonaws.com`).replace(/\/$/, '')
  const caFile = options.ca ?? (process.env.AWS_CA_BUNDLE || undefined)
  const ca = caFile ? readFileSync(caFile) : undefined
  const prefix = `${address.prefix}${name}/`
  const client = new S3Client({
    ...set,
    endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 8,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(ca && { requestHandler: { httpsAgent: { ca, keepAlive: true } } }),
  })
  const { bucket } = address
  return {
    scheme: 's3',
    url: `s3://${bucket}/${prefix}`,
    bucket,
    prefix,
    endpoint,
    region,
    profile,
    caFile,
    ca,
    client,
  }
}

function regionOfEnv(): string | undefined {
  return process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined
}

async function regionFrom(set: { profile?: string }, endpoint: string | undefined): Promise<string> {
  const named = regionOfEnv()
  if (named !== undefined) return named
  const client = new S3Client(set)
  try {
    return await client.config.region()
  } catch (cause) {
    if (endpoint !== undefined) return 'us-east-1'
    throw new Error('no region is set: --region NAME, or AWS_REGION', { cause })
  } finally {
    client.destroy()
  }
}
