import { parseHostName } from '../format/keys.ts'
import type { Bucket, ListEntry } from './bucket.ts'

/** A decorator for reading: what other hosts stored is as if it were not there. */
export function acceptedHosts(bucket: Bucket, accepts: (host: string) => boolean): Bucket {
  /** Keys begin with a room and a host; a prefix may end before it. */
  const isHidden = (key: string): boolean => {
    const [, name, rest] = key.split('/', 3)
    const host = name === undefined || rest === undefined ? undefined : parseHostName(name)
    return host !== undefined && !accepts(host)
  }
  async function* accepted(entries: AsyncIterable<ListEntry>): AsyncGenerator<ListEntry> {
    for await (const entry of entries) if (!isHidden(entry.kind === 'object' ? entry.key : entry.prefix)) yield entry
  }
  return {
    url: bucket.url,
    capabilities: bucket.capabilities,
    put: (key, body, options) => bucket.put(key, body, options),
    putLarge: (key, body, options) => bucket.putLarge(key, body, options),
    get: async (key, options) => (isHidden(key) ? undefined : bucket.get(key, options)),
    head: async (key, options) => (isHidden(key) ? undefined : bucket.head(key, options)),
    list: (prefix, options) => (isHidden(prefix) ? nothing() : accepted(bucket.list(prefix, options))),
    close: () => bucket.close(),
  }
}

async function* nothing(): AsyncGenerator<ListEntry> {}
