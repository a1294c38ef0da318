import { forEachConcurrently } from '../../base/concurrency.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { hasDelivered, type Times } from '../../bucket/delivered-between.ts'
import { listHosts, listStreams } from '../../bucket/stream-inventory.ts'
import { type StreamRow, surveyStream } from '../../bucket/stream-row.ts'
import type { CommandInput } from '../command.ts'
import { countText } from '../terminal/units.ts'
import { noSuchHost, readsAtOnce, saysNothingHere, withReader } from './read-bucket.ts'
import { createServerClient, isServerUrl } from './server-client.ts'

/** What `ls` lists: a bucket's streams, or a server's. */
export interface Inventory {
  readonly url: string
  hosts(): Promise<readonly string[]>
  /** What was found where hosts are, and is none. */
  strays(): number
  /** Why there is no host; undefined where nobody knows. */
  nothing(): Promise<string | undefined>
  /** The streams of a host; with `times`, those of which bytes were delivered then. `strays` are on no stream. */
  rows(host: string, times: Times | undefined): Promise<{ rows: readonly StreamRow[]; strays: number }>
}

export async function withInventory<T>(
  input: CommandInput,
  url: string,
  work: (inventory: Inventory) => Promise<T>,
): Promise<T> {
  if (isServerUrl(url)) return work(await serverInventory(input, url))
  return withReader(input, url, (bucket) => work(bucketInventory(input, bucket)))
}

function bucketInventory({ terminal, signal }: CommandInput, bucket: Bucket): Inventory {
  let hostStrays = 0
  return {
    url: bucket.url,
    hosts: () => listHosts(bucket, { signal, onStray: () => hostStrays++ }),
    strays: () => hostStrays,
    nothing: () => saysNothingHere(bucket, signal),
    async rows(host, times) {
      const rows: StreamRow[] = []
      let strays = 0
      let streams = 0
      await forEachConcurrently(
        listStreams(bucket, host, { signal, onStray: () => strays++ }),
        readsAtOnce,
        async (listed) => {
          streams++
          if (times !== undefined && !hasDelivered(listed.segments, times)) return
          rows.push(await surveyStream(bucket, host, listed, signal))
          terminal.live(countText(rows.length, 'stream'))
        },
      )
      terminal.live(undefined)
      if (streams === 0) throw await noSuchHost(bucket, host, signal)
      return { rows, strays }
    },
  }
}

async function serverInventory(input: CommandInput, url: string): Promise<Inventory> {
  const { serverDelivered, serverHosts, serverRows } = await import('./server-rows.ts')
  const server = await createServerClient(input, url)
  return {
    url: server.url,
    hosts: () => serverHosts(server),
    strays: () => 0,
    nothing: async () => undefined,
    async rows(host, times) {
      const all: StreamRow[] = []
      for await (const page of serverRows(server, host)) all.push(...page)
      if (times === undefined) return { rows: all, strays: 0 }
      const rows: StreamRow[] = []
      await forEachConcurrently(
        // What stored nothing since needs no question.
        all.filter(({ storedAtMs = 0 }) => storedAtMs >= times.fromMs),
        readsAtOnce / 4,
        async (row) => {
          if ((await serverDelivered(server, host, row.stream, times)) !== undefined) rows.push(row)
        },
      )
      return { rows, strays: 0 }
    },
  }
}
