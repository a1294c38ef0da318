import { expect } from 'vitest'
import type { Site, SiteStore } from '../crash/site.ts'

/** What `logcask ls` says of one stream of a name. */
export interface ListedStream {
  stream: string
  bytes: number
  gaps: { offset: number; end: number | 'open'; reason: string }[]
  forkOf?: { stream: string; shared: number }
  strays: number
}

const at = ({ url, endpoint }: SiteStore): string[] => [
  url,
  ...(endpoint === undefined ? [] : ['--endpoint', endpoint]),
]

/** The streams of a name in a store with their content, oldest first, as the command line gives them; none where it knows none. */
export async function readStreams(
  site: Site,
  store: SiteStore,
  path: string,
  host = 'crash-1',
): Promise<(ListedStream & { content: Buffer })[]> {
  const [url = '', ...more] = at(store)
  const listed = await site.processes.run(['ls', url, host, path, '--json', ...more])
  if (/no stream is called|has nothing of host|no store is there/.test(listed.stderr)) return []
  expect([0, 3], listed.stderr).toContain(listed.code)
  const lines = listed.stdout.toString().trimEnd().split('\n')
  const streams = lines.map((line) => JSON.parse(line) as ListedStream).reverse()
  return Promise.all(
    streams.map(async (one) => {
      const { stdout, code, stderr } = await site.processes.run(['cat', url, host, '--stream', one.stream, ...more])
      expect([0, 3], stderr).toContain(code)
      return { ...one, content: stdout }
    }),
  )
}

/** `cat` gives each of the files as it is now. */
export async function expectCat(site: Site, files: ReadonlyMap<string, Uint8Array>, host = 'crash-1'): Promise<void> {
  for (const store of site.stores) {
    const [url = '', ...more] = at(store)
    for (const [path, bytes] of files) {
      const { stdout, stderr } = await site.processes.run(['cat', url, host, path, ...more])
      expect({ store: store.name, path, isSame: stdout.equals(bytes) }, stderr).toMatchObject({ isSame: true })
    }
  }
}

/** Bytes that both begin with. */
export function sharedLength(one: Uint8Array, other: Uint8Array): number {
  let shared = 0
  while (shared < Math.min(one.byteLength, other.byteLength) && one[shared] === other[shared]) shared++
  return shared
}
