import { forEachConcurrently } from '../../base/concurrency.ts'
import { isCode, type LogcaskError } from '../../base/errors.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { retryingReads } from '../../bucket/retrying-reads.ts'
import { readHeader, type StreamHeader } from '../../bucket/stream-header.ts'
import { listHosts } from '../../bucket/stream-inventory.ts'
import { isOwnRoom } from '../../format/whole-name.ts'
import { type CommandInput, didYouMean, usageError } from '../command.ts'
import { openBucket, storeSettings } from '../compose/open-bucket.ts'

/** Requests under way at once, for headers and the like: small answers, so that only latency counts. */
export const readsAtOnce = 32

/** Opens the bucket at `url` for reading, nothing more: no probe, no write, no directory made; closed after `work`. */
export async function withReader<T>(
  { values, clock }: CommandInput,
  url: string,
  work: (bucket: Bucket) => Promise<T>,
): Promise<T> {
  const bucket = await openBucket(url, storeSettings(values), 'read', clock)
  try {
    return await work(retryingReads(bucket, clock))
  } finally {
    await bucket.close()
  }
}

/** Wrong usage, with the hosts that there are. */
export async function noSuchHost(bucket: Bucket, host: string, signal: AbortSignal): Promise<LogcaskError> {
  const hosts = await listHosts(bucket, { signal })
  return usageError(
    `${bucket.url}: has nothing of host ${pathForPeople(host)}${didYouMean(host, hosts)}`,
    `logcask ls ${bucket.url} lists the hosts`,
  )
}

/** How many names fit a message. */
const namesMax = 5

/** That there is no stream; and what else is there, which no command of ours lists: files that were delivered whole. */
export async function saysNothingHere(bucket: Bucket, signal: AbortSignal): Promise<string> {
  const names: string[] = []
  for await (const entry of bucket.list('', { delimiter: '/', signal })) {
    const name = entry.kind === 'object' ? entry.key : entry.prefix
    if (isOwnRoom(name.replace(/\/$/, ''))) continue
    if (names.length === namesMax) return `${saysWhole(bucket, names)} …`
    names.push(pathForPeople(name))
  }
  return names.length === 0 ? `${bucket.url}: nothing has been delivered here yet` : saysWhole(bucket, names)
}

function saysWhole(bucket: Bucket, names: readonly string[]): string {
  return `${bucket.url}: no streams; files that were delivered whole are objects of their own: ${names.join(' ')}`
}

/** A stream with its header, or with what is wrong with it. */
export interface NamedStream {
  stream: string
  header?: StreamHeader | undefined
  problem?: LogcaskError
}

/** The headers of streams, in their order. A record that no agent wrote, or a later one, is that stream's problem alone. */
export async function readHeaders(
  bucket: Bucket,
  host: string,
  streams: readonly string[],
  signal: AbortSignal,
): Promise<NamedStream[]> {
  const named: NamedStream[] = streams.map((stream) => ({ stream }))
  await forEachConcurrently(named, readsAtOnce, async (one) => {
    try {
      one.header = await readHeader(bucket, host, one.stream, { signal })
    } catch (error) {
      if (!isCode(error, 'corrupt')) throw error
      one.problem = error
    }
  })
  return named
}
