import { sha256 } from '../../../src/base/hash.ts'
import type { Bucket, ListEntry, ListOptions } from '../../../src/bucket/bucket.ts'
import type { DirectorySink } from '../../../src/compactor/directory-sink.ts'
import { beforeOf, chainStart } from '../../../src/format/chain.ts'
import { hostPrefix, sealKey, segmentKey } from '../../../src/format/keys.ts'

const content = Buffer.from('x')
const sha = sha256(content)
const begin = beforeOf(chainStart)

/** Sealed streams of one byte, all of them published: nothing of it is stored anywhere, listings are made up. */
export function syntheticHistory(hosts: number, streams: number): { bucket: Bucket; sink: DirectorySink } {
  const hostOf = (at: number): string => `host-${String(at).padStart(6, '0')}`
  const streamOf = (at: number): string => `20261120T${String(at).padStart(15, '0')}Z-1`

  function* keysOf(room: 'segments' | 'seals', host: string, after: string): Generator<string> {
    // Its number, where the key that is named has one: what comes before is not made up.
    const from = Number(/20261120T(\d{15})Z/.exec(after)?.[1] ?? 0)
    for (let at = from; at < streams; at++)
      yield room === 'segments' ? segmentKey(host, streamOf(at), 0, begin) : sealKey(host, streamOf(at), 1, sha)
  }
  function* entries(prefix: string, { startAfter = '', delimiter }: ListOptions): Generator<ListEntry> {
    const [room, host, rest] = prefix.split('/')
    if (room !== 'segments' && room !== 'seals') return
    if (host === '' && delimiter !== undefined) {
      for (let at = 0; at < hosts; at++) yield { kind: 'prefix', prefix: hostPrefix(room, hostOf(at)) }
      return
    }
    if (host === undefined || rest === undefined) return
    for (const key of keysOf(room, host, startAfter > prefix ? startAfter : prefix)) {
      if (!key.startsWith(prefix) && key > prefix) return
      if (key <= startAfter || !key.startsWith(prefix)) continue
      const size = room === 'segments' ? 1 : 300
      if (delimiter === undefined) yield { kind: 'object', key, size, storedAtMs: 0, versions: 1 }
      else yield { kind: 'prefix', prefix: key.slice(0, key.indexOf('/', prefix.length) + 1) }
    }
  }
  const never = (): never => {
    throw new Error('nothing has changed: nothing is to be read or written')
  }
  const bucket: Bucket = {
    url: 'synthetic:///',
    capabilities: { versions: false },
    put: never,
    putLarge: never,
    get: never,
    head: never,
    async *list(prefix, options = {}) {
      let given = 0
      for (const entry of entries(prefix, options)) {
        // A page: others have their turn.
        if (given++ % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
        options.signal?.throwIfAborted()
        yield entry
      }
    },
    close: async () => {},
  }
  const record = { length: 1, segments: 1, window: sha, content: { length: 1, sha256: sha } }
  const sink: DirectorySink = {
    root: '/synthetic',
    recall: async (host, stream) => ({ ...record, name: `${host}/${stream}`, final: undefined }),
    open: never,
    hash: never,
    close: async () => {},
  }
  return { bucket, sink }
}
