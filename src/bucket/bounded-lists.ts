import { LogcaskError } from '../base/errors.ts'
import type { Bucket, ListEntry } from './bucket.ts'

/**
 * A decorator for those who answer strangers: a listing of more than `entriesMax` entries rejects with `refused` instead
 * of taking the memory, or the requests, that a hostile host's millions of objects would. Everything else as it is.
 */
export function boundedLists(bucket: Bucket, entriesMax: number): Bucket {
  async function* bounded(prefix: string, entries: AsyncIterable<ListEntry>): AsyncGenerator<ListEntry> {
    let count = 0
    for await (const entry of entries) {
      if (++count > entriesMax) {
        throw new LogcaskError('refused', `${prefix}: holds more than ${entriesMax} objects`, {
          hint: 'too many for one answer: read it with logcask ls, cat or verify',
        })
      }
      yield entry
    }
  }
  return {
    url: bucket.url,
    capabilities: bucket.capabilities,
    put: (key, body, options) => bucket.put(key, body, options),
    putLarge: (key, body, options) => bucket.putLarge(key, body, options),
    get: (key, options) => bucket.get(key, options),
    head: (key, options) => bucket.head(key, options),
    list: (prefix, options) => bounded(prefix, bucket.list(prefix, options)),
    close: () => bucket.close(),
  }
}
