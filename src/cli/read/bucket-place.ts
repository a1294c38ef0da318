import type { Bucket } from '../../bucket/bucket.ts'
import { deliveredRange } from '../../bucket/delivered-between.ts'
import { readContent } from '../../bucket/stream-content.ts'
import { listHosts } from '../../bucket/stream-inventory.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import type { CommandInput } from '../command.ts'
import { findAllStreams } from './cat-find.ts'
import { followStream } from './cat-follow.ts'
import { withReader } from './read-bucket.ts'
import type { ReadPlace } from './read-place.ts'
import { isServerUrl } from './server-client.ts'

/** Opens what a URL names for reading, bucket or server; closed after `work`. */
export async function withPlace<T>(
  input: CommandInput,
  url: string,
  work: (place: ReadPlace) => Promise<T>,
): Promise<T> {
  if (isServerUrl(url)) return work(await (await import('./server-place.ts')).serverPlace(input, url))
  return withReader(input, url, (bucket) => work(bucketPlace(input, bucket)))
}

export function bucketPlace(input: CommandInput, bucket: Bucket): ReadPlace {
  const { signal } = input
  return {
    url: bucket.url,
    voucher: 'chain verified',
    hosts: () => listHosts(bucket, { signal }),
    find: (host, name, options) => findAllStreams(bucket, host, name, { ...options, signal }),
    async delivered(host, stream, times) {
      return deliveredRange(bucket, await listSegments(bucket, host, stream, { signal }), times, signal)
    },
    read: (host, stream, range) => readContent(bucket, host, stream, range, signal),
    follow: (followed, end) => followStream(input, bucket, followed, end),
  }
}
